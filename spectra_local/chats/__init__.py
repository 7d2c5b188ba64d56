"""Conversations: what fits into the context window, and (later) how chats are kept."""
