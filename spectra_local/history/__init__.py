"""The personal N-gram cache: every turn in one SQLite file, and a disposable index that drafts are read from.

Knows tokens and text, nothing of models or of how drafts are made.
"""
