"""Processes killed at every step: nothing lost, nothing doubled."""
