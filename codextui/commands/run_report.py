"""Prints what happens in a run: lines for a person, or JSON lines."""

from __future__ import annotations

from codextui.commands.cost_text import show_costs
from codextui.commands.output import emit, note, show, show_indented
from codextui.render.sanitize import one_line, sanitize
from codextui.teams.happening import Happening, Kind

_VERBS = {
    Kind.ROLE_STARTED: "",
    Kind.TOOL_CALLED: "calls ",
    Kind.TOOL_ANSWERED: "is answered ",
    Kind.HANDED_OFF: "hands off ",
    Kind.HANDOFF_REFUSED: "is refused to hand off ",
    Kind.ROLE_FINISHED: "is done: ",
}


def report(happening: Happening, *, as_json: bool) -> None:
    """Print one happening on standard output; what a person must do on standard error too."""
    if as_json:
        emit(happening.to_wire())
    else:
        _show(happening)
    if happening.kind is Kind.PERSON_NEEDED:
        note(_how_to_decide(happening))
    if happening.kind is Kind.TROUBLE:
        note(sanitize(happening.text))


def _how_to_decide(happening: Happening) -> str:
    approval = one_line(str(happening.data.get("approval", "")))
    yes = f"`codextui approve {approval}` says yes"
    if happening.data.get("asks") in ("questions", "elicitation"):
        yes = f"`codextui answer {approval} ANSWER` answers"
    return (
        f"needs input: `codextui approvals` shows it, {yes}, `codextui decline {approval}` says "
        "no; or open the console"
    )


def _show(happening: Happening) -> None:
    role = one_line(happening.role)
    match happening.kind:
        case Kind.ROLE_SAID:
            show(f"{role} says:")
            show_indented(sanitize(happening.text))
        case Kind.TOOL_CALLED | Kind.TOOL_ANSWERED:
            show(f"{role} {_VERBS[happening.kind]}{one_line(happening.text, 160)}")
        case Kind.HANDOFF_REFUSED | Kind.SENT_BACK:
            first, _, rest = sanitize(happening.text).partition("\n")
            show(f"{role} {_VERBS.get(happening.kind, '')}{first}")
            show_indented(rest)
        case Kind.RUN_ENDED:
            _show_end(happening)
        case _:
            text = f"{_VERBS.get(happening.kind, '')}{one_line(happening.text)}"
            show(f"{role} {text}" if role else text)


def _show_end(happening: Happening) -> None:
    show()
    show(sanitize(happening.text))
    if "usage" in happening.data:
        show_costs(happening.data)
