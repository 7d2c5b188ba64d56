"""A corpus that is read while the user chats: a process of its own at the lowest priority, which rests during answers.

Knows nothing of widgets; what it has to say are numbers and a line at the end.
"""

import os
import subprocess
import threading
from collections.abc import Callable, Sequence
from contextlib import suppress
from dataclasses import KW_ONLY, dataclass
from time import monotonic, sleep

from spectra_local.cli.outcome import PROGRAM
from spectra_local.printable import printable_line
from spectra_local.python_process import module_command

REST, GO_ON = b"rest\n", b"go on\n"  # see spectra_local/corpus/resting.py, which would load numpy here
_LOOK_SECONDS = 0.05  # between two looks whether an answer has begun: a fraction of its first token


@dataclass(slots=True)
class CorpusState:
    """Tokens scored and to score, how long the rest takes, and how it ended."""

    done: int = 0
    total: int = 0
    seconds_left: float | None = None
    resting: bool = False
    _: KW_ONLY
    ended: str | None = None  # the last line it said; None while it works

    @property
    def share(self) -> str:
        """As "12%"; "" while the files are looked through."""
        return f"{self.done / self.total:.0%}" if self.total else ""


class CorpusWork:
    """``corpus add`` with some arguments."""

    def __init__(self, arguments: Sequence[str], is_busy: Callable[[], bool], on_end: Callable[[str], None]) -> None:
        """``is_busy``: whether the model is asked for something now; ``on_end`` hears the last line, in a thread."""
        self.state = CorpusState()
        self._is_busy, self._on_end = is_busy, on_end
        self._worked = 0.0  # seconds, rests aside
        self._process = subprocess.Popen(
            module_command("tui", "corpus", "add", "--background", *arguments),
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
            env={**os.environ, "PYTHONUNBUFFERED": "1"},
            start_new_session=True,  # a ctrl+c of the terminal is the chat's
        )
        threading.Thread(target=self._read, name="corpus", daemon=True).start()
        threading.Thread(target=self._give_way, name="corpus-pause", daemon=True).start()

    def stop(self) -> None:
        """Ends it soon; what is scored is kept for the next time."""
        with suppress(OSError):
            assert self._process.stdin
            self._process.stdin.close()

    def _read(self) -> None:
        assert self._process.stdout and self._process.stderr
        said: list[str] = []
        errors = threading.Thread(target=self._listen, args=(said,), daemon=True)
        errors.start()
        for line in self._process.stdout:
            numbers = line.split()
            if len(numbers) == 2 and all(number.isdigit() for number in numbers):
                self._progress(*map(int, numbers))
        self._process.wait()
        errors.join()
        self.stop()
        self._process.stdout.close()
        self._process.stderr.close()
        self.state.ended = said[-1] if said else "the corpus was not read"
        self._on_end(self.state.ended)

    def _listen(self, said: list[str]) -> None:
        assert self._process.stderr
        for line in self._process.stderr:
            if words := line.decode("utf-8", "replace").strip():
                said[:] = [printable_line(words.removeprefix(f"{PROGRAM}: "))]

    def _progress(self, done: int, total: int) -> None:
        state = self.state
        state.done, state.total = done, total
        if done:
            state.seconds_left = self._worked / done * (total - done)

    def _give_way(self) -> None:
        resting = False
        looked = monotonic()
        while self._process.poll() is None:
            busy = self._is_busy()
            if busy != resting:
                resting = self.state.resting = busy
                with suppress(OSError, ValueError):  # it has ended meanwhile, or was told to
                    assert self._process.stdin
                    self._process.stdin.write(REST if busy else GO_ON)
                    self._process.stdin.flush()
            now = monotonic()
            self._worked += 0.0 if resting else now - looked
            looked = now
            sleep(_LOOK_SECONDS)
