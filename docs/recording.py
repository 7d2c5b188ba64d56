"""Makes docs/session.svg, a recording that plays in a browser, from the real app in a terminal.

python docs/recording.py           with the default model ('models default'), which must be on this disk

Each row of the terminal is drawn once for each state it is in, and is visible while it is.
"""

import sys
import tempfile
import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from itertools import groupby
from pathlib import Path
from xml.sax.saxutils import escape

ROOT = Path(__file__).parents[1]
sys.path[:0] = [str(ROOT), str(ROOT / "tests")]

from e2e.terminal import CHAT, Terminal  # noqa: E402
from pyte.screens import Char  # noqa: E402

from spectra_local.catalogue import resolve  # noqa: E402
from spectra_local.errors import SpectraError  # noqa: E402

RECORDING = Path(__file__).with_name("session.svg")
SIZE = (84, 24)
QUESTION = "How do I reverse a string in Python?"
KEYS_PER_S = 14  # a person who types well
PAUSE_S = 1.5  # to read
LOOKS_PER_S = 8
CELL_WIDTH, CELL_HEIGHT, MARGIN = 8.4, 18.0, 12.0
GROUND, TEXT = "#14151b", "#d9dbe6"
FONT = "'Fira Code', 'DejaVu Sans Mono', Menlo, Consolas, monospace"

Line = tuple[tuple[str, str, str, bool, bool], ...]  # runs: text, colour, ground, bold, italic


@dataclass
class Recorder:
    """What each row showed, and from when on; ``now`` is seconds since the start."""

    terminal: Terminal
    started: float = field(default_factory=time.monotonic)
    rows: dict[int, list[tuple[float, Line]]] = field(default_factory=dict)

    @property
    def now(self) -> float:
        """Seconds since the recording began."""
        return time.monotonic() - self.started

    def look(self) -> str:
        """Notes the rows that have changed; returns the screen's text."""
        text = self.terminal.look()
        for number in range(SIZE[1]):
            line = _line(self.terminal.screen.buffer[number])
            states = self.rows.setdefault(number, [])
            if not states or states[-1][1] != line:
                states.append((self.now, line))
        return text

    def watch(self, until: Callable[[str], object]) -> None:
        """Looks until the screen holds what is waited for."""
        deadline = time.monotonic() + 120
        while not until(self.look()):
            if time.monotonic() > deadline:
                raise TimeoutError("the app does not show what the recording waits for")
            time.sleep(1 / LOOKS_PER_S)

    def rest(self, seconds: float) -> None:
        """Time for a reader."""
        end = self.now + seconds
        self.watch(lambda _: self.now > end)

    def type(self, text: str) -> None:
        """Key by key."""
        for key in text:
            self.terminal.type(key)
            self.rest(1 / KEYS_PER_S)


def main() -> int:
    """Returns the exit code."""
    try:
        model = resolve(None)
    except SpectraError as error:
        print(f"no recording without a model: {error}", file=sys.stderr)
        return 1
    with tempfile.TemporaryDirectory() as home:
        terminal = Terminal([*CHAT, "-m", str(model)], size=SIZE, SPECTRA_HOME=home, COLORTERM="truecolor")
        terminal.wait_for("●")
        recorder = Recorder(terminal)
        _play(recorder)
        length = recorder.now
        terminal.type("\x11")
        terminal.exit_code()
        terminal.close()
    RECORDING.write_text(_svg(recorder.rows, length), encoding="utf-8")
    return 0


def _play(recorder: Recorder) -> None:
    recorder.rest(PAUSE_S / 2)
    recorder.type(QUESTION)
    recorder.type("\r")
    recorder.watch(lambda text: "●" in text and "tok/s" in text)
    recorder.rest(2 * PAUSE_S)
    recorder.type("/stats\r")
    recorder.watch(lambda text: "Guessing ahead" in text)
    recorder.rest(2 * PAUSE_S)
    recorder.type("\x1b")
    recorder.rest(PAUSE_S)


def _line(cells: dict[int, Char]) -> Line:
    runs = []
    for look, group in groupby((cells[n] for n in range(SIZE[0])), key=_look):
        runs.append(("".join(cell.data for cell in group), *look))
    return tuple(runs)


def _look(cell: Char) -> tuple[str, str, bool, bool]:
    colour, ground = (cell.bg, cell.fg) if cell.reverse else (cell.fg, cell.bg)
    return _hex(colour, TEXT), _hex(ground, GROUND), cell.bold, cell.italics


def _hex(colour: str, default: str) -> str:
    return f"#{colour}" if len(colour) == 6 and all(c in "0123456789abcdefABCDEF" for c in colour) else default


def _svg(rows: dict[int, list[tuple[float, Line]]], length: float) -> str:
    width, height = SIZE[0] * CELL_WIDTH + 2 * MARGIN, SIZE[1] * CELL_HEIGHT + 2 * MARGIN
    drawn = "\n".join(part for number, states in rows.items() for part in _row(number, states, length))
    return (
        f'<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 {width:g} {height:g}" width="{width:g}">\n'
        f"<title>spectra-chat answering a question, then showing what guessing ahead brought</title>\n"
        f"<style>text {{ font: 14px {FONT}; white-space: pre; }}</style>\n"
        f'<rect width="100%" height="100%" rx="8" fill="{GROUND}">'
        f'<animate id="t" attributeName="x" values="0;0" dur="{length:.2f}s" begin="0s;t.end"/></rect>\n'
        f"{drawn}\n</svg>\n"
    )


def _row(number: int, states: list[tuple[float, Line]], length: float) -> Iterator[str]:
    """One group for each state. The first is there from the start, for viewers that play nothing the last."""
    for index, (begin, line) in enumerate(states):
        end = states[index + 1][0] if index + 1 < len(states) else length
        content = _drawn(number, line)
        if not content:
            continue
        if len(states) == 1:
            yield f"<g>{content}</g>"
        else:
            last = index + 1 == len(states)
            yield (
                f'<g visibility="{"visible" if last else "hidden"}">{content}'
                f'<set attributeName="visibility" to="hidden" begin="t.begin" end="t.begin+{begin:.2f}s"/>'
                f'<set attributeName="visibility" to="visible" begin="t.begin+{begin:.2f}s" '
                f'end="t.begin+{end:.2f}s"/></g>'
            )


def _drawn(number: int, line: Line) -> str:
    top, column, parts = MARGIN + number * CELL_HEIGHT, 0, []
    for text, colour, ground, bold, italic in line:
        left = MARGIN + column * CELL_WIDTH
        if ground != GROUND:
            size = f'width="{len(text) * CELL_WIDTH:g}" height="{CELL_HEIGHT:g}"'
            parts.append(f'<rect x="{left:g}" y="{top:g}" {size} fill="{ground}"/>')
        if text.strip():
            start = len(text) - len(text.lstrip())
            shown = text.strip()
            style = (' font-weight="bold"' if bold else "") + (' font-style="italic"' if italic else "")
            where = f'x="{left + start * CELL_WIDTH:g}" y="{top + 13:g}" textLength="{len(shown) * CELL_WIDTH:g}"'
            parts.append(f'<text {where} fill="{colour}"{style}>{escape(shown)}</text>')
        column += len(text)
    return "".join(parts)


if __name__ == "__main__":
    sys.exit(main())
