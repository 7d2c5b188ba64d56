"""A real terminal for tests: a pty with the program in it, and what a user would see of it."""

import os
import signal
import sys
import time
from collections.abc import Callable, Sequence
from pathlib import Path

import pexpect
import pyte

ROOT = Path(__file__).parents[2]
PATIENCE_S = 60.0
CHAT = (sys.executable, "-m", "tui")  # what the console script runs
LEAVES_ALTERNATE_SCREEN = b"\x1b[?1049l"


class Terminal:
    """Runs ``command`` in a pty; ``text`` is the screen as of the last look."""

    def __init__(
        self, command: Sequence[str], *, size: tuple[int, int] = (80, 24), cwd: Path | None = None, **env: str
    ) -> None:
        width, height = size
        environment = {**os.environ, "TERM": "xterm-256color", "PYTHONPATH": str(ROOT), **env}
        self.started = time.monotonic()
        self.child = pexpect.spawn(
            command[0], list(command[1:]), env=environment, dimensions=(height, width), cwd=cwd and str(cwd)
        )
        self.child.delaybeforesend = None
        self.screen = pyte.Screen(width, height)
        self._stream = pyte.ByteStream(self.screen)
        self.received = bytearray()
        self._undrawn = bytearray()

    def wait_for_bytes(self, what: bytes, patience: float = PATIENCE_S) -> None:
        """Waits until ``what`` is written from now on, without drawing: drawing costs more than the program does."""
        start, deadline = len(self.received), time.monotonic() + patience
        while what not in self.received[start:]:
            assert time.monotonic() < deadline, f"never written: {what!r}"
            data = self.child.read_nonblocking(65536, timeout=patience)
            self.received += data
            self._undrawn += data

    def look(self) -> str:
        """Takes in all that the program has written, and returns the screen."""
        self._stream.feed(_without_private_csi(bytes(self._undrawn)))
        self._undrawn.clear()
        while True:
            try:
                data = self.child.read_nonblocking(65536, timeout=0.02)
            except (pexpect.TIMEOUT, pexpect.EOF):
                break
            self.received += data
            self._stream.feed(_without_private_csi(data))
        return "\n".join(line.rstrip() for line in self.screen.display)

    def wait_for(self, what: str | Callable[[str], object], patience: float = PATIENCE_S) -> str:
        """Waits until a text is on the screen, or a condition on the screen holds."""
        holds = what if callable(what) else lambda text: what in text
        deadline = time.monotonic() + patience
        while not holds(text := self.look()):
            assert time.monotonic() < deadline, f"never on the screen: {what}\n{text}"
            if not self.child.isalive():
                text = self.look()
                assert holds(text), f"the program ended: {self.child.exitstatus}\n{text}"
                break
        return text

    def type(self, text: str) -> None:
        self.child.send(text)

    def resize(self, width: int, height: int) -> None:
        self.child.setwinsize(height, width)
        self.screen.resize(height, width)

    def signal(self, number: signal.Signals) -> None:
        self.child.kill(number)

    def exit_code(self, patience: float = PATIENCE_S) -> int:
        """Waits for the end; the code as a shell shows it."""
        deadline = time.monotonic() + patience
        while self.child.isalive():
            assert time.monotonic() < deadline, "the program does not end"
            self.look()
        self.look()
        return self.child.exitstatus if self.child.exitstatus is not None else 128 + self.child.signalstatus

    def close(self) -> None:
        self.child.close(force=True)


def _without_private_csi(data: bytes) -> bytes:
    """pyte takes ``CSI > ... u`` and ``CSI ? ... $ p`` for text, and fails at ``CSI ? ... m`` (queries all)."""
    import re

    return re.sub(rb"\x1b\[[<>=?][0-9;]*[um$][p]?", b"", data)
