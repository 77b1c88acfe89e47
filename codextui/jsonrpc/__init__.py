"""JSON-RPC 2.0 in lines: frames, lines and endpoints, and typed reads of their objects."""
