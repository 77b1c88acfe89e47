"""Reviews of changes by Codex (`review/start`).

A review is a turn of its thread with two ids: its items and its end have that of `start_review`,
and `turn/started` another, which `turn/interrupt` wants. A review cannot be steered. Codex 0.171
has no review in a thread of its own (`detached`) any more; start a thread first.
"""

from __future__ import annotations

from dataclasses import dataclass

from codextui.codex.app_server import AppServer
from codextui.codex.calls import typed_refusals
from codextui.jsonrpc import fields
from codextui.jsonrpc.fields import Json


@dataclass(frozen=True, slots=True)
class ReviewTarget:
    """What to review: the uncommitted changes, unless one of these is not empty.

    Attributes:
        base: the branch against which the current one is reviewed.
        commit: the commit whose changes are reviewed.
        instructions: what to look at, in the user's words.
    """

    base: str = ""
    commit: str = ""
    instructions: str = ""

    def to_params(self) -> dict[str, Json]:
        """Return the `ReviewTarget` of the protocol."""
        if self.base:
            return {"type": "baseBranch", "branch": self.base}
        if self.commit:
            return {"type": "commit", "sha": self.commit}
        if self.instructions:
            return {"type": "custom", "instructions": self.instructions}
        return {"type": "uncommittedChanges"}

    def describe(self) -> str:
        """Return what is reviewed, in a few words."""
        if self.base:
            return f"the changes against {self.base}"
        if self.commit:
            return f"the commit {self.commit}"
        return self.instructions or "the uncommitted changes"


async def start_review(app: AppServer, thread_id: str, target: ReviewTarget) -> str:
    """Start a review in a loaded thread at rest and return the id of its turn.

    Where a turn runs, Codex interrupts it. Raises ThreadUnknown.
    """
    params = {"threadId": thread_id, "target": target.to_params(), "delivery": "inline"}
    with typed_refusals(thread_id):
        result = await app.call("review/start", params)
    return fields.text(fields.as_object(result.get("turn"), "turn"), "id")
