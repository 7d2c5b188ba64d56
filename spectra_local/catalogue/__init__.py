"""Which models there are, which are on this disk, and how to fetch one."""
