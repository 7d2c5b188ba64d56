"""One widget a file, its style beside its code."""
