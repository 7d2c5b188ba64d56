"""The command line: data on stdout, words on stderr, exit 0, 1, 2 or 130."""
