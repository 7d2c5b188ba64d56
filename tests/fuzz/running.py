"""Offers inputs to targets; each that fails is made small, to be kept in the corpus."""

import random
from contextlib import ExitStack
from pathlib import Path

from fuzz.mutate import mutated
from fuzz.target import Target

CORPUS = Path(__file__).with_name("corpus")
_MOST_TRIES = 400  # of making a failing input small


class Run:
    """One target, opened: what it needs beside its inputs, a folder and perhaps a server, is there until ``close``."""

    def __init__(self, target: Target, folder: Path) -> None:
        folder.mkdir(parents=True, exist_ok=True)
        self._stack = ExitStack()
        self._offer = self._stack.enter_context(target.opened(folder))
        self.target = target

    def close(self) -> None:
        """Ends what was opened."""
        self._stack.close()

    def failure(self, data: bytes) -> str:
        """What went wrong with this input; "" where all is well."""
        try:
            self._offer(data)
        except Exception as error:
            return f"{type(error).__name__}: {error}"[:500]
        return ""

    def replayed(self, name: str) -> dict[str, str]:
        """The kept inputs that fail again, with what went wrong."""
        kept = sorted((CORPUS / name).glob("*"))
        found = {path.name: self.failure(path.read_bytes()) for path in kept}
        return {file: told for file, told in found.items() if told}

    def fuzzed(self, inputs: int, seed: object) -> list[tuple[bytes, str]]:
        """Inputs that fail, made small, among so many mutants."""
        rng, found = random.Random(str(seed)), []
        for _ in range(inputs):
            data = mutated(rng.choice(self.target.seeds), rng)
            if told := self.failure(data):
                found.append((self._smallest(data, told), told))
        return found

    def _smallest(self, data: bytes, told: str) -> bytes:
        """The input without the pieces that the same failure does not need, as far as some tries go."""
        kind, size, tries = told.partition(":")[0], len(data) // 2, 0
        while size and tries < _MOST_TRIES:
            at = 0
            while at < len(data) and tries < _MOST_TRIES:
                tries += 1
                shorter = data[:at] + data[at + size :]
                if self.failure(shorter).partition(":")[0] == kind:
                    data = shorter
                else:
                    at += size
            size //= 2
        return data
