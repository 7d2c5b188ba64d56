"""What speculation keeps for one model between runs: its cost curve on this device, and its calibration.

Both can be made again, so a damaged or foreign file is one log line and a fresh start.
"""

import hashlib
import json
import logging
import time
from collections.abc import Callable, Collection, Iterable, Mapping, Sequence
from dataclasses import asdict
from math import inf
from typing import Any, TypeVar

from spectra_local.history.in_memory import MemoryHistory
from spectra_local.history.lookup import History
from spectra_local.kept_file import read_kept, write_kept
from spectra_local.locations import cache_dir
from spectra_local.speculation import core_file
from spectra_local.speculation.calibration import Calibration
from spectra_local.speculation.core import NgramTable
from spectra_local.speculation.cost import CostCurve
from spectra_local.speculation.drafter import SpectraDrafter
from spectra_local.speculation.interface import Drafter
from spectra_local.speculation.measured_cost import Belief, MeasuredCost
from spectra_local.speculation.retrieval import Retrieval, Tokens
from spectra_local.speculation.staircase import measure
from spectra_local.speculation.traces import CALIBRATION_FILE, CORE_FILE

Kept = TypeVar("Kept")

log = logging.getLogger("spectra_local.speculation")

_SAVE_SECONDS = 30.0  # at most so often: a save costs some milliseconds
_SAVE_CORE_SECONDS = 300.0  # some 0.2 s of packing
_MOST_CORE_BYTES = 64 << 20
_MOST_HISTORY_TOKENS = 200_000  # some 60 MB of lists and dictionaries
_WIDEST = 4096  # decodes that are kept
_MOST_BYTES = 4_000_000  # a larger file is not ours


class PerModel:
    """Cost curve, calibration and drafter of one loaded model."""

    def __init__(
        self,
        identity: str,
        device: str,
        widest: int,
        decode: Callable[[int], None],
        ends: Collection[int] = (),
        *,
        core_n_vocab: int = 0,
    ) -> None:
        """``identity`` names weights and quantisation, ``device`` all else that decides speed. ``decode(width)``
        runs one decode; it is used only where no cost file for this device is found. ``ends``: tokens that end an
        answer. ``core_n_vocab``: size of the vocabulary where CORE's statistics are kept on disk too, 0: they are
        not."""
        digest = hashlib.blake2b(identity.encode(), digest_size=8).hexdigest()
        self._folder = cache_dir() / "speculation" / digest
        device_digest = hashlib.blake2b(f"{device}, {widest} wide".encode(), digest_size=8).hexdigest()
        self._cost_file = self._folder / f"cost-{device_digest}.json"
        self._calibration_file = self._folder / CALIBRATION_FILE
        self._saved = time.monotonic()
        self.cost_time = time.time()  # when the cost was last measured or corrected
        self._device = device
        self.cost = self._cost(widest, device, decode)
        self.calibration = self._known_calibration()
        self._session = MemoryHistory("history", _MOST_HISTORY_TOKENS)
        self._core_file, self._core_n_vocab = self._folder / CORE_FILE, core_n_vocab
        self._core_saved = time.monotonic()
        self._spectra = SpectraDrafter(
            self.cost, [self._session], core=self._known_core(), calibration=self.calibration, ends=ends
        )
        self._retrieval = Retrieval(self._folder, core_n_vocab, self._spectra.retrieve_from)
        self.drafter: Drafter = self._spectra

    def use(self, make: Callable[[CostCurve], Drafter] | None) -> None:
        """Drafts with another drafter from now on, for measuring; None: SPECTRA again."""
        self.drafter = make(self.cost) if make else self._spectra

    def draft_from(self, histories: Sequence[History]) -> None:
        """Drafts from these too: what earlier sessions left, corpora. This session's own memory stays beside them."""
        self._spectra.histories = [*histories, self._session]

    def retrieve(self, version: Callable[[], str], texts: Callable[[], Iterable[Tokens]]) -> None:
        """Drafts from the dictionaries of ``texts`` too, as soon as they are counted, where that can pay. ``version``
        tells these texts from others, "" means that there are none."""
        if self._spectra.takes_dictionaries:
            self._retrieval.follow(version, texts)
        else:
            self._retrieval.forget()

    def forget(self) -> None:
        """Drops all text: this session's memory and all N-gram statistics, because some of it was deleted."""
        self._retrieval.forget()
        self._session = MemoryHistory("history", _MOST_HISTORY_TOKENS)
        self._spectra.histories[-1] = self._session
        self._spectra.forget_core()
        self._core_file.unlink(missing_ok=True)

    def keep_core_in_memory(self) -> None:
        """From now on CORE holds what must not reach the disk."""
        self._core_n_vocab = 0

    def remember(self, tokens: Sequence[int]) -> None:
        """Text that was read or written: drafted from in later requests of this process."""
        self._session.add(tokens)

    def save(self, *, now: bool = False) -> None:
        """Keeps the calibration, at most twice a minute unless ``now``. A full or read-only disk is one log line."""
        if not now and time.monotonic() - self._saved < _SAVE_SECONDS:
            return
        self._saved = time.monotonic()
        if self.cost.changed:
            self._keep_cost(self.cost, self._device)
        write_kept(self._calibration_file, self.calibration.dumps().encode())
        if self._core_n_vocab and (now or time.monotonic() - self._core_saved > _SAVE_CORE_SECONDS):
            self._core_saved = time.monotonic()
            write_kept(self._core_file, core_file.dumps(self._spectra.core))

    def _known_core(self) -> NgramTable | None:
        try:
            if self._core_n_vocab and self._core_file.stat().st_size <= _MOST_CORE_BYTES:
                return core_file.loads(self._core_file.read_bytes(), self._core_n_vocab)
        except FileNotFoundError:
            pass
        except (OSError, ValueError) as error:
            log.warning("%s is damaged or cannot be read (%s); CORE learns anew", self._core_file, error)
        return None

    def _cost(self, widest: int, device: str, decode: Callable[[int], None]) -> MeasuredCost:
        if kept := self._kept_cost(widest):
            return kept
        seconds, trusted = measure(decode, widest)
        if not trusted:
            log.info("the machine is busy: the cost of decoding is learned from answers")
        cost = MeasuredCost(seconds, widest, Belief(trusted))
        self._keep_cost(cost, device)
        return cost

    def _keep_cost(self, cost: MeasuredCost, device: str) -> None:
        belief = asdict(cost.belief)
        if cost.corrected:
            self.cost_time = time.time()
        content = {"device": device, "time": self.cost_time, "seconds": cost.points, "belief": belief}
        write_kept(self._cost_file, json.dumps(content).encode())

    def _kept_cost(self, widest: int) -> MeasuredCost | None:
        text = read_kept(self._cost_file, _MOST_BYTES)
        if text is None:
            return None
        try:
            content = json.loads(text)
            points = _by_width(content["seconds"], _positive)
            belief = content["belief"]
            observed = _by_width(belief["observed"], lambda multiples: [_positive(each) for each in multiples])
            trusted, interval, quiet = (int(belief[name]) for name in ("trusted", "interval", "quiet"))
            self.cost_time = float(content["time"])
            return MeasuredCost(points, widest, Belief(bool(trusted), max(1, interval), max(0, quiet), observed))
        except (ValueError, TypeError, KeyError, AttributeError, RecursionError, OverflowError):
            log.warning("%s is damaged; measuring again", self._cost_file)
            return None

    def _known_calibration(self) -> Calibration:
        text = read_kept(self._calibration_file, _MOST_BYTES)
        try:
            return Calibration.shipped() if text is None else Calibration.loads(text)
        except (ValueError, TypeError, KeyError, AttributeError, RecursionError):
            log.warning("%s is damaged; starting from what is shipped", self._calibration_file)
            return Calibration.shipped()


def _by_width(kept: Mapping[str, Any], value: Callable[[Any], Kept]) -> dict[int, Kept]:
    by_width = {int(width): value(each) for width, each in kept.items()}
    if any(not 1 <= width <= _WIDEST for width in by_width):  # each width up to the last has a price
        raise ValueError("a curve of absurd widths")
    return by_width


def _positive(value: Any) -> float:
    if not 0.0 < (number := float(value)) < inf:
        raise ValueError("an absurd price")
    return number
