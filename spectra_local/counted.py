"""A number with the word for what is counted. Knows English only."""


def counted(n: int, one: str, more: str = "") -> str:
    """Such as "1 text" and "1,200 texts"; ``more`` where that is not ``one`` with an s."""
    return f"{n:,} {one if n == 1 else more or one + 's'}"
