"""How many planted secrets are let out, how much harmless text is withheld: ``python tests/fakes/withholding.py``."""

import argparse
import sys
import time
from collections import Counter
from collections.abc import Iterable
from pathlib import Path
from typing import NamedTuple

if __name__ == "__main__":
    sys.path[:0] = [str(Path(__file__).parents[1]), str(Path(__file__).parents[2])]

from fakes.planted_corpus import Planted, held_out, tuned

from spectra_local.history.secrets import scan


class Vain(NamedTuple):
    """Of harmless text: shares of lines with a find and of characters in finds."""

    lines: float
    characters: float


def let_out(planted: Iterable[Planted]) -> list[Planted]:
    """Those of which no character is withheld."""
    return [each for each in planted if not _withheld(each)]


def let_out_in_part(planted: Iterable[Planted]) -> list[Planted]:
    """Those of which a letter or digit is not withheld."""
    missed = []
    for each in planted:
        at, covered = each.text.index(each.secret), _withheld(each)
        if any(c.isalnum() and at + i not in covered for i, c in enumerate(each.secret)):
            missed.append(each)
    return missed


def _withheld(each: Planted) -> set[int]:
    at = each.text.index(each.secret)
    places = range(at, at + len(each.secret))
    return {i for found in scan(each.text) for i in range(found.start, found.end) if i in places}


def in_vain(texts: Iterable[str]) -> Vain:
    """What is withheld of texts that hold no secret."""
    n_lines = n_characters = n_found = n_withheld = 0
    for text in texts:
        covered = {i for found in scan(text) for i in range(found.start, found.end)}
        n_characters += len(text)
        n_withheld += len(covered)
        at = 0
        for line in text.splitlines(keepends=True):
            if line.strip():
                n_lines += 1
                n_found += any(i in covered for i in range(at, at + len(line)))
            at += len(line)
    return Vain(n_found / n_lines, n_withheld / n_characters)


def harmless() -> dict[str, list[str]]:
    """Code of the standard library, this program's code, its README and guides."""
    here, library = Path(__file__).parents[2], Path(argparse.__file__).parent
    named = (
        "argparse",
        "textwrap",
        "statistics",
        "fractions",
        "heapq",
        "json/decoder",
        "email/message",
        "difflib",
        "random",
    )
    return {
        "Python's library": [(library / f"{name}.py").read_text("utf-8") for name in named],
        "this program": [path.read_text("utf-8") for path in sorted((here / "spectra_local").glob("*/*.py"))],
        "its guides": [path.read_text("utf-8") for path in [here / "README.md", *sorted((here / "docs").glob("*.md"))]],
    }


def main() -> None:
    """Prints one table."""
    for name, planted in (("tuned on", tuned()), ("held out", held_out())):
        whole, part = let_out(planted), let_out_in_part(planted)
        print(f"{name}: {len(planted)} planted, {len(whole)} let out whole, {len(part)} in part; recall "
              f"{1 - len(whole) / len(planted):.1%}")  # fmt: skip
        totals, misses = Counter(p.kind for p in planted), Counter(p.kind for p in whole)
        print("  " + ", ".join(f"{kind} {misses[kind]}/{n}" for kind, n in totals.items() if misses[kind]))
        if "-v" in sys.argv and name == "tuned on":
            for each in part:
                print(
                    "   ", "WHOLE" if each in whole else "part ", each.kind, "|", each.text.replace("\n", "\\n")[:110]
                )
    for name, texts in harmless().items():
        started = time.process_time()
        for text in texts:
            scan(text)
        seconds = time.process_time() - started
        vain = in_vain(texts)
        n_bytes = sum(len(text.encode()) for text in texts)
        print(
            f"{name}: {vain.lines:.1%} of lines, {vain.characters:.2%} of characters withheld in vain; "
            f"{n_bytes / seconds / 1e6:.2f} MB/s"
        )


if __name__ == "__main__":
    main()
