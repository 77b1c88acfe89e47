"""Five roles build a small game: a plain script on the OpenAI Agents SDK.

Nothing of it is codextui's but the command. With `{"command": "codex", "args": ["mcp-server"]}`
it works with Codex alone; as it is, its Codex threads stand in the console while they work.

    export OPENAI_API_KEY=…
    cd an-empty-folder
    python five_roles.py

`five_roles.toml` is the same team for `codextui run`, where the gates are held by code.
"""

from __future__ import annotations

import asyncio

from agents import Agent, ModelSettings, Runner, WebSearchTool
from agents.extensions.handoff_prompt import RECOMMENDED_PROMPT_PREFIX
from agents.mcp import MCPServerStdio
from openai.types.shared import Reasoning

CODEX = (
    "Have every file written by the tool codex, in the current folder, called with "
    '{"approval-policy": "never", "sandbox": "workspace-write"}.'
)
TASK = """
Build Bug Busters, a small game for the browser.

- A bug moves over the field. Whoever clicks it scores; a round lasts 20 seconds, with a counter.
- At the end the score is shown, and one can play again.
- A backend is optional: GET /health, GET /scores and POST /scores, kept in memory.
- Plain HTML, CSS and JavaScript; Node without packages. Nothing to install.

Roles: Designer, Frontend Developer, Backend Developer, Tester.
"""


def brief(text: str) -> str:
    return f"{RECOMMENDED_PROMPT_PREFIX}\n{text}\n{CODEX}"


async def main() -> None:
    async with MCPServerStdio(
        name="Codex",
        params={"command": "codextui", "args": ["mcp-server"]},
        client_session_timeout_seconds=360000,
    ) as codex:
        designer = Agent(
            name="Designer",
            instructions=brief(
                "You are the Designer. Read REQUIREMENTS.md and AGENT_TASKS.md, and build on "
                "nothing else. Describe the page so that it can be built as it is, in "
                "design/design_spec.md; design/wireframe.md may sketch it. Then hand back to the "
                "Project Manager."
            ),
            tools=[WebSearchTool()],
            mcp_servers=[codex],
        )
        frontend = Agent(
            name="Frontend Developer",
            instructions=brief(
                "You are the Frontend Developer. Build what AGENT_TASKS.md and "
                "design/design_spec.md ask for: frontend/index.html, frontend/styles.css and "
                "frontend/game.js. Add no pages and no features. Then hand back to the Project "
                "Manager."
            ),
            mcp_servers=[codex],
        )
        backend = Agent(
            name="Backend Developer",
            instructions=brief(
                "You are the Backend Developer. Build what AGENT_TASKS.md asks for: "
                "backend/package.json and backend/server.js, with those addresses and no "
                "others. Then hand back to the Project Manager."
            ),
            mcp_servers=[codex],
        )
        tester = Agent(
            name="Tester",
            instructions=brief(
                "You are the Tester. Check what the others made against TEST.md: write "
                "tests/TEST_PLAN.md, and tests/test.sh where a script can check it. Then tell "
                "the Project Manager what passed, and hand back."
            ),
            mcp_servers=[codex],
        )
        manager = Agent(
            name="Project Manager",
            instructions=brief(
                "You are the Project Manager. First write REQUIREMENTS.md (what is built and "
                "what not), TEST.md (how one knows that it works) and AGENT_TASKS.md (who makes "
                "which files) in the current folder. Hand off one step at a time, and before "
                "each look whether the files are there:\n"
                "1. REQUIREMENTS.md, TEST.md and AGENT_TASKS.md: hand off to the Designer.\n"
                "2. design/design_spec.md: hand off to the Frontend Developer, then to the "
                "Backend Developer.\n"
                "3. frontend/index.html and backend/server.js: hand off to the Tester.\n"
                "Where one is missing, ask its owner for it, and look again. End when the tester "
                "has reported."
            ),
            model_settings=ModelSettings(reasoning=Reasoning(effort="medium")),
            handoffs=[designer, frontend, backend, tester],
            mcp_servers=[codex],
        )
        for specialist in (designer, frontend, backend, tester):
            specialist.handoffs = [manager]
        result = await Runner.run(manager, TASK, max_turns=30)
        print(result.final_output)


if __name__ == "__main__":
    asyncio.run(main())
