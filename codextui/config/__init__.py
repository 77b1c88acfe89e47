"""config.toml, prices, paths and addresses: what the user wrote, read strictly."""
