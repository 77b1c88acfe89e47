"""Builds the messages of the removed `codex mcp-server` from those of `codex app-server`. Pure.

Two formats are called `codex/event`. Both are MCP notifications with the members `_meta`, `id`
(the turn's) and `msg`, whose `type` names the kind; some kinds have the same name in both. They
differ in receivers, in what `_meta` carries, and in the members of `msg`.

**The legacy format**, made here, is that of `codex mcp-server` 0.153.4, the last version that had
this server. An MCP client that calls `codex` or `codex-reply` gets it while its call runs, about
the thread of the call only, so that programs written for the old server work unchanged. `_meta` has
the JSON-RPC id of the call; there is no sequence number, and what was missed is not sent again.
Items have the old server's names (`AgentMessage`), and messages of older clients come beside them::

    {"method": "codex/event", "params": {
        "_meta": {"requestId": 2, "threadId": "0199a213-…"},
        "id": "0199a214-…",
        "msg": {"type": "agent_message_content_delta", "thread_id": "0199a213-…",
                "turn_id": "0199a214-…", "item_id": "msg_1", "delta": "Hello "}}}

`LegacyEventTranslator` (`events`) makes these messages, and `codextui.server.events.legacy`
sends them, to clients that ask for them or are known to show them
(`codextui.protocol.extensions.takes_events`). Clients that supervise, or that speak MCP 2026-07-28,
which has no handshake, do not get them.

**The supervisor format**, of `codextui.protocol.events`, is our own. A client that supervises, such
as the console, gets it after `codex/subscribe`, about every thread. `_meta` has a sequence number,
by which the stream resumes after a disconnect, and the time; the journal stores the same messages.
Items are app-server's (`agentMessage`), and there are kinds that the old server did not have:
`thread_changed`, `approval_asked`, gates and spans of runs::

    {"method": "codex/event", "params": {
        "_meta": {"seq": 4711, "threadId": "0199a213-…", "at": 1790000000.5},
        "id": "0199a214-…",
        "msg": {"type": "agent_message_content_delta", "item_id": "msg_1", "delta": "Hello "}}}

`codextui.codex.notifications` translates app-server's notifications into these messages, the hub
(`codextui.server.events.hub`) assigns the sequence number, `Event.to_json` writes the parameters,
and `codextui.server.mcp.subscribe` sends them.

The modules:

* `events`: one thread's events in order, with the state behind them.
* `notifications`: notifications that mean one message each, and the start of MCP servers.
* `items`: items, and the separate messages at their start and end.
* `requests`: approvals, as `elicitation/create` and the event before it.
* `values`: names, commands, paths, file changes and sandboxes.

`tests/contract/legacy` has recordings of the genuine server, and in `exempt.py` every intended
difference with its reason.
"""
