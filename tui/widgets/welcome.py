"""What an empty conversation shows: the name, and enough keys to begin."""

from textual.content import Content
from textual.widgets import Static


class Welcome(Static):
    """Stands in the middle until the first message."""

    DEFAULT_CSS = """
    Welcome {
        width: 100%;
        height: 100%;
        content-align: center middle;
        text-align: center;
        color: $text-muted;
    }
    """

    def __init__(self) -> None:
        super().__init__(
            Content.assemble(
                ("s p e c t r a", "bold $text-primary"),
                "\n\n",
                "A private assistant on this machine.\nNothing you write leaves it.",
            ),
            markup=False,
        )
