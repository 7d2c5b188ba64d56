"""Every byte of a small store, changed by one bit and wholly: the program goes on and says it, and ``history verify``
saves every row that is whole."""

import argparse
import logging
import random
import shutil
import sys
from collections.abc import Iterable, Sequence
from contextlib import closing
from dataclasses import dataclass, field

import numpy as np
from click.testing import CliRunner

from campaigns.bit_flips import contents, raw_rows
from campaigns.homes import temporary_home
from spectra_local.chats.store import ChatStore
from spectra_local.cli.main import root
from spectra_local.history.database import Database
from spectra_local.history.personal import Exchange, PersonalHistory
from spectra_local.history.savings import Saved
from spectra_local.history.store import Store
from spectra_local.history.turn import TOKEN, Turn
from spectra_local.locations import database_file

Flip = tuple[int, int]  # byte, and what it is changed by


@dataclass(slots=True)
class Outcome:
    """What went wrong, a line each."""

    flips: int = 0
    said: int = 0
    failures: list[str] = field(default_factory=list)


def fill() -> None:
    """Some pages of each kind: a long turn, short ones, a layer, a chat."""
    rng = random.Random(7)
    words = [f"word{i}" for i in range(300)]
    with closing(Database()) as database:
        store, chats = Store(database), ChatStore(database)
        parent, chat = None, chats.create("about words")
        for number in range(14):
            text = " ".join(rng.choices(words, k=rng.choice((5, 40, 200))))
            tokens = np.array(rng.choices(range(5000), k=rng.choice((20, 100, 1500))), TOKEN)
            parent = chats.add(chat, parent, "assistant" if number % 2 else "user", text)
            store.add([Turn("chat-1", "model" if number % 2 else "user", "fp", text, tokens=tokens, ts=1e9 + number)])
        store.import_layer("friend", [Turn("f", "user", "fp", "lent words", tokens=np.arange(9, dtype=TOKEN), ts=1e9)])


def flips(seed: int, n: int) -> list[Flip]:
    """Places drawn anywhere, half of them in the first page."""
    rng, size = random.Random(seed), database_file().stat().st_size
    return [
        (rng.randrange(rng.choice((110, 4096)) if number % 2 else size), rng.choice((1 << rng.randrange(8), 0xFF)))
        for number in range(n)
    ]


def every_flip(step: int = 1, part: int = 0) -> Iterable[Flip]:
    """One bit and all bits of each byte (of one byte in ``step``, beginning with ``part``)."""
    for at in range(part, database_file().stat().st_size, step):
        yield at, 1 << at // step % 8
        yield at, 0xFF


def run(chosen: Sequence[Flip] | None = None, *, seed: int = 0, n: int = 40, step: int = 0, part: int = 0) -> Outcome:
    """``chosen`` flips, or ``n`` drawn ones, or with ``step`` every one."""
    found = Outcome()
    with temporary_home() as home:
        fill()
        pristine = home.with_name("pristine")
        shutil.copytree(home, pristine)
        expected, raw = contents(), raw_rows(database_file())
        for at, change in chosen or (every_flip(step, part) if step else flips(seed, n)):
            shutil.rmtree(home)
            shutil.copytree(pristine, home)
            with database_file().open("r+b") as file:
                file.seek(at)
                (byte,) = file.read(1)
                file.seek(at)
                file.write(bytes([byte ^ change]))
            found.flips += 1
            try:
                _look(f"byte {at} ^ {change:#04x}", expected, raw, found)
            except Exception as error:
                found.failures.append(f"byte {at} ^ {change:#04x}: {error!r}")
    return found


def _look(
    name: str, expected: dict[tuple[str, int], object], raw: dict[tuple[str, int], object], found: Outcome
) -> None:
    damaged = raw_rows(database_file())
    touched = {key for key, row in raw.items() if damaged.get(key) != row}
    readable = len(touched) <= 3  # else SQLite does not find its way, whatever is whole
    history = PersonalHistory("fp", 5000)  # what an answer does
    history.record(
        Exchange("chat-1", "chat", "new", [1, 2], reused=0, answer="words", answered=[3, 4]), Saved(answers=1)
    )
    notice = history.take_notice()
    history.close()
    done = CliRunner().invoke(root, ["history", "verify"], standalone_mode=False)
    if done.exception:
        raise done.exception
    found.said += done.return_value == 1
    if touched and not (done.return_value == 1 or notice):
        found.failures.append(f"{name}: nothing was said; {sorted(touched)}")
    if "close it" in done.output or "could not" in done.output:
        found.failures.append(f"{name}: {done.output}")
    touched |= {key for key in raw if f"{key[0].removesuffix('s')} {key[1]} is damaged" in done.output}
    after = contents()
    lost = {key for key in expected if after.get(key) != expected[key]} - (touched if readable else set())
    if len(lost) > (0 if readable else 1):
        found.failures.append(f"{name}: lost {sorted(lost)}; touched {sorted(touched)}; {notice!r}; {done.output!r}")
    if CliRunner().invoke(root, ["history", "verify"], standalone_mode=False).return_value != 0:
        found.failures.append(f"{name}: a second 'verify' still finds damage")


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--step", type=int, default=1, help="look at one byte in so many")
    parser.add_argument("--part", type=int, default=0, help="beginning with this one")
    given = parser.parse_args()
    logging.disable()
    found = run(step=given.step, part=given.part)
    print(f"flips {found.flips}, said {found.said}, failures {len(found.failures)}")
    print("\n".join(found.failures))
    return bool(found.failures)


if __name__ == "__main__":
    sys.exit(main())
