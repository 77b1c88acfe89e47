"""The keys of the main screen. Letters act on the current thread; arrows only ever move."""

from __future__ import annotations

from textual.binding import Binding, BindingType

MAIN_BINDINGS: list[BindingType] = [
    Binding("enter,r", "reply", "Reply, steer, or write to a role", id="thread.reply"),
    Binding("a", "approvals", "Decide what needs you", id="approvals.open"),
    Binding("n", "new_thread", "New thread", id="thread.new"),
    Binding("x", "interrupt", "Interrupt the turn, or stop a role", id="thread.interrupt"),
    Binding("p", "pause", "Pause a role or a run, or go on", id="role.pause"),
    Binding("R", "rerun", "Run a role again from its start", id="role.rerun"),
    Binding("g", "gates", "Gate board of the run", id="run.gates"),
    Binding("T", "timeline", "Timeline of the run", id="run.timeline"),
    Binding("f", "fork", "Fork", id="thread.fork"),
    Binding("F", "fork_through", "Fork through a turn", id="thread.fork_through"),
    Binding("d", "diff", "Diff of the turn", id="thread.diff"),
    Binding("z", "zoom", "Zoom the pane", id="pane.zoom"),
    Binding("escape", "zoom_out", "Back from the zoom", id="pane.zoom_out", show=False),
    Binding("X", "kill", "Kill the thread or the run", id="thread.kill"),
    Binding("t", "toggle_tree", "Show or hide the tree", id="view.tree"),
    Binding("plus,equals_sign", "panes(1)", "More panes", id="view.more_panes"),
    Binding("minus", "panes(-1)", "Fewer panes", id="view.fewer_panes"),
    Binding("tab", "cycle(1)", "Next pane", id="pane.next"),
    Binding("shift+tab", "cycle(-1)", "Previous pane", id="pane.previous"),
    Binding("left", "go(-1, 0)", "Pane to the left", id="pane.left"),
    Binding("right", "go(1, 0)", "Pane to the right", id="pane.right"),
    Binding("up", "go(0, -1)", "Pane above", id="pane.above"),
    Binding("down", "go(0, 1)", "Pane below", id="pane.below"),
    *(
        Binding(str(n), f"number({n})", f"Pane {n}", id=f"pane.go_{n}", show=False)
        for n in range(1, 10)
    ),
    Binding("question_mark", "help", "All keys", id="console.help"),
    Binding("q", "detach", "Detach: leave, the agents go on", id="console.detach"),
    Binding("Q", "stop_server", "Stop the server and leave", id="console.stop_server"),
    Binding("ctrl+r", "retry", "Try to connect now", id="server.retry"),
]
