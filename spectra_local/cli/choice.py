"""One of several models, chosen with the arrows at a terminal; on one that cannot move its cursor, by number.

Written to stderr in plain ASCII, without colours: every terminal can show it.
"""

import os
import re
import select
import shutil
import sys
import termios
import textwrap
import tty
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from typing import Literal, TextIO

from spectra_local.catalogue.offers import RATE_WORDS, Choice
from spectra_local.errors import SpectraError
from spectra_local.printable import printable_line

Key = Literal["up", "down", "enter", "leave"] | int

_HINT = "up and down choose, enter takes it, esc leaves"
_WIDE = 66  # columns from which size, time and licence fit on a line with the name
_REST_OF_KEY = 0.05  # seconds in which an arrow's bytes follow its escape
_SEQUENCE = re.compile(rb"\x1b[\[O][0-9;]*[A-Za-z~]|[\x00-\xff]", re.DOTALL)
_KEYS: dict[bytes, Key] = {
    b"\x1b[A": "up", b"\x1bOA": "up", b"k": "up", b"\x10": "up",
    b"\x1b[B": "down", b"\x1bOB": "down", b"j": "down", b"\x0e": "down", b"\t": "down",
    b"\r": "enter", b"\n": "enter",
    b"\x1b": "leave", b"q": "leave", b"\x04": "leave",
}  # fmt: skip


class NothingChosenError(SpectraError):
    """The user left the choice."""

    exit_code = 130

    def __init__(self) -> None:
        super().__init__("nothing was chosen and nothing was fetched; 'spectra-chat models list' shows all models")


def can_ask() -> bool:
    """Whether a person can read a question and answer it."""
    return all(stream is not None and stream.isatty() for stream in (sys.stdin, sys.stderr))


def choose(title: str, choices: Sequence[Choice]) -> Choice:
    """The one that the user takes. Raises NothingChosenError; ctrl+c raises KeyboardInterrupt."""
    heading = f"{title} (times at {RATE_WORDS})" if any(choice.entry for choice in choices) else title
    if os.environ.get("TERM", "dumb") in ("", "dumb"):
        return _by_number(heading, choices, sys.stderr)
    return _with_arrows(heading, choices, sys.stderr)


def _with_arrows(heading: str, choices: Sequence[Choice], out: TextIO) -> Choice:
    marked, n_drawn = 0, 0
    with _single_keys(sys.stdin.fileno()) as keys:
        try:
            while True:
                lines = menu(heading, choices, marked, *shutil.get_terminal_size())
                _draw(lines, n_drawn, out)
                n_drawn = len(lines)
                match key := next(keys):
                    case "up":
                        marked = (marked - 1) % len(choices)
                    case "down":
                        marked = (marked + 1) % len(choices)
                    case "enter":
                        return choices[marked]
                    case "leave":
                        raise NothingChosenError
                    case int() if key <= len(choices):
                        marked = key - 1
        finally:
            _draw([], n_drawn, out)


def _draw(lines: Sequence[str], n_before: int, out: TextIO) -> None:
    """Puts ``lines`` in the place of the ``n_before`` that were drawn last."""
    up = f"\x1b[{n_before}A" if n_before else ""
    out.write(f"\r{up}\x1b[J" + "".join(f"{line}\r\n" for line in lines))
    out.flush()


def menu(heading: str, choices: Sequence[Choice], marked: int, columns: int, rows: int) -> list[str]:
    """The lines to draw; on a terminal that is too low the words stand at the marked one alone, or only it is shown."""
    width = max(8, columns - 1)
    top, bottom = textwrap.wrap(heading, width), textwrap.wrap(_HINT, width)
    for detail in (lambda n: True, lambda n: n == marked):
        blocks = [_block(n, choice, n == marked, width, detail(n)) for n, choice in enumerate(choices)]
        lines = [*top, *(line for block in blocks for line in block), *bottom]
        if len(lines) < rows:
            return lines
    return _block(marked, choices[marked], True, width, True)[: max(1, rows - 1)]


def _block(number: int, choice: Choice, is_marked: bool, width: int, detail: bool) -> list[str]:
    """One model: a line of facts and, with ``detail``, its words; on a narrow terminal folded."""
    head, facts = f"{'>' if is_marked else ' '} {number + 1} ", [choice.size, choice.time, choice.licence]
    if width >= _WIDE:
        head += f"{_ascii(choice.name)[:28]:28} {facts[0]:>7} {facts[1]:>6}  {facts[2]}"
        more = [choice.words]
    else:
        head += _ascii(choice.name)
        more = [", ".join(fact for fact in facts if fact), choice.words]
    indent = "    "
    lines = [line for text in more for line in textwrap.wrap(_ascii(text), width - len(indent))]
    return [head[:width].rstrip(), *(indent + line for line in lines if detail)]


def _ascii(text: str) -> str:
    return printable_line(text).encode("ascii", "replace").decode()


def _by_number(heading: str, choices: Sequence[Choice], out: TextIO) -> Choice:
    lines = [heading]
    for number, choice in enumerate(choices):
        lines += _block(number, choice, False, _WIDE + 14, True)
    out.write("\n".join(lines) + "\n")
    while True:
        out.write(f"Number (enter: 1, q leaves; up to {len(choices)}): ")
        out.flush()
        line = sys.stdin.buffer.readline(100)
        answer = line.strip().decode("ascii", "replace")
        if not line or answer.lower() in ("q", "n", "no"):
            raise NothingChosenError
        if not answer:
            return choices[0]
        if answer.isdecimal() and 1 <= int(answer) <= len(choices):
            return choices[int(answer) - 1]


@contextmanager
def _single_keys(descriptor: int) -> Iterator[Iterator[Key]]:
    """Keys as they are pressed, unseen; the terminal is put back whatever happens. Ctrl+c still interrupts."""
    before = termios.tcgetattr(descriptor)
    try:
        tty.setcbreak(descriptor, termios.TCSADRAIN)
        mode = termios.tcgetattr(descriptor)
        mode[6][termios.VSUSP] = b"\x00"  # a shell would put the terminal back, and leave it so
        termios.tcsetattr(descriptor, termios.TCSADRAIN, mode)
        yield _keys(descriptor)
    finally:
        termios.tcsetattr(descriptor, termios.TCSADRAIN, before)


def _keys(descriptor: int) -> Iterator[Key]:
    """Endless; a terminal that is gone is one that leaves. Bytes that mean nothing here are passed by."""
    while data := _read(descriptor):
        while data.endswith((b"\x1b", b"\x1b[", b"\x1bO")) and select.select([descriptor], [], [], _REST_OF_KEY)[0]:
            if not (more := _read(descriptor)):
                break
            data += more
        for sequence in _SEQUENCE.findall(data):
            if sequence in _KEYS:
                yield _KEYS[sequence]
            elif sequence.isdigit() and sequence != b"0":
                yield int(sequence)
    while True:
        yield "leave"


def _read(descriptor: int) -> bytes:
    try:
        return os.read(descriptor, 64)
    except OSError:  # hung up
        return b""
