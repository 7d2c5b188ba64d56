"""One line on the screen, and how text is broken into such lines."""

from dataclasses import KW_ONLY, dataclass

from textual.content import Content

NARROWEST = 8  # columns that text keeps however deep it is nested
TAB_SIZE = 4


@dataclass(slots=True, eq=False)
class Line:
    """What stands before the text (bullet, bar, indentation; never selected), and the text."""

    prefix: Content
    content: Content
    x: int = 0  # where the content begins in the unwrapped line
    fill: str = ""  # style of the whole width
    _: KW_ONLY
    begins_code: bool = False  # the first of a block of code
    label: str = ""  # its language
    number: int = 0  # of the block, counted from 1; both stand at the right end where there is room, never selected

    def looks_like(self, other: "Line") -> bool:
        """Whether both are drawn alike."""
        return (
            self.content.is_same(other.content)
            and self.prefix.is_same(other.prefix)
            and (self.x, self.fill, self.label) == (other.x, other.fill, other.label)
        )

    @property
    def begins(self) -> bool:
        """The first of an unwrapped line."""
        return self.x == 0


def blank() -> Line:
    """A line without text."""
    return Line(Content(), Content())


def wrapped(text: Content, width: int) -> list[Line]:
    """``text`` broken at spaces into lines of at most ``width`` columns; its own line breaks stay."""
    lines = []
    for unwrapped in text.split(allow_blank=True):
        row = unwrapped.expand_tabs(TAB_SIZE)
        plain, x = row.plain, 0
        for index, piece in enumerate(row.wrap(max(width, NARROWEST))):
            x = max(plain.find(piece.plain, x), x) if index else 0
            lines.append(Line(Content(), piece, x))
            x += max(len(piece.plain), 1)
    return lines or [blank()]


def folded(text: Content, width: int) -> list[Line]:
    """One line of ``text`` cut into lines of at most ``width`` columns, as code wants it."""
    lines, x = [], 0
    for piece in text.fold(max(width, NARROWEST)):
        lines.append(Line(Content(), piece, x))
        x += len(piece.plain)
    return lines
