"""Measure, say which step is due, move one step."""
