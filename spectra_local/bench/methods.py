"""Names of what the benchmark compares, and how a user chooses among them."""

from collections.abc import Iterable

from spectra_local.errors import UsageError

PLAIN, SPECTRA = "plain", "spectra"


def chosen(text: str, known: Iterable[str], what: str) -> list[str]:
    """The names in "a,b", in the order of ``known``; "all" and "none" are understood. Raises UsageError."""
    names = list(known)
    if text in ("all", "none"):
        return names if text == "all" else []
    asked = {name.strip().replace("-", "_") if name.strip() not in names else name.strip() for name in text.split(",")}
    if unknown := sorted(asked - set(names)):
        raise UsageError(f"no {what} called {unknown[0]!r}; known are {', '.join(names)}, all and none")
    return [name for name in names if name in asked]
