"""Which model answers: what is on this disk, what can be fetched, and what fits into the memory that is free now."""

import asyncio
from pathlib import Path
from typing import ClassVar

from textual import on
from textual.app import ComposeResult
from textual.binding import Binding, BindingType
from textual.containers import Vertical
from textual.content import Content
from textual.widgets import OptionList, Static
from textual.widgets.option_list import Option

from spectra_local.byte_size import byte_size
from spectra_local.catalogue.entries import Entry, entries
from spectra_local.catalogue.listing import ModelRow, rows
from spectra_local.catalogue.naming import name_of
from spectra_local.catalogue.offers import Choice, choice_of
from spectra_local.catalogue.on_disk import ModelOnDisk, chat_models
from spectra_local.llama.memory import available_bytes
from spectra_local.printable import printable_line
from tui.screens.panel import PanelScreen

_KEYS = "enter uses or fetches · u unloads · esc closes"
_KEYS_NARROW = "enter · u unloads · esc"
_NARROW_NAME = 26  # cells


class ModelsScreen(PanelScreen[str | None]):
    """Ends with the name or path to use, "" to unload what is loaded, None for no change."""

    DEFAULT_CSS = """
    ModelsScreen {
        & > #panel { width: 84; }
        OptionList { max-height: 18; }
        #free { color: $text-muted; height: auto; margin: 0 0 1 0; }
        &.-short OptionList { max-height: 5; }
        &.-short #free { margin: 0; }
    }
    """

    BINDINGS: ClassVar[list[BindingType]] = [
        Binding("escape", "dismiss", "close", id="models.close", show=False, priority=True),
        Binding("u", "unload", "unload", id="models.unload", show=False),
    ]

    def __init__(self, in_use: Path | None = None) -> None:
        """``in_use``: the file of the model that is loaded; it is marked, and listed wherever it lies."""
        super().__init__()
        self._in_use = in_use
        self._rows: list[ModelRow] = []

    def compose(self) -> ComposeResult:
        """What is free, then the models."""
        with Vertical(id="panel") as panel:
            panel.border_title = "Models"
            yield Static("Looking at this disk…", markup=False, id="free")
            yield OptionList(markup=False)

    async def on_mount(self) -> None:
        """The disk is looked at beside the screen: caches of other programs can be large."""
        self.run_worker(self._look())

    async def _look(self) -> None:
        free = available_bytes()
        self._rows = await asyncio.to_thread(lambda: rows(entries(), self._found(), free))
        if self not in self.app.screen_stack:  # closed meanwhile: the list may be gone before this is cancelled
            return
        self._rows.sort(key=lambda row: (row.on_disk is None, not self._is_in_use(row)))  # what is here first
        known = byte_size(free) if free is not None else "not known on this system"
        self.query_one("#free", Static).update(f"Memory free now: {known}")
        models = self.query_one(OptionList)
        self._draw()
        models.highlighted = 0
        models.focus()

    def on_resize(self) -> None:
        """A narrow screen has room for fewer words."""
        self.call_after_refresh(self._draw)

    def _draw(self) -> None:
        narrow, models = self.has_class("-narrow"), self.query_one(OptionList)
        self.query_one("#panel").border_subtitle = _KEYS_NARROW if narrow else _KEYS
        chosen = models.highlighted
        lines = [_line(row, self._is_in_use(row), narrow=narrow) for row in self._rows]
        models.set_options([Option(line, id=str(n)) for n, line in enumerate(lines)])
        models.highlighted = chosen

    def _found(self) -> list[ModelOnDisk]:
        found = chat_models()
        path = self._in_use
        if path is not None and path.is_file() and all(model.path != path for model in found):
            found.append(ModelOnDisk(name_of(path), path, path.stat().st_size, "path"))
        return found

    def _is_in_use(self, row: ModelRow) -> bool:
        return row.on_disk is not None and row.on_disk.path == self._in_use

    def action_unload(self) -> None:
        """Frees the memory of the model that is loaded."""
        self.dismiss("")

    @on(OptionList.OptionSelected)
    def _choose(self, event: OptionList.OptionSelected) -> None:
        row = self._rows[event.option_index]
        if row.on_disk is not None:
            self.dismiss(row.entry.name if row.entry else str(row.on_disk.path))
        elif row.entry is not None:
            self._fetch(row.entry)

    def _fetch(self, entry: Entry) -> None:
        from tui.screens.fetch import FetchScreen

        def fetched(chosen: Choice | None) -> None:
            if chosen is not None:
                self.dismiss(entry.name)

        self.app.push_screen(FetchScreen([choice_of(entry)]), fetched)


def _line(row: ModelRow, is_in_use: bool, *, narrow: bool) -> Content:
    """Name, size, where, whether it is loaded or would fit."""
    size = byte_size(row.n_bytes) if row.n_bytes else "?" if narrow else "size not known"
    where = row.on_disk.where if row.on_disk else "to fetch"
    name = f"{printable_line(row.name)[:34]:<35}"
    if narrow:
        mark = ("● ", "$text-success") if is_in_use else "  " if row.on_disk else ("↓ ", "$text-muted")
        words = f"{printable_line(row.name)[: _NARROW_NAME - 1]:<{_NARROW_NAME}}{size:>7}"
        return Content.assemble(mark, words)
    room = Content.styled("  too large now", "$text-warning") if row.fits_in_memory is False else Content("")
    if is_in_use:
        room = Content.styled("  in use", "$text-success")
    return Content.assemble(name, f"{size:>14}  ", f"{where:<8}", room)
