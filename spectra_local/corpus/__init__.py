"""Text of the user's choice to guess from, filtered by the model itself: read, cut into chunks, scored, kept."""
