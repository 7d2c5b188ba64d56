"""What a drafter knows beyond one request: calibration, CORE's dictionaries, and which tokens text forks after."""

from dataclasses import dataclass, field

from spectra_local.speculation import evidence as ev
from spectra_local.speculation.calibration import Calibration
from spectra_local.speculation.core import NgramTable

SLOWLY = 0.06  # weight of the newest outcome in a token's rate
FEW_TRIES = 4


class Trust:
    """How often the best guess after one very token came true: after some, text forks; after others, it never does.

    Token ids mean nothing to another vocabulary, so this is learned anew in each session.
    """

    def __init__(self) -> None:
        self._rates: dict[int, list[float]] = {}  # token -> rate, tries

    def kind(self, token: int) -> int:
        """The evidence bucket, relative to its family."""
        rate = self._rates.get(token)
        if rate is None:
            return 0
        return (1 if rate[1] < FEW_TRIES else 2) * ev.RATES + ev.RATE_BUCKET[int(rate[0] * ev.RATE_STEPS)]

    def observe(self, token: int, hit: bool) -> None:
        """One trial."""
        rate = self._rates.get(token)
        if rate is None:
            rate = self._rates[token] = [0.5, 0.0]
        rate[1] += 1.0
        rate[0] += (hit - rate[0]) * max(SLOWLY, 1.0 / (rate[1] + 1.0))


@dataclass(slots=True)
class Learned:
    """What lives on over requests."""

    calibration: Calibration
    core: NgramTable
    retrieved: NgramTable | None = None  # the same of corpora's texts
    trust: Trust = field(default_factory=Trust)
