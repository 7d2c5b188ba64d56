"""Every screen of the app in a state worth a picture: how a user gets there, on a scripted model, without a clock."""

import time
from collections.abc import Awaitable, Callable
from dataclasses import dataclass, replace
from pathlib import Path

import pytest
from fakes.chatting import answered, app_with, chat, ready, send
from fakes.pages import EditorPage
from fakes.pilot import screen_text, wait_until
from fakes.scripted import INFO, Gate, ScriptedAssistant, say
from textual.pilot import Pilot

from spectra_local.catalogue import ModelNotPulledError, NoModelError
from spectra_local.catalogue.entries import Entry, entry_named
from spectra_local.catalogue.offers import Choice, offers
from spectra_local.catalogue.on_disk import ModelOnDisk
from spectra_local.catalogue.progress import Cancelled, PullCancelledError, Report
from spectra_local.protocol import OWN, Done, PromptProgress, Text, Timings
from spectra_local.settings import change_setting
from tui.app import ChatApp
from tui.editing.recovery import Recovery
from tui.screens.diff import DiffScreen
from tui.screens.recovered import RecoveredScreen

ANSWER = """\
Two ways come to mind:

1. A **slice** with a step of `-1`
2. The built-in `reversed`, which gives an iterator

```python
def backwards(text: str) -> str:
    return text[::-1]  # no copy but the result
```

The slice is *shorter*; see [the manual](https://docs.python.org).
"""
TIMINGS = Timings(
    prompt_n=40,
    prompt_ms=80.0,
    predicted_n=96,
    predicted_ms=1500.0,
    draft_n=80,
    draft_n_accepted=52,
    steps=44,
    speedup_estimate=1.9,
    accepted_by_source={"history": 30, "context": 14, "core": 8},
    rejected_by_source={"history": 10, "context": 8, "core": 10},
)
CODE = '''\
from pathlib import Path


def numbers(path: Path) -> list[float]:
    """One number a line; blank lines are skipped."""


def mean(values: list[float]) -> float:
    return sum(values) / len(values)  # of at least one
'''
BEGUN = "Foxes are small canids. They live on **every** continent but "
REWRITTEN = CODE.replace("blank lines", "comments and blank lines")
SUGGESTED = "    lines = path.read_text().splitlines()\n    return [float(line) for line in lines if line.strip()]"


@dataclass(frozen=True)
class Scene:
    """``app`` makes it in an empty home and a folder of its own; ``play`` brings it to where the picture is taken."""

    app: Callable[[pytest.MonkeyPatch], ChatApp]
    play: Callable[[Pilot[None]], Awaitable[None]]


def _app(*scripts: object, file: str = "") -> Callable[[pytest.MonkeyPatch], ChatApp]:
    if not file:
        return lambda _: app_with(*scripts)
    assistant = ScriptedAssistant(*scripts, info=replace(INFO, fill_in="qwen"))  # type: ignore[arg-type]

    def make(_: pytest.MonkeyPatch) -> ChatApp:
        Path(file).write_text(CODE)
        return ChatApp(lambda: assistant, file=file)

    return make


def _answer() -> list[object]:
    return [Text(ANSWER), Done("stop", TIMINGS, n_past=136, n_ctx=INFO.n_ctx)]


def _tinted(_: pytest.MonkeyPatch) -> ChatApp:
    change_setting(("tint",), True)
    codes = OWN * 40 + "h" * 60 + OWN * 30 + "c" * 25 + "k" * 40
    return app_with([Text(ANSWER, 96, codes.ljust(len(ANSWER), OWN)), *_answer()[1:]])


def _then(*steps: str, typed: str = "") -> Callable[[Pilot[None]], Awaitable[None]]:
    async def play(pilot: Pilot[None]) -> None:
        await ready(pilot)
        if typed:
            await send(pilot, typed)
        for step in steps:
            await pilot.press(step)

    return play


async def _answered(pilot: Pilot[None]) -> None:
    await ready(pilot)
    await answered(pilot, "How do I reverse a string in Python?")


async def _completing(pilot: Pilot[None]) -> None:
    await ready(pilot)
    await pilot.press("/")
    await wait_until(pilot, lambda: pilot.app.screen.query("Completions"))


async def _branched(pilot: Pilot[None]) -> None:
    await _answered(pilot)
    await pilot.press("alt+up", *" 3", "enter")
    await wait_until(pilot, lambda: chat(pilot).state.chat.turns[0].place == (2, 2))
    await wait_until(pilot, lambda: chat(pilot).state.chat.open_answer() is None)


async def _answering(pilot: Pilot[None]) -> None:
    await ready(pilot)
    await send(pilot, "Tell me about foxes.")
    await wait_until(pilot, lambda: (turn := chat(pilot).state.chat.open_answer()) and turn.text)


async def _reading(pilot: Pilot[None]) -> None:
    await ready(pilot)
    await send(pilot, "Read this long text.")
    await wait_until(pilot, lambda: chat(pilot).state.model.prompt_total)


async def _failed(pilot: Pilot[None]) -> None:
    await ready(pilot)
    await send(pilot, "Hello?")
    await wait_until(pilot, lambda: pilot.app.screen.query("FailurePanel"))


def _after(play: Callable[[Pilot[None]], Awaitable[None]], *, typed: str = "", keys: tuple[str, ...] = ()):
    async def both(pilot: Pilot[None]) -> None:
        await play(pilot)
        if typed:
            await send(pilot, typed)
        for key in keys:
            await pilot.press(key)
        await pilot.pause()

    return both


async def _several_chats(pilot: Pilot[None]) -> None:
    await ready(pilot)
    for question in (
        "How do I reverse a string in Python?",
        "新しい本を勧めて 📚",
        "A title [bold]of markup[/] that is long " * 3,
    ):
        await answered(pilot, question)
        await pilot.press("ctrl+n")
    await pilot.press("ctrl+o")


async def _editor(pilot: Pilot[None]) -> None:
    await ready(pilot)
    await wait_until(pilot, lambda: pilot.app.screen.query("CodeArea"))


async def _suggested(pilot: Pilot[None]) -> None:
    await _editor(pilot)
    area = pilot.app.screen.query_one("CodeArea")
    area.move_cursor((5, 0))  # type: ignore[attr-defined]
    await pilot.press("ctrl+@")
    await wait_until(pilot, lambda: area.ghost.endswith("strip()]"))  # type: ignore[attr-defined]
    await EditorPage(pilot, pilot.app.screen).model_rests()


async def _diff(pilot: Pilot[None]) -> None:
    await _editor(pilot)
    editor = pilot.app.screen
    await pilot.press("ctrl+r", *"skip comments", "enter")
    await wait_until(pilot, lambda: isinstance(pilot.app.screen, DiffScreen))
    await EditorPage(pilot, editor).model_rests()


async def _recovered(pilot: Pilot[None]) -> None:
    await wait_until(pilot, lambda: isinstance(pilot.app.screen, RecoveredScreen))
    await ready(pilot)


def _left_behind(patch: pytest.MonkeyPatch) -> ChatApp:
    path = Path("numbers.py")
    patch.setattr("tui.editing.recovery.time.time", lambda: 1.8e9)
    patch.setattr("tui.screens.file_screen.time.localtime", time.gmtime)
    recovery = Recovery(path)
    recovery.keep("text", CODE)
    recovery.close()
    return _app(file="numbers.py")(patch)


def _models(patch: pytest.MonkeyPatch) -> ChatApp:
    found = [ModelOnDisk("a-model-of-my-own", Path("/models/a-model-of-my-own.gguf"), 800_000_000, "added")]
    patch.setattr("tui.screens.models.chat_models", lambda: found)
    patch.setattr("tui.screens.models.available_bytes", lambda: 6_000_000_000)
    return app_with()


def _settings(patch: pytest.MonkeyPatch) -> ChatApp:
    patch.setattr("tui.screens.settings.settings_file", lambda: Path("/home/you/.config/spectra-chat/settings.toml"))
    return app_with()


def _first_run(_: pytest.MonkeyPatch) -> ChatApp:
    def missing() -> ScriptedAssistant:
        raise NoModelError("no model is on this disk yet", offers(None))

    return ChatApp(missing)


def _licensed(_: pytest.MonkeyPatch) -> ChatApp:
    entry = entry_named("llama-3.2-1b-instruct")
    assert entry is not None

    def missing() -> ScriptedAssistant:
        raise ModelNotPulledError(entry)

    return ChatApp(missing)


def _found(_: pytest.MonkeyPatch) -> ChatApp:
    theirs = Choice("llama3.2:3b", 2_019_377_696, "on this disk (ollama)", path=Path("/home/you/.ollama/models/blob"))

    def missing() -> ScriptedAssistant:
        raise NoModelError("no model is chosen yet", (theirs, *offers(None)))

    return ChatApp(missing)


def _fetching(patch: pytest.MonkeyPatch) -> ChatApp:
    def pull(entry: Entry, report: Report, cancelled: Cancelled, notice: object) -> Path:
        report(400_000_000, 1_117_320_768)
        while not cancelled():
            time.sleep(0.01)
        raise PullCancelledError(entry.name)

    patch.setattr("tui.fetch.pull", pull)
    patch.setattr("tui.fetch.monotonic", lambda: 0.0)
    return _first_run(patch)


async def _offered(pilot: Pilot[None]) -> None:
    await wait_until(pilot, lambda: pilot.app.screen.query("#go"))


async def _being_fetched(pilot: Pilot[None]) -> None:
    await _offered(pilot)
    await pilot.press("enter")
    await wait_until(pilot, lambda: "36%" in screen_text(pilot))


def scenes() -> dict[str, Scene]:
    """All of them by name, each to be played once."""
    return {
        "chat-empty": Scene(_app(), _then()),
        "chat-typing": Scene(_app(), _then(*"Why is the sky blue", "ctrl+j", *"and not green")),
        "chat-reading": Scene(_app([PromptProgress(512, 2048), Gate(), *say("x")]), _reading),
        "chat-answering": Scene(_app([Text(BEGUN), Gate()]), _answering),
        "chat-with-code": Scene(_app(_answer()), _answered),
        "chat-tinted": Scene(_tinted, _answered),
        "chat-completing": Scene(_app(), _completing),
        "chat-branched": Scene(_app(_answer()), _branched),
        "chat-failed": Scene(_app([ValueError("no such luck")]), _failed),
        "chats": Scene(_app(_answer()), _several_chats),
        "chats-none": Scene(_app(), _then("ctrl+o")),
        "models": Scene(_models, _then(typed="/model")),
        "settings": Scene(_settings, _then(typed="/set")),
        "stats": Scene(_app(_answer()), _after(_answered, typed="/stats")),
        "stats-none": Scene(_app(), _then(typed="/stats")),
        "confirm": Scene(_app(_answer()), _after(_answered, typed="/forget")),
        "help": Scene(_app(), _then("f1")),
        "palette": Scene(_app(), _then("ctrl+p")),
        "first-run": Scene(_first_run, _offered),
        "first-run-fetching": Scene(_fetching, _being_fetched),
        "first-run-found": Scene(_found, _offered),
        "first-run-licensed": Scene(_licensed, _offered),
        "editor": Scene(_app(file="numbers.py"), _editor),
        "editor-suggestion": Scene(
            _app([Text(SUGGESTED), Done("stop", TIMINGS, n_past=200, n_ctx=INFO.n_ctx)], file="numbers.py"), _suggested
        ),
        "editor-instruction": Scene(_app(file="numbers.py"), _after(_editor, keys=("ctrl+r",))),
        "editor-diff": Scene(_app(say(REWRITTEN), file="numbers.py"), _diff),
        "editor-search": Scene(_app(file="numbers.py"), _after(_editor, keys=("ctrl+f", *"values"))),
        "editor-recovered": Scene(_left_behind, _recovered),
        "editor-unsaved": Scene(_app(file="numbers.py"), _after(_editor, keys=("x", "alt+q"))),
        "editor-help": Scene(_app(file="numbers.py"), _after(_editor, keys=("f1",))),
    }  # fmt: skip
