"""A file, with what the model would write at the cursor, and a way to have a part of it rewritten.

What the user does becomes work for the session; what comes back is drawn. Files are in editing/edited_file.py, what is
suggested in editing/suggestions.py.
"""

from collections.abc import Callable
from functools import partial
from typing import TYPE_CHECKING, ClassVar

from textual import on
from textual.actions import SkipAction
from textual.app import ComposeResult
from textual.binding import BindingType
from textual.containers import Vertical
from textual.message import Message
from textual.widgets import Input, Static, TextArea

from spectra_local.completion.cleaning import first_line
from spectra_local.completion.completer import Piece, Suggestion
from spectra_local.completion.rewrite import Progress, RewriteRequest, Rewritten
from spectra_local.printable import printable_line
from spectra_local.protocol import FillIn
from tui.editing.edited_file import EditedFile
from tui.editing.figures import Figures, editor_status
from tui.editing.model_work import ModelWork
from tui.editing.suggestions import Suggestions, first_word, worth_asking
from tui.keys import EDITOR_KEYS, bindings
from tui.screens.searching import SearchingScreen
from tui.session import Ended, Job, Session, Work
from tui.state import ModelState, Phase
from tui.widgets.code_area import CodeArea
from tui.widgets.instruction_box import InstructionBox
from tui.widgets.line_box import LineBox
from tui.widgets.notices import Notices
from tui.widgets.search_box import SearchBox
from tui.widgets.status_line import StatusLine

if TYPE_CHECKING:
    from textual.timer import Timer

DEBOUNCE_S = 0.35  # as editors' plugins wait; sooner asks for what the next key makes worthless
TELL_S = 12.0  # two lines take their time to be read
FIGURES_PER_SECOND = 3
_KEYS = "ctrl+space suggest · ctrl+r rewrite · ctrl+s save · alt+q close"
_KEYS_WITH_GHOST = "tab all · shift+tab line · ctrl+→ word · alt+n another · esc no"
_KEYS_NARROW, _KEYS_WITH_GHOST_NARROW = "alt+q close", "tab takes it"


class EditorScreen(SearchingScreen):
    """One file, and the model beside the one who writes it."""

    DEFAULT_CSS = """
    EditorScreen {
        background: $background;
        & > #desk { height: auto; }
        & .hint { height: auto; width: 100%; padding: 0 2; color: $text-warning; display: none; }
        &.-hinting .hint { display: block; }
        & StatusLine { padding: 0 2; }
        &.-narrow StatusLine { padding: 0 1; }
        &.-short CodeArea { scrollbar-size-horizontal: 0; }
    }
    """
    BINDINGS: ClassVar[list[BindingType]] = [*bindings(EDITOR_KEYS)]
    AUTO_FOCUS = "CodeArea"

    class Arrived(Message):
        """Something came of a job."""

        def __init__(self, job: Job, item: object) -> None:
            super().__init__()
            self.job = job
            self.item = item

    def __init__(
        self,
        file: EditedFile,
        session: Session,
        model: Callable[[], ModelState],
        load_model: Callable[[], None],
        *,
        line: int = 1,
        ends_app: bool = False,
        learn: bool = True,
    ) -> None:
        """``model``: its condition now. ``line``: where the cursor begins. ``ends_app``: nothing else was opened.

        ``learn``: whether what is accepted and saved here may be learned."""
        super().__init__(file, ends_app=ends_app)
        self.figures = Figures()
        self._session, self._model, self._load_model = session, model, load_model
        self._line = line
        self._work = ModelWork(learn=learn)
        self._suggestions = Suggestions()
        self._job: Job | None = None
        self._rewriting: tuple[tuple[int, int], tuple[int, int], str] | None = None  # from, to, the text there
        self._doing = ""
        self._told_of = ""  # path of the model whose want of fill-in was told
        self._asked = False  # for a suggestion, by a key
        self._counted = False  # the suggestion on the screen was counted as taken
        self._debounce: Timer | None = None

    def compose(self) -> ComposeResult:
        """The text, and below it what is said and asked."""
        yield CodeArea(self.file, self._shown)
        with Vertical(id="desk"):
            yield InstructionBox()
            yield SearchBox()
            yield Notices()
            yield Static("", markup=False, classes="hint")
            yield StatusLine()

    def on_mount(self) -> None:
        """The cursor where it is wanted."""
        self.set_focus(self.area)  # at once: what is typed next may open a box
        self.area.move_cursor((max(0, min(self._line, self.area.document.line_count) - 1), 0), center=True)
        self.set_interval(1 / FIGURES_PER_SECOND, self.show_state)
        self.show_state()
        if self.file.saved is None:
            self.say("A new file.")

    def on_resize(self) -> None:
        """A narrow screen has room for fewer words."""
        self.call_after_refresh(self.show_state)

    # Suggestions

    def _gap(self) -> FillIn:
        area = self.area
        cursor, reveal = area.cursor_location, self.file.veil.reveal
        before = area.get_text_range((0, 0), cursor)
        after = area.get_text_range(cursor, area.document.end)
        return FillIn(reveal(before), reveal(after), path=self.file.path.name)

    def _shown(self) -> str:
        """After each edit: what is known for this place is there at once; else it is asked for in a moment."""
        self._put_off()
        if self._rewriting or not self.area.selection.is_empty:
            return ""
        gap = self._gap()
        if text := self._suggestions.at(gap):
            return text
        self._counted = False
        if self._job is not None:
            self._stop_job()
        if worth_asking(gap) and self._fills_in():
            self._debounce = self.set_timer(DEBOUNCE_S, partial(self._suggest, asked=False))
        return ""

    def _fills_in(self) -> bool:
        info = self._model().info
        return info is not None and bool(info.fill_in)

    def _tell_of_fill_in(self) -> None:
        """Once for each model: why nothing comes by itself, and what would."""
        info = self._model().info
        if info is None or info.path == self._told_of:
            return
        self._told_of = info.path
        if not info.fill_in:
            from spectra_local.catalogue.entries import entries

            coder = next(entry.name for entry in entries() if entry.fim and "qwen" in entry.fim)
            self.say(
                f"No suggestions while you type: they need a coder model, such as {coder} (/model in the chat "
                "fetches it). ctrl+space asks this model in words.",
                TELL_S,
            )

    def _put_off(self) -> None:
        if self._debounce is not None:
            self._debounce.stop()
            self._debounce = None

    def _suggest(self, *, asked: bool) -> None:
        gap = self._gap()
        self._asked, self._counted = asked, False
        self._suggestions.ask(gap)
        self._start(lambda assistant: self._work.suggest(assistant, gap, asked=asked), "suggesting")

    def action_suggest(self) -> None:
        """Asks for a suggestion here, whatever it takes."""
        if self._rewriting:
            return
        self._put_off()
        if self._model().phase is Phase.DOWN:
            self._load_model()
        self._suggest(asked=True)
        self.area.show_ghost(self._suggestions.at(self._gap()))

    def action_another(self, step: int) -> None:
        """The next alternative; behind the last one another is drawn."""
        gap = self._gap()
        if not self._suggestions.at(gap):
            self.action_suggest()
        elif self._suggestions.next(gap, step):
            self.area.show_ghost(self._suggestions.at(gap))
        elif step > 0 and self._job is None:
            self._suggestions.ask(gap, further=True)
            _, number = self._suggestions.place(gap)
            self._start(lambda assistant: self._work.another(assistant, gap, max(1, number)), "another suggestion")

    def _receive(self, item: Piece | Suggestion) -> None:
        gap = self._gap()
        self._suggestions.receive(item)
        if self.area.selection.is_empty:
            self.area.show_ghost(self._suggestions.at(gap))
        if isinstance(item, Suggestion) and not item.cached:
            self.figures.add(item.timings)
            if item.text:
                self.figures.suggested += 1
            elif self._asked:
                self.say("The model suggests nothing here.")
            if item.by_instruction and item.text:
                self.say("This model was not trained to fill in: it was asked in words.")

    def _take(self, part: Callable[[str], str]) -> bool:
        if not self.area.has_focus:
            raise SkipAction
        ghost = self._suggestions.at(self._gap()) if self.area.ghost else ""
        if not ghost:
            return False
        if not self._counted:
            self._counted = True
            self.figures.taken += 1
        self.area.accept(self.file.veil.hide(part(ghost)))
        return True

    def action_accept(self) -> None:
        """Takes the suggestion."""
        if not self._take(lambda text: text):
            self.area.action_indent()

    def action_accept_line(self) -> None:
        """Takes its first line."""
        self._take(first_line)

    def action_accept_word(self) -> None:
        """Takes its first word; without one the cursor moves on by a word."""
        if not self._take(first_word):
            self.area.action_cursor_word_right()

    def action_refuse(self) -> None:
        """Whatever is in the way goes: the suggestion, the running request, the instruction."""
        if any(box.is_asking for box in self.query(LineBox)):
            self._put_away()
        elif self._job is not None or self.area.ghost:
            self._put_off()
            self._suggestions.dismiss(self._gap())
            self._stop_job()
            self.area.show_ghost("")
        else:
            self.say("alt+q closes the file.")

    def action_undo(self) -> None:
        """Takes back what was typed, accepted or rewritten last."""
        self.area.undo()

    def action_redo(self) -> None:
        """Takes that back."""
        self.area.redo()

    def action_to_top(self) -> None:
        """To the first line."""
        self.area.move_cursor((0, 0))

    def action_to_bottom(self) -> None:
        """To the end of the text."""
        self.area.move_cursor(self.area.document.end)

    # The model

    def _start(self, work: Work, doing: str) -> None:
        self._stop_job()
        self._job, self._doing = Job(work, self._deliver), doing
        self._session.run(self._job)
        self.show_state()

    def _tell(self, work: Work) -> None:
        """The model's thread learns of something, after what it does now."""
        if self._model().info is not None:
            self._session.run(Job(work, lambda job, item: None))

    def _is_saved(self) -> None:
        text = self._text
        self._tell(lambda assistant: self._work.saved(assistant, text))

    def _stop_job(self) -> None:
        job, self._job, self._doing = self._job, None, ""
        if job is not None:
            self._session.stop(job)
        if self._rewriting:
            self._rewriting, self.area.read_only = None, False

    def _deliver(self, job: Job, item: object) -> None:
        """In the model's thread."""
        self.post_message(self.Arrived(job, item))

    @on(Arrived)
    def _arrived(self, message: Arrived) -> None:
        if message.job is not self._job:
            return
        match message.item:
            case Piece() | Suggestion():
                self._receive(message.item)
            case Progress(text):
                self._doing = text
            case Rewritten():
                self._offer(message.item)
            case Ended(error):
                self._stop_job()
                if error is not None:
                    self.say(str(error))
        self.show_state()

    # Rewriting

    def action_rewrite(self) -> None:
        """Asks how the selected lines, or all, are to be changed."""
        self._put_away()
        start, end = self._lines()
        whole = end[0] - start[0] >= self.area.document.line_count - 1
        last = end[0] if end[1] == 0 and end[0] > start[0] else end[0] + 1
        self.query_one(InstructionBox).ask_about("the whole file" if whole else f"lines {start[0] + 1} to {last}")

    def _lines(self) -> tuple[tuple[int, int], tuple[int, int]]:
        """Start and end of the selected lines; of the text where nothing is selected."""
        area = self.area
        if area.selection.is_empty:
            return (0, 0), area.document.end
        (top, _), (bottom, column) = sorted(area.selection)
        bottom -= column == 0 and bottom > top
        return (top, 0), min((bottom + 1, 0), area.document.end)

    @on(Input.Submitted, "InstructionBox")
    def _rewrite(self, event: Input.Submitted) -> None:
        if not event.value.strip():
            return
        start, end = self._lines()
        area, reveal = self.area, self.file.veil.reveal
        old = area.get_text_range(start, end)
        before, after = area.get_text_range((0, 0), start), area.get_text_range(end, area.document.end)
        request = RewriteRequest(reveal(old), event.value, reveal(before), reveal(after))
        self._put_off()
        self._put_away()
        area.show_ghost("")
        self._start(lambda assistant: self._work.rewrite(assistant, request), "rewriting")
        self._rewriting, area.read_only = (start, end, old), True

    def _put_away(self) -> None:
        for box in self.query(LineBox):
            box.put_away()
        self.set_focus(self.area)

    def _offer(self, done: Rewritten) -> None:
        from tui.screens.diff import DiffScreen

        if self._rewriting is None:
            return
        start, end, old = self._rewriting
        area, reveal = self.area, self.file.veil.reveal
        new = self.file.veil.hide(done.text)
        for timings in done.timings:
            self.figures.add(timings)
        if new == old:
            self.say("The model changed nothing.")
            return

        def decide(accepted: bool | None) -> None:
            if accepted:
                gap = FillIn(
                    reveal(area.get_text_range((0, 0), start)), reveal(area.get_text_range(end, area.document.end))
                )
                self._tell(lambda assistant: self._work.rewritten(assistant, gap, done.text))
                self.area.replace(new, start, end, maintain_selection_offset=False)
                self.area.move_cursor(start)
            self.say("Changed; alt+z takes it back." if accepted else "The text is as it was.")

        shown = self.file.veil.glyphs
        self.app.push_screen(DiffScreen(f"Change {self.file.name}?", shown(old), shown(new)), decide)

    def on_unmount(self) -> None:
        """The model has nothing more to do for a file that is closed."""
        self._put_off()
        job, self._job = self._job, None
        if job is not None:
            self._session.stop(job)

    # What is shown around the text

    @on(TextArea.SelectionChanged)
    def show_state(self) -> None:
        """Status line and frame."""
        if not self.query(StatusLine):  # the screen closes, and this was on its way
            return
        model, area = self._model(), self.area
        self._tell_of_fill_in()
        doing = "waiting for the chat's answer" if self._doing and model.busy else printable_line(self._doing)
        self.query_one(StatusLine).show(editor_status(model, doing, area.cursor_location, self.figures))
        mark = " •" if self.changed else ""
        narrow = self.has_class("-narrow")
        if area.ghost:
            keys = _KEYS_WITH_GHOST_NARROW if narrow else _KEYS_WITH_GHOST
        else:
            keys = _KEYS_NARROW if narrow else _KEYS
        number, most = self._suggestions.place(self._gap()) if area.ghost else (0, 0)
        area.show_frame(f"{self.file.name}{mark}", f"{number} of {most} · {keys}" if most else keys)
