"""The shared server: owns the threads, asks people for approvals, and streams events."""
