"""The runs that programs publish: their threads, their owners, and what roles and people ask."""
