"""Gates: what must exist before a role may begin."""
