"""Checks this machine and says what is wrong: Codex, folders, the server, clients, teams."""
