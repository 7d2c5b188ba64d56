"""Markdown that grows while it is read: blocks are updated in place, so that nothing flickers or is laid out twice."""
