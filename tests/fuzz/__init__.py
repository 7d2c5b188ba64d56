"""Mutated files and messages, offered to everything that reads what a stranger wrote."""
