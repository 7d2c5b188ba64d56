"""An Assistant that plays a script: given events, errors and waits. For tests of what stands above an engine."""

import threading
import time
from collections.abc import Generator, Iterable, Iterator, Sequence
from dataclasses import dataclass

from spectra_local.errors import SpectraError
from spectra_local.protocol import Done, Event, LoadProgress, ModelInfo, Request, Text, Timings
from tui.titling import ASKED as TITLE_ASKED

INFO = ModelInfo(
    name="Scripted-1B",
    path="/models/scripted.gguf",
    architecture="llama",
    quantisation="Q4_K_M",
    n_params=1_000_000_000,
    size_bytes=808_000_000,
    n_ctx_train=8192,
    n_ctx=8192,
    n_vocab=32_000,
    template="chatml",
    fingerprint="0" * 64,
    device="CPU, 2 threads",
    load_ms=100.0,
)
GENEROUS_S = 60.0  # a gate that nobody opens is a broken test: it opens itself


class Gate:
    """A place in a script where it waits until the test opens it, or the request is cancelled."""

    def __init__(self) -> None:
        self._open = threading.Event()
        self.reached = threading.Event()

    def open(self) -> None:
        self._open.set()

    def wait(self, cancelled: threading.Event) -> None:
        self.reached.set()
        deadline = time.monotonic() + GENEROUS_S
        while not self._open.wait(0.005) and not cancelled.is_set() and time.monotonic() < deadline:
            pass


@dataclass(frozen=True)
class Wait:
    """A pause in seconds, as a model makes between tokens."""

    seconds: float


Step = Event | Exception | Gate | Wait
Script = Sequence[Step]


def say(text: str, *, size: int = 4, wait: float = 0.0) -> list[Step]:
    """``text`` in pieces of ``size`` characters, then Done."""
    steps: list[Step] = []
    for start in range(0, len(text), size):
        steps.append(Text(text[start : start + size]))
        if wait:
            steps.append(Wait(wait))
    n = len(range(0, len(text), size))
    return [*steps, done(predicted_n=n, predicted_ms=max(1.0, 1000 * n * wait))]


def done(n_past: int = 100, **timings: object) -> Done:
    return Done("stop", Timings(**timings), n_past=n_past, n_ctx=INFO.n_ctx)  # type: ignore[arg-type]


class ScriptedAssistant:
    """Plays one script for each request, the last one again when they run out."""

    def __init__(
        self,
        *scripts: Script,
        load: Iterable[Step] = (LoadProgress(1.0),),
        info: ModelInfo = INFO,
        title: Script = (),
        needs_load: bool = False,
    ) -> None:
        """``title``: what it says when asked for a title, which uses up no script; nothing by default. ``needs_load``:
        it answers once it is loaded, as others do; else at once, for those who get one that is."""
        self._needs_load = needs_load
        self._title = title or [done()]
        self._scripts = list(scripts) or [say("Hello.")]
        self._load = list(load)
        self._info = info
        self._cancelled = threading.Event()
        self.requests: list[Request] = []
        self.is_loaded = False
        self.closed = False

    def load(self) -> Iterator[LoadProgress]:
        self._cancelled.clear()
        return self._loading()

    def _loading(self) -> Iterator[LoadProgress]:
        for event in self._play(self._load):
            assert isinstance(event, LoadProgress)
            if self._cancelled.is_set():
                raise SpectraError("loading was cancelled")
            yield event
        self.is_loaded = True

    @property
    def info(self) -> ModelInfo:
        if self._needs_load and not self.is_loaded:
            raise SpectraError("no model is loaded")
        return self._info

    def generate(self, request: Request) -> Generator[Event, None, None]:
        self._cancelled.clear()
        return self._generate(request)

    def _generate(self, request: Request) -> Generator[Event, None, None]:
        if self._needs_load and not self.is_loaded:
            raise SpectraError("no model is loaded")
        if request.messages and request.messages[-1].content == TITLE_ASKED:
            yield from self._play(self._title)
            return
        self.requests.append(request)
        script = self._scripts[min(len(self.requests), len(self._scripts)) - 1]
        n = 0
        for event in self._play(script):
            if self._cancelled.is_set():
                yield Done("cancelled", Timings(predicted_n=n, predicted_ms=10.0 * n), n_past=50 + n, n_ctx=INFO.n_ctx)
                return
            n += isinstance(event, Text)
            yield event
            if isinstance(event, Done):
                return
        if self._cancelled.is_set():
            yield Done("cancelled", Timings(predicted_n=n, predicted_ms=10.0 * n), n_past=50 + n, n_ctx=INFO.n_ctx)

    def cancel(self) -> None:
        self._cancelled.set()

    @property
    def is_cancelled(self) -> bool:
        return self._cancelled.is_set()

    def close(self) -> None:
        self.closed = self._needs_load = True
        self.is_loaded = False
        self._cancelled.set()

    def _play(self, script: Iterable[Step]) -> Iterator[Event]:
        for step in script:
            if isinstance(step, Exception):
                raise step
            if isinstance(step, Gate):
                step.wait(self._cancelled)
            elif isinstance(step, Wait):
                self._cancelled.wait(step.seconds)
            else:
                yield step
