"""Looking for words in the file on the screen: the place is shown while they are typed. Knows no model."""

from textual import on
from textual.widgets import Input
from textual.widgets.text_area import Selection

from tui.editing.search import location, place_from, places
from tui.screens.file_screen import FileScreen
from tui.widgets.search_box import SearchBox


class SearchingScreen(FileScreen):
    """A file that can be searched."""

    _began_at = 0  # where the cursor was when the box was opened, in characters

    def action_search(self) -> None:
        """Opens the box, with what is selected; once it is open, shows the next place."""
        box = self.query_one(SearchBox)
        if box.is_asking:
            self._show_place(box.value, self._cursor(), 1)
            return
        self._began_at = self._cursor()
        selected = self.area.selected_text
        if selected and "\n" not in selected:
            box.value = selected
        box.ask()
        box.tell()

    @on(Input.Changed, "SearchBox")
    def _words_typed(self, event: Input.Changed) -> None:
        self._show_place(event.value, self._began_at, 0)

    @on(SearchBox.Stepped)
    def _stepped(self, event: SearchBox.Stepped) -> None:
        self._show_place(self.query_one(SearchBox).value, self._cursor(), event.step)

    def _cursor(self) -> int:
        """Where the selection begins, in characters."""
        return len(self.area.get_text_range((0, 0), min(self.area.selection)))

    def _show_place(self, words: str, at: int, step: int) -> None:
        box, area, text = self.query_one(SearchBox), self.area, self.area.text
        found = places(text, words)
        if not found:
            box.tell()
            return
        number = place_from(found, at, step)
        start = found[number]
        area.selection = Selection(location(text, start), location(text, start + len(words)))
        area.scroll_cursor_visible(center=True)
        box.tell(number + 1, len(found))
