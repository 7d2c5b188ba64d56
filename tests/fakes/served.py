"""``spectra-chat serve`` as a user starts it, in a process of its own."""

import re
import signal
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path


@contextmanager
def serving(
    model: Path, *options: str, ends_by: signal.Signals, exit_code: int, says: list[str] | None = None
) -> Iterator[str]:
    """Its address, while it runs; ``says`` gets the lines that it writes to its terminal."""
    command = [sys.executable, "-m", "tui", "serve", "-m", str(model), "--port", "0", "--ctx", "2048", *options]
    server = subprocess.Popen(command, stderr=subprocess.PIPE, text=True, cwd=Path(__file__).parents[2])
    assert server.stderr
    try:
        line = server.stderr.readline()
        while not (match := re.search(r"http://\S+", line)):
            assert line, "the server ended before it listened"
            if says is not None:
                says.append(line)
            line = server.stderr.readline()
        yield match[0]
    finally:
        server.send_signal(ends_by)
        assert server.wait(30) == exit_code
        if says is not None:
            says += server.stderr.readlines()
        server.stderr.close()
