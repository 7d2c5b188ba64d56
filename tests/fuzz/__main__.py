"""``python -m tests.fuzz --minutes 60``: mutants of every target in turn; each that fails is kept in the corpus."""

import argparse
import hashlib
import os
import sys
import tempfile
import time
from itertools import count
from pathlib import Path

sys.path.insert(0, str(Path(__file__).parents[1]))  # the tests' fakes are imported as the tests import them

from fuzz import files, messages
from fuzz.running import CORPUS, Run

_INPUTS_A_TURN = 50


def main() -> int:
    """1 where something failed."""
    parser = argparse.ArgumentParser(prog="python -m tests.fuzz", description=__doc__)
    parser.add_argument("--minutes", type=float, default=60)
    parser.add_argument("--target", action="append", help="only this one; may be repeated")
    parser.add_argument("--seed", type=int, default=time.time_ns())
    given = parser.parse_args()
    n_found = 0
    with tempfile.TemporaryDirectory(prefix="spectra-fuzz-") as folder:
        os.environ["SPECTRA_HOME"] = f"{folder}/home"
        targets = {**files.targets(), **messages.targets()}
        runs = {name: Run(targets[name], Path(folder) / name) for name in given.target or targets}
        end = time.monotonic() + 60 * given.minutes
        for turn in count():
            for name, run in runs.items():
                for data, told in run.fuzzed(_INPUTS_A_TURN, f"{name} {given.seed} {turn}"):
                    n_found += 1
                    kept = CORPUS / name / hashlib.sha256(data).hexdigest()[:16]
                    kept.parent.mkdir(parents=True, exist_ok=True)
                    kept.write_bytes(data)
                    print(f"{name}: {told}\n  kept as {kept}")
            if time.monotonic() > end:
                break
        for run in runs.values():
            run.close()
    print(f"seed {given.seed}: {(turn + 1) * _INPUTS_A_TURN} inputs a target, {n_found} failed")
    return 1 if n_found else 0


if __name__ == "__main__":
    sys.exit(main())
