"""The slash command that has a folder read for guesses while the chat goes on."""

from contextlib import suppress
from pathlib import Path
from typing import TYPE_CHECKING

from spectra_local.errors import SpectraError
from spectra_local.named_path import named_path
from spectra_local.printable import printable_line
from tui.candidates import Candidate, files
from tui.commands.registry import Command

if TYPE_CHECKING:
    from tui.app import ChatApp
    from tui.screens.chat import ChatScreen

_STOP, _ANSWERS = "stop", "answers"
_LOOK_SECONDS = 0.5  # between two looks how far it is; a per cent takes longer
_LAST_LINE_SECONDS = 12  # it comes unasked, while somebody reads or types


def _app(chat: "ChatScreen") -> "ChatApp":
    from tui.app import ChatApp

    assert isinstance(chat.app, ChatApp)
    return chat.app


def _corpus(chat: "ChatScreen", name: str) -> None:
    work = _app(chat).corpus_work
    is_at_work = work is not None and work.state.ended is None
    if work is not None and is_at_work and name == _STOP:
        work.stop()
        chat.hint("The corpus is left as it is; /corpus with the same path goes on with it.")
    elif is_at_work and name:
        chat.hint("One corpus at a time, so this one is not read yet: ask again once /corpus says that it has ended.")
    elif not name:
        chat.hint(_how_far(chat))
    elif name == _STOP:
        chat.hint("No corpus is being read.")
    else:
        _begin(chat, name)


def _begin(chat: "ChatScreen", name: str) -> None:
    from tui.corpus_work import CorpusWork  # processes and threads, for who wants them

    app, info = _app(chat), chat.state.model.info
    if info is None:
        chat.hint("The model that is to judge the text is not loaded yet.")
        return
    try:
        asked = ["--from-history"] if name == _ANSWERS else ["--", str(_path(name))]
    except SpectraError as error:
        chat.hint(printable_line(str(error)))
        return

    def ended(line: str) -> None:
        with suppress(RuntimeError):  # the app has ended meanwhile
            app.call_from_thread(_say, chat, line)

    work = app.corpus_work = CorpusWork(
        ["-m", info.path, *asked], lambda: app.is_running and app.session.is_working, ended
    )
    chat.hint("The model reads it in the background, and rests while it answers. /corpus says how far it is.")
    title = name if name == _ANSWERS else Path(asked[-1]).name

    def show() -> None:
        if work.state.ended is not None:
            timer.stop()
        chat.show_beside("" if work.state.ended is not None else f"corpus {title} {work.state.share}".rstrip())

    timer = chat.set_interval(_LOOK_SECONDS, show)


def _path(name: str) -> Path:
    """Raises SpectraError at once for what the command would refuse seconds later."""
    path = named_path(name).absolute()
    try:
        path.stat()
    except OSError as error:
        raise SpectraError(f"{name} cannot be read: {error.strerror or error}") from error
    return path


def _say(chat: "ChatScreen", line: str) -> None:
    """In place where the chat is seen, else over what is."""
    if chat.is_current:
        chat.hint(line, _LAST_LINE_SECONDS)
    else:
        chat.app.notify(line, title="Corpus", markup=False, timeout=_LAST_LINE_SECONDS)


def _how_far(chat: "ChatScreen") -> str:
    work = _app(chat).corpus_work
    if work is None:
        return "/corpus PATH has a folder read for guesses; 'spectra-chat corpus list' shows what was."
    state = work.state
    if state.ended is not None:
        return state.ended
    if not state.total:
        return "Looking through the files."
    left = f", about {max(1, round(state.seconds_left / 60))} min left" if state.seconds_left is not None else ""
    resting = "; it rests during an answer" if state.resting else ""
    return f"{state.share} of {state.total:,} tokens are read{left}{resting}. /corpus stop ends it."


def _values(_: "ChatScreen", typed: str) -> list[str | Candidate]:
    words = [word for word in (_ANSWERS, _STOP) if typed and word.startswith(typed)]
    return [*words, *files(typed)]


COMMANDS = (
    Command("corpus", "have the model read a folder, or its answers, for guesses", _corpus, "[PATH]", values=_values),
)
