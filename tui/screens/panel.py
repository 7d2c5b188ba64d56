"""A framed panel over the chat or a file: what all screens that lie over another one look like."""

from typing import ClassVar, TypeVar

from textual.binding import Binding, BindingType
from textual.screen import ModalScreen

Answer = TypeVar("Answer")


class PanelScreen(ModalScreen[Answer]):
    """Subclasses compose one container with the id ``panel``, and say how wide it is."""

    DEFAULT_CSS = """
    PanelScreen {
        align: center middle;
        background: $background 60%;
        & > #panel {
            width: 72; max-width: 100%; height: auto; max-height: 100%;
            padding: 1 2; background: $surface; border: round $panel;
            border-title-color: $text-primary; border-subtitle-color: $text-muted;
        }
        VerticalScroll, OptionList {
            scrollbar-size-vertical: 1; scrollbar-color: $primary 40%;
            scrollbar-background: $surface; scrollbar-background-hover: $surface;
        }
        OptionList {
            height: auto; padding: 0; border: none; background: $surface; background-tint: transparent;
            text-wrap: nowrap; text-overflow: ellipsis;
            &:focus { border: none; background-tint: transparent; }
        }
        &.-narrow > #panel { padding: 0 1; }
        &.-short > #panel { padding: 0 1; }
    }
    """
    BINDINGS: ClassVar[list[BindingType]] = [  # between buttons, as the eye sees them; lists and boxes take them first
        Binding("left", "app.focus_previous", "the button before", id="panel.previous", show=False),
        Binding("right", "app.focus_next", "the next button", id="panel.next", show=False),
    ]
    HORIZONTAL_BREAKPOINTS = [(0, "-narrow"), (60, "-wide"), (120, "-broad")]  # noqa: RUF012 - Textual declares them so
