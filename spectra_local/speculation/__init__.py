"""SPECTRA: guess, verify, learn. Works on token ids; knows nothing of text, files of the user, or screens."""
