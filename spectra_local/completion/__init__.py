"""Filling gaps and rewriting text with a model: what to ask, when to stop, what to keep."""
