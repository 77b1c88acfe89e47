"""Teams: roles on the OpenAI Agents SDK that share one Codex server, with gates on artifacts."""
