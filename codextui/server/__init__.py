"""The shared server: it owns the threads, asks people for approvals, and tells every client."""
