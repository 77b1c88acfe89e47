"""The transports that clients connect by: unix socket, stdio and HTTP."""
