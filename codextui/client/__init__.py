"""Clients of the shared server: sessions, connections, the relay. Imports nothing by itself."""
