"""Untrusted text made safe, and figures in a few characters. Pure."""
