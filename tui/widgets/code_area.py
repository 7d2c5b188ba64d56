"""The text of a file, with a suggestion of any length drawn at the cursor that is not part of it yet.

Textual's own suggestion is a single line: rows for the further lines are drawn between the cursor's line and the next.
"""

from collections.abc import Callable

from rich.segment import Segment
from rich.text import Text
from textual import events
from textual.content import Content
from textual.geometry import Offset, Region, Size
from textual.strip import Strip
from textual.widgets import TextArea
from textual.widgets.text_area import Selection

from tui.editing.edited_file import EditedFile
from tui.textual_workarounds import act_in_order
from tui.widgets import code_colours

# Colours are found anew in the whole text at each key: 132 ms of a busy core for 60,000 characters of Python, 14 for
# none. Longer files stay plain.
_MOST_COLOURED_CHARACTERS = 24_000
_OPENERS = tuple(":([{")


class CodeArea(TextArea):
    """Asks ``suggested`` after each edit what to show at the cursor; moving the cursor hides it."""

    DEFAULT_CSS = """
    CodeArea {
        border: round $panel;
        border-title-color: $text-primary;
        border-subtitle-color: $text-muted;
        border-subtitle-align: right;
        background: $background;
        padding: 0;
        scrollbar-size-vertical: 1;
        scrollbar-size-horizontal: 1;
        &:focus { border: round $primary 60%; }
        & .text-area--suggestion { color: $foreground 50%; text-style: italic; }
    }
    """

    def __init__(self, file: EditedFile, suggested: Callable[[], str]) -> None:
        coloured = len(file.text) <= _MOST_COLOURED_CHARACTERS
        self._extra: list[str] = []  # rows of the suggestion after its first
        self._suggested = suggested
        self._frame = ("", "")
        self.veil = file.veil
        super().__init__(
            file.text,
            language=file.language if coloured else None,
            soft_wrap=False,
            show_line_numbers=True,
            max_checkpoints=500,
        )
        self.indent_type, self.indent_width = file.indent  # type: ignore[assignment]
        self.cursor_blink = False

    def on_mount(self) -> None:
        """Colours follow the app's theme."""
        self._use_colours()
        self.app.theme_changed_signal.subscribe(self, lambda _: self._use_colours())

    def _use_colours(self) -> None:
        self.register_theme(code_colours.code_colours(self.app.theme_variables))
        self._set_theme(code_colours.NAME)
        self.set_reactive(TextArea.theme, code_colours.NAME)
        self._line_cache.clear()
        self.refresh()

    # The suggestion

    @property
    def ghost(self) -> str:
        """The suggestion on the screen, "" for none."""
        return "\n".join([self.suggestion, *self._extra])

    def show_ghost(self, text: str) -> None:
        """Draws ``text`` at the cursor, "" to draw none."""
        first, *extra = self.veil.glyphs(self.veil.hide(text)).split("\n")
        if (first, extra) == (self.suggestion, self._extra):
            return
        self.suggestion, self._extra = first, extra
        self._line_cache.clear()
        self._refresh_size()
        self.refresh()
        if extra:
            row = self.cursor_location[0]
            self.call_after_refresh(
                self.scroll_to_region,
                Region(0, row, 1, min(len(extra) + 1, self.size.height - 1)),
                animate=False,
                force=True,
                x_axis=False,
            )

    def update_suggestion(self) -> None:
        """Called by Textual at the end of each edit."""
        if self.is_mounted:
            self.show_ghost(self._suggested())

    def take(self, file: EditedFile) -> None:
        """Shows the file as it was read anew."""
        self.veil = file.veil
        self.load_text(file.text)

    def accept(self, text: str) -> None:
        """Inserts the start of the suggestion; what is left of it stays."""
        self.insert(text, self.cursor_location)

    def _watch_selection(self, previous_selection: Selection, selection: Selection) -> None:
        self.show_ghost("")
        super()._watch_selection(previous_selection, selection)

    def action_cursor_right(self, select: bool = False) -> None:
        """Moves; Textual's own would take the suggestion's first line."""
        self.show_ghost("")
        super().action_cursor_right(select)

    # Writing

    def write(self, text: str) -> None:
        """Puts ``text`` in the place of the selection."""
        if not self.read_only:
            self._replace_via_keyboard(self.veil.hide(text), *self.selection)

    async def _on_key(self, event: events.Key) -> None:
        if await act_in_order(self, event, self.write):
            return
        if event.key == "enter" and not self.read_only:
            event.stop()
            event.prevent_default()
            self._replace_via_keyboard("\n" + self._next_indent(), *self.selection)
            return
        await super()._on_key(event)

    def _next_indent(self) -> str:
        """The white space of a new line: as the one before, deeper behind what opens a block."""
        row, column = min(self.selection)
        before = self.document.get_line(row)[:column]
        indent = before[: len(before) - len(before.lstrip())]
        if before.rstrip().endswith(_OPENERS):
            indent += "\t" if self.indent_type == "tabs" else " " * self.indent_width
        return indent

    def action_indent(self) -> None:
        """White space up to the next stop."""
        text = "\t" if self.indent_type == "tabs" else " " * self._find_columns_to_next_tab_stop()
        if not self.read_only:
            self._replace_via_keyboard(text, *self.selection)

    async def _on_paste(self, event: events.Paste) -> None:
        """Terminals send line ends of a paste as carriage returns."""
        event.prevent_default()
        text = self.veil.hide(event.text.replace("\r\n", "\n").replace("\r", "\n"))
        if not self.read_only and (result := self._replace_via_keyboard(text, *self.selection)):
            self.move_cursor(result.end_location)

    # Drawing

    def get_line(self, line_index: int) -> Text:
        """As it is shown. Behind the cursor nothing, where a suggestion of several lines ends in front of the rest."""
        row, column = self.cursor_location
        line = self.document.get_line(line_index)
        if self._extra and line_index == row:
            line = line[:column]
        return Text(self.veil.glyphs(line), end="", no_wrap=True)

    def render_line(self, y: int) -> Strip:
        """Rows of the suggestion stand below the cursor's; those of the text move down."""
        behind = y + self.scroll_offset.y - self.cursor_location[0]
        if not self._extra or behind <= 0:
            return super().render_line(y)
        if behind > len(self._extra):
            return super().render_line(y - len(self._extra))
        return self._ghost_row(behind - 1)

    def _ghost_row(self, index: int) -> Strip:
        theme = self._theme
        text = Text(self._extra[index], end="")
        text.stylize(self.get_component_rich_style("text-area--suggestion"))
        if index == len(self._extra) - 1:
            row, column = self.cursor_location
            text.append(self.veil.glyphs(self.document.get_line(row)[column:]))
        text.expand_tabs(self.indent_width)
        width = max(0, self.scrollable_content_region.size.width - self.gutter_width)
        strip = Strip(text.render(self.app.console), text.cell_len)
        strip = strip.crop(self.scroll_offset.x, self.scroll_offset.x + width).extend_cell_length(width)
        gutter = Strip([Segment(" " * self.gutter_width, theme.gutter_style)], self.gutter_width)
        return Strip.join([gutter, strip]).apply_style(theme.base_style or self.rich_style)

    def _refresh_size(self) -> None:
        """Room for the suggestion's rows too."""
        width, height = self.document.get_size(self.indent_width)
        self.virtual_size = Size(width + self.gutter_width + 1, height + len(self._extra))
        self._refresh_scrollbars()

    def get_target_document_location(self, event: events.MouseEvent) -> tuple[int, int]:
        """Rows of the suggestion are none of the text."""
        cursor_row = self.cursor_location[0]
        x = event.x - self.gutter_width + self.scroll_offset.x - self.gutter.left
        y = event.y + self.scroll_offset.y - self.gutter.top
        if y > cursor_row:
            y = max(cursor_row, y - len(self._extra))
        return self.wrapped_document.offset_to_location(Offset(x, y))

    def show_frame(self, title: str, keys: str) -> None:
        """The frame: the file above, keys below."""
        if (title, keys) != self._frame:
            self._frame = title, keys
            self.border_title, self.border_subtitle = Content(title), Content(keys)
