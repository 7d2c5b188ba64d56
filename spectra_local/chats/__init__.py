"""Conversations: what fits into the context window, how chats are kept, found, exported and imported."""
