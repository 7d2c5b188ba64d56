"""Single flipped bits in the store and in the index: no crash, no wrong text, every touched row reported.

A row is touched where a column of it reads otherwise than before (``uses`` excepted: it is a count, and no text), or
where it cannot be read any more. Text is what the program hands on: turns with their tokens, titles and messages.
"""

import argparse
import random
import shutil
import sqlite3
import sys
from collections import Counter
from contextlib import closing, suppress
from dataclasses import dataclass, field
from pathlib import Path

import numpy as np
from click.testing import CliRunner

from campaigns.homes import temporary_home
from spectra_local.chats.records import DAMAGED
from spectra_local.chats.search import search
from spectra_local.chats.store import ChatStore
from spectra_local.cli.main import root
from spectra_local.errors import SpectraError
from spectra_local.history.database import Database
from spectra_local.history.index import Index
from spectra_local.history.store import Store
from spectra_local.history.turn import TOKEN, Turn
from spectra_local.locations import database_file, segments_dir

N_VOCAB = 5000
TABLES = ("turns", "messages", "chats")
Contents = dict[tuple[str, int], object]  # what the program hands on, by table and id


@dataclass(slots=True)
class Outcome:
    """``touched``: flips that changed a row; ``missed`` of them were not reported."""

    flips: Counter[str] = field(default_factory=Counter)
    touched: int = 0
    missed: list[str] = field(default_factory=list)
    crashes: list[str] = field(default_factory=list)
    wrong: list[str] = field(default_factory=list)
    reported: int = 0
    lost_rows: int = 0  # whole rows that are not there any more after ``history verify``


def fill() -> None:
    """Some months of turns and chats, two segments."""
    rng = random.Random(4)
    words = [f"word{i}" for i in range(900)]
    with closing(Database()) as database:
        store, chats = Store(database), ChatStore(database)
        for number in range(12):
            chat, parent = chats.create(f"chat about {rng.choice(words)}"), None
            for turn in range(10):
                text = " ".join(rng.choices(words, k=rng.randrange(5, 300)))
                parent = chats.add(chat, parent, "assistant" if turn % 2 else "user", text)
                tokens = np.array(rng.choices(range(N_VOCAB), k=rng.randrange(20, 900)), TOKEN)
                store.add(
                    [Turn(f"chat-{chat}", "model" if turn % 2 else "user", "fp", text, tokens=tokens, ts=1e9 + number)]
                )
            chats.keep_draft(chat, f"draft {number}")
        index = Index(store, "fp", N_VOCAB)
        index.wait()
        index.close()


def contents() -> Contents:
    """What a user and a drafter are given."""
    found: Contents = {}
    with closing(Database()) as database:
        chats = ChatStore(database)
        with suppress(SpectraError):
            for turn in Store(database).turns():
                found["turns", turn.id] = (turn.text, turn.conversation, turn.origin, turn.tokens.tolist())
        with suppress(SpectraError):
            for summary in chats.summaries():
                tree = chats.tree(summary.id)
                if tree.title != DAMAGED:
                    found["chats", summary.id] = (tree.title, tree.draft)
                found.update({("messages", m.id): (m.text, m.role) for m in tree.messages if m.text != DAMAGED})
    return found


def raw_rows(path: Path) -> dict[tuple[str, int], object]:
    """Every column of every row, read without the program."""
    found: dict[tuple[str, int], object] = {}
    with closing(sqlite3.connect(f"file:{path}?immutable=1", uri=True)) as connection:
        connection.text_factory = bytes
        for table in TABLES:
            with suppress(sqlite3.Error, UnicodeDecodeError):  # of its messages
                cursor = connection.execute(f"SELECT * FROM {table} NOT INDEXED")
                names = [column[0] for column in cursor.description]
                while True:
                    try:
                        row = cursor.fetchone()
                    except (sqlite3.Error, UnicodeDecodeError):
                        break
                    if row is None:
                        break
                    kept = dict(zip(names, row, strict=True))
                    kept.pop("uses", None)
                    found[table, kept["id"]] = kept
    return found


def run(flips: int, seed: int = 0, *, header_only: bool = False) -> Outcome:
    """Half of the flips hit the store, half the index; each time a fresh copy of both. ``header_only``: all of them
    the first page of the store, with SQLite's header and the schema."""
    rng, found = random.Random(seed), Outcome()
    with temporary_home() as home:
        fill()
        pristine = home.with_name("pristine")
        shutil.copytree(home, pristine)
        expected, raw = contents(), raw_rows(database_file())
        for number in range(flips):
            shutil.rmtree(home)
            shutil.copytree(pristine, home)
            in_store = header_only or number % 2 == 0
            target = database_file() if in_store else rng.choice(sorted(segments_dir().rglob("*.segment")))
            found.flips["store" if in_store else "index"] += 1
            at, bit = rng.randrange(rng.choice((100, 4096)) if header_only else target.stat().st_size), rng.randrange(8)
            with target.open("r+b") as file:
                file.seek(at)
                (byte,) = file.read(1)
                file.seek(at)
                file.write(bytes([byte ^ 1 << bit]))
            name = f"flip {number}: bit {bit} of byte {at} of {target.name}"
            touched = {key for key, row in raw.items() if raw_rows(target).get(key) != row} if in_store else set()
            try:
                _look(name, expected, touched, in_store, found)
            except Exception as error:
                found.crashes.append(f"{name}: {error!r}")
    return found


def _look(name: str, expected: Contents, touched: set[tuple[str, int]], in_store: bool, found: Outcome) -> None:
    with suppress(SpectraError):
        found.wrong += [f"{name}: {key}" for key, value in contents().items() if expected.get(key) != value]
    with suppress(SpectraError), closing(Database()) as database:
        _look_for_words(name, database, expected, found)
        index = Index(Store(database), "fp", N_VOCAB)
        for start in range(0, 400, 40):
            for match in index.matches(list(range(start, start + 40)), 8):
                index.following(match.position, 8)
        index.close()
    done = CliRunner().invoke(root, ["history", "verify"], standalone_mode=False)
    if done.exception and not isinstance(done.exception, SpectraError):
        raise done.exception
    reported = done.return_value == 1 or isinstance(done.exception, SpectraError)
    found.reported += reported
    found.touched += bool(touched) or not in_store
    whole_file = "damaged:" in done.output or "damaged" in str(done.exception)
    unseen = {(t, i) for t, i in touched if f"{t.removesuffix('s')} {i} is damaged" not in done.output}
    if (unseen and not whole_file) or (not in_store and not reported):
        found.missed.append(f"{name}: {sorted(unseen)[:5]} {done.output!r}")
    after = contents()
    found.wrong += [f"{name}, after verify: {key}" for key, value in after.items() if expected.get(key) != value]
    found.lost_rows += len(set(expected) - set(after) - touched)
    if CliRunner().invoke(root, ["history", "verify"], standalone_mode=False).return_value != 0:
        found.crashes.append(f"{name}: a second 'history verify' still finds damage")


def _look_for_words(name: str, database: Database, expected: Contents, found: Outcome) -> None:
    """What is recalled and what a search shows must be texts, or parts of them, that were written."""
    texts = [str(value[0]) for value in expected.values() if isinstance(value, tuple)]
    with suppress(SpectraError):
        prompts = ChatStore(database).prompts(1000)
        found.wrong += [f"{name}: prompt {prompt[:40]!r}" for prompt in prompts if prompt not in texts]
    with suppress(SpectraError):
        for hit in search(database, "word1"):
            shown = hit.excerpt.strip("… ")
            if shown != DAMAGED and not any(shown in text for text in texts):
                found.wrong.append(f"{name}: excerpt {shown!r}")


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--flips", type=int, default=200)
    parser.add_argument("--seed", type=int, default=0)
    parser.add_argument("--header-only", action="store_true", help="flip bits of the store's first page alone")
    given = parser.parse_args()
    found = run(given.flips, given.seed, header_only=given.header_only)
    print(f"flips {dict(found.flips)}, crashes {len(found.crashes)}, wrong texts {len(found.wrong)}, flips that "
          f"touched something {found.touched}, of them not reported {len(found.missed)}, reported {found.reported}, "
          f"whole rows lost by saving {found.lost_rows}")  # fmt: skip
    print("\n".join([*found.crashes, *found.wrong, *found.missed]))
    return 1 if found.crashes or found.wrong or found.missed else 0


if __name__ == "__main__":
    sys.exit(main())
