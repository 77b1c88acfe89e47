"""What Codex's agents do with sub-agents: `collabAgentToolCall` and `subAgentActivity` items.

Codex sends the former where its tools are `multi_agent_v1`, the latter where they are those of
`collaboration`. A sub-agent is a thread of its own, which no `thread/started` announces.
"""

from __future__ import annotations

from codextui.jsonrpc import fields
from codextui.jsonrpc.fields import JsonObject
from codextui.protocol.codec import Message

SPAWNS = frozenset({"spawnAgent", "started"})
"""The actions that start a sub-agent."""

_ACTIONS = {
    "spawnAgent": ("starts the sub-agent {}", "started the sub-agent {}"),
    "sendInput": ("writes to {}", "wrote to {}"),
    "sendMessage": ("writes to {}", "wrote to {}"),
    "followupTask": ("gives another task to {}", "gave another task to {}"),
    "resumeAgent": ("resumes {}", "resumed {}"),
    "wait": ("waits for {}", "waited for {}"),
    "closeAgent": ("ends {}", "ended {}"),
    "interruptAgent": ("interrupts {}", "interrupted {}"),
    "listAgents": ("lists its sub-agents", "listed its sub-agents"),
    "started": ("starts the sub-agent {}", "started the sub-agent {}"),
    "interacted": ("writes to {}", "wrote to {}"),
    "interrupted": ("interrupts {}", "interrupted {}"),
    "completed": ("{} is done", "{} is done"),
}
"""Each action in words, while it runs and afterwards."""

_STATES = {
    "pendingInit": "starting",
    "completed": "done",
    "errored": "failed",
    "shutdown": "ended",
    "notFound": "not found",
}
_SHORT_ID = 13
"""Characters of a thread id that tell sub-agents of one moment apart."""


class SubAgent(Message, frozen=True):
    """A sub-agent as an item names it.

    Attributes:
        thread_id: its thread.
        path: its place below the first agent, such as `/root/tester`; empty where it has none.
        state: what it is doing, in a word; empty where that is not said.
        message: its last message, empty where that is not said.
    """

    thread_id: str
    path: str = ""
    state: str = ""
    message: str = ""

    @property
    def name(self) -> str:
        """The last part of its path, or else the beginning of its thread's id."""
        return self.path.rpartition("/")[2] or self.thread_id[:_SHORT_ID]


class AgentCall(Message, frozen=True):
    """Something that an agent does with sub-agents.

    Attributes:
        action: Codex's word for it.
        status: `inProgress`, `completed`, `failed` or `interrupted`.
        agents: the sub-agents; empty while one is being started.
        prompt: what it writes to them, empty where that is not said.
        model: the model that a new one runs on, empty where that is not said.
    """

    action: str
    status: str = "completed"
    agents: tuple[SubAgent, ...] = ()
    prompt: str = ""
    model: str = ""

    @property
    def is_spawn(self) -> bool:
        """Whether it starts a sub-agent."""
        return self.action in SPAWNS

    def describe(self) -> str:
        """Return it in words, with the names of the sub-agents and the model."""
        running, done = _ACTIONS.get(self.action, (f"{self.action} {{}}",) * 2)
        words = running if self.status == "inProgress" else done
        names = ", ".join(agent.name for agent in self.agents)
        if not names and self.is_spawn:
            words = words.replace("the sub-agent", "a sub-agent")
        text = words.replace("{}", names).strip()
        return f"{text} ({self.model})" if self.model else text


def parse_agent_call(item: JsonObject) -> AgentCall | None:
    """Read an item; None for one of another type. Raises MessageInvalid."""
    match item.get("type"):
        case "collabAgentToolCall":
            return AgentCall(
                action=fields.text(item, "tool"),
                status=fields.text_or(item, "status", "inProgress"),
                agents=_receivers(item),
                prompt=fields.text_or(item, "prompt"),
                model=fields.text_or(item, "model"),
            )
        case "subAgentActivity":
            path = fields.text_or(item, "agentPath")
            agent = SubAgent(fields.text(item, "agentThreadId"), path)
            model = fields.text_or(item, "model")
            return AgentCall(fields.text(item, "kind"), agents=(agent,), model=model)
        case _:
            return None


def _receivers(item: JsonObject) -> tuple[SubAgent, ...]:
    states = item.get("agentsStates")
    agents: list[SubAgent] = []
    for thread_id in fields.texts(item, "receiverThreadIds"):
        state = states.get(thread_id) if isinstance(states, dict) else None
        source = state if isinstance(state, dict) else {}
        word = fields.text_or(source, "status")
        message = fields.text_or(source, "message")
        agents.append(SubAgent(thread_id, "", _STATES.get(word, word), message))
    return tuple(agents)
