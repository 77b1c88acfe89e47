"""The configuration of teams: `[teams]` of config.toml."""
