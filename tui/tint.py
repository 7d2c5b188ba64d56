"""The colours of the sources that guesses were accepted from: one table for text, legend and charts.

Knows the protocol's codes and names of styles; what a style looks like is the theme's to say.
"""

from dataclasses import dataclass

from spectra_local.protocol import OTHER_SOURCE, OWN, SOURCE_CODES, Source

OWN_STYLE = "$foreground 50%"
_OTHER_STYLE = "$tint-corpus"  # what is only compared with never stands beside a corpus


@dataclass(frozen=True, slots=True)
class Share:
    """How much of a text came from one source; of the model's own, where ``source`` is ""."""

    source: str
    share: float  # 0..1
    style: str


def style_of_source(source: str) -> str:
    """The style for a source by its name."""
    if not source:
        return OWN_STYLE
    return f"$tint-{source}" if source in SOURCE_CODES else _OTHER_STYLE


# By code; the model's own text stays as it is.
STYLES = {source.code: style_of_source(source) for source in Source} | {OTHER_SOURCE: _OTHER_STYLE}


def shares(counts: dict[str, int]) -> list[Share]:
    """The sources that a text came from, most first and its own last, from characters by code."""
    total = sum(counts.values())
    if not total:
        return []
    names = {code: name for name, code in SOURCE_CODES.items()} | {OTHER_SOURCE: "other"}
    found = [Share(names[code], n / total, style_of_source(names[code])) for code, n in counts.items() if n]
    return sorted(found, key=lambda each: (not each.source, -each.share))


def counted(sources: str, length: int) -> dict[str, int]:
    """Characters by code in ``sources``, parallel to a text of ``length``; what has no code is the model's own."""
    counts = {code: n for code in STYLES if (n := sources.count(code))}
    return counts | {OWN: length - sum(counts.values())}
