"""A speed in words: the one place that rounds, so that a slow model does not seem to stand still."""


def speed(per_second: float) -> str:
    """ "0.04", "6.4", "38", "1204" tokens per second: two digits, one below 1."""
    if 0 < per_second < 0.95:
        return f"{per_second:.1g}"
    return f"{per_second:.{int(abs(per_second) < 9.95)}f}"
