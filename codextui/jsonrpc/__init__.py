"""JSON-RPC 2.0 in lines: frames, line readers and one endpoint."""
