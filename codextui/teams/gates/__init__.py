"""Gates: conditions that must be met before a role may begin."""
