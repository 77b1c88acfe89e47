"""Teams as config.toml describes them."""
