"""Runs teams on the Agents SDK."""
