"""A connection to the shared server. Imports nothing by itself: `mcp` takes its time."""
