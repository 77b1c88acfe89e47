"""The types every process shares: events, approvals, decisions, threads, runs and tools."""
