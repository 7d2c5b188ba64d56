"""Four programs write turns and chats while a fifth exports again and again: how many errors?"""

import argparse
import subprocess
import sys
import time
from dataclasses import dataclass, field
from pathlib import Path

import numpy as np

from campaigns.homes import ROOT, temporary_home
from spectra_local.chats.store import ChatStore
from spectra_local.errors import SpectraError
from spectra_local.history.database import Database
from spectra_local.history.exporting import Selection, choose, write
from spectra_local.history.store import Store
from spectra_local.history.turn import TOKEN, Turn

WRITERS = 4


@dataclass(slots=True)
class Outcome:
    """``missing``: commits that were acknowledged and are not there."""

    errors: list[str] = field(default_factory=list)
    commits: int = 0
    missing: int = 0
    exports: int = 0
    seconds: float = 0.0


def write_turns(name: str, commits: int) -> None:
    """What a writing program does: a turn and a message of a chat, each committed."""
    database = Database()
    store, chats = Store(database), ChatStore(database)
    chat = chats.create(name)
    parent = None
    for number in range(commits):
        text = f"{name} says the same thing again and again, now for the time number {number}"
        store.add([Turn(name, "user", "bytes", text, tokens=np.array(list(text.encode()), TOKEN), ts=time.time())])
        parent = chats.add(chat, parent, "user", text)
    database.close()


def run(commits: int) -> Outcome:
    """Each of the writers commits so many turns and messages."""
    found, started = Outcome(), time.perf_counter()
    with temporary_home() as home:
        command = [sys.executable, "-m", "tests.campaigns.writers", "--commits", str(commits), "--write"]
        children = [
            subprocess.Popen([*command, f"writer {i}"], cwd=ROOT, stderr=subprocess.PIPE, text=True)
            for i in range(WRITERS)
        ]
        path = home / "out.spectra"
        while any(child.poll() is None for child in children):
            found.exports += _export(path, found, whole=found.exports % 2 == 0)
        for child in children:
            _, err = child.communicate()
            if child.returncode:
                found.errors.append(err)
        store = Store(Database())
        texts = sum(1 for _ in store.turns())
        (messages,) = store.database.connection.execute("SELECT count(*) FROM messages").fetchone()
        store.database.close()
        found.commits = texts + messages
        found.missing = 2 * WRITERS * commits - found.commits
    found.seconds = time.perf_counter() - started
    return found


def _export(path: Path, found: Outcome, *, whole: bool) -> int:
    database = None
    try:
        database = Database()
        outgoing = choose(Store(database), Selection(whole_turns=whole))
        if outgoing.n_records:
            write(outgoing, path, overwrite=True)
    except SpectraError as error:
        found.errors.append(f"export: {error}")
    finally:
        if database:
            database.close()
    return 1


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--commits", type=int, default=500, help="of turns, and of messages, by each writer")
    parser.add_argument("--write", metavar="NAME", help="be one of the writers")
    given = parser.parse_args()
    if given.write:
        write_turns(given.write, given.commits)
        return 0
    found = run(given.commits)
    print(f"commits {found.commits}, missing {found.missing}, exports meanwhile {found.exports}, "
          f"errors {len(found.errors)}, {found.seconds:.1f} s")  # fmt: skip
    print("\n".join(found.errors[:5]))
    return 1 if found.errors or found.missing else 0


if __name__ == "__main__":
    sys.exit(main())
