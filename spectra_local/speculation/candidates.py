"""Merges what all sources say about the next token into calibrated candidates. Knows one node at a time, no tree.

The best candidate keeps its probability, the others share what is left (escape, as in PPM): summing sources instead
made more history do worse.
"""

from collections.abc import Sequence
from dataclasses import dataclass, field
from math import exp

from spectra_local.speculation import evidence as ev
from spectra_local.speculation.calibration import BINS, HIGHEST, Calibration
from spectra_local.speculation.core import ONE_TOKEN, NgramTable
from spectra_local.speculation.interface import TopK
from spectra_local.speculation.match import SOURCES, Pointer

BRANCH = 5  # children of a node at most
LATELY = 0.1  # weight of the newest outcome in a request's running rates
SLOWLY = 0.06  # and in those of single tokens
FEW_TRIES = 4
FLOW_TOKENS = 16  # of a step whose confidence counts
FROM_ECHO = 3  # tokens taken from the model's view one position earlier (as LogitSpec does)


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
    trust: Trust = field(default_factory=Trust)


@dataclass(slots=True)
class Recent:
    """How guessing went lately in this request, and what the model weighed for its own tokens."""

    guesses: int = 0
    luck: float = 0.5  # how often the best guess came true
    matches: int = 0
    match: list[float] = field(default_factory=lambda: [0.5] * ev.SOURCES)  # the longest match's, by its source
    answered: int = 0  # tokens so far
    flow: float = 0.7  # the model's weight for the tokens it chose
    confidence: float = 0.5  # its weight for the last one
    echo: dict[int, float] = field(default_factory=dict)  # the tokens it did not choose there

    def add_guess(self, hit: bool) -> None:
        """The best guess at a position on the path came true or not."""
        self.guesses += 1
        self.luck += (hit - self.luck) * max(LATELY, 1.0 / (self.guesses + 3))

    def add_match(self, source: int, foreseen: Sequence[int], accepted: Sequence[int]) -> None:
        """The longest match foresaw these tokens; counted up to the first that it did not."""
        rate = self.match[source]
        for guess, token in zip(foreseen, accepted, strict=False):
            self.matches += 1
            rate += ((guess == token) - rate) * max(LATELY, 1.0 / (self.matches + 3))
            if guess != token:
                break
        self.match[source] = rate

    def add_accepted(self, accepted: Sequence[int], top: Sequence[TopK]) -> None:
        """What the model weighed where it chose ``accepted``; ``top`` may hold less, then it is not known."""
        self.answered += len(accepted)
        if len(top) < len(accepted):
            self.echo, self.confidence = {}, 0.5
            return
        for token, (_, ids, weights) in zip(accepted[:FLOW_TOKENS], top, strict=False):
            weight = min(1.0, weights[0]) if ids and ids[0] == token else 0.0
            self.flow += LATELY * (weight - self.flow)
        last = top[len(accepted) - 1]
        self.echo = dict(zip(last.ids, last.weights, strict=True))
        self.confidence = min(1.0, self.echo.pop(accepted[-1], 0.0))


@dataclass(slots=True)
class Candidate:
    """A possible next token. ``kinds`` is its evidence; one inverted sure kind, below 0, for a sure match."""

    chance: float  # given that its parent came true
    token: int
    source: str
    kinds: list[int]
    pointers: list[Pointer]  # those that say this token, not yet moved on
    steps: int  # by how many tokens to move them on for what follows this token


def merge(
    learned: Learned,
    recent: Recent,
    key: int,
    pointers: list[Pointer],
    steps: int,
    depth: int,
    least: float,
) -> list[Candidate]:
    """Candidates after the packed last three tokens ``key``, best first.

    ``pointers`` stand ``steps`` tokens ahead of where they point; ``depth`` is that of the candidates, 0 the first
    layer; those clearly below ``least`` are left out.
    """
    votes: dict[int, list[Pointer]] = {}
    total = 0
    for pointer in pointers:
        token = pointer.token(steps)
        if token >= 0:
            total += 1
            if token in votes:
                votes[token].append(pointer)
            else:
                votes[token] = [pointer]
    longest = max([pointer[0] for group in votes.values() for pointer in group], default=-steps) + steps
    entries = []
    wanted: dict[int, float] = dict.fromkeys(votes, 1.0)
    for family, entry in learned.core.longest_first(key):
        seen = entry.seen
        weights = entry.weights
        scale = 1.0 / seen
        base = ev.LEVEL + family * ev.FAMILY_SIZE + ev.SEEN_BUCKET[int(seen)] * ev.SHARES_SLOTS
        entries.append((base, ev.SHARE_STEPS * scale, weights))
        for token in entry.ranked():
            share = weights[token] * scale
            # A share is at most doubled by other evidence; what cannot reach the least is not worth weighing.
            if 2.0 * share + 0.02 < least:
                break
            if token not in wanted:
                wanted[token] = share
    echo = recent.echo if depth == 0 else {}
    if depth == 0:
        for token in list(echo)[:FROM_ECHO]:
            wanted.setdefault(token, 0.0)
        place = ev.PLACE + ev.RATE_BUCKET[int(recent.confidence * ev.RATE_STEPS)]
    else:
        place = ev.PLACE + ev.RATES + ev.DEPTH_BUCKET[depth]
    luck = ev.LUCK + ev.RATE_BUCKET[int(recent.luck * ev.RATE_STEPS)]
    flow = ev.FLOW + ev.RATE_BUCKET[int(recent.flow * ev.RATE_STEPS)]
    believed = ev.TRUST + learned.trust.kind(key & ONE_TOKEN)
    position = ev.POSITION + ev.DEPTH_BUCKET[min(256, recent.answered + depth)]
    weigh = learned.calibration.weights
    found: list[Candidate] = []
    nobody: list[Pointer] = []
    for token in wanted:
        group = votes.get(token)
        if group is None:
            kinds = [ev.NO_MATCH + ev.LENGTH_BUCKET[min(longest, ev.LONGEST)]]
            stand = (4 if longest >= ev.LONG_STAND else 3) if total else 0
            source = "core"
            group = nobody
        else:
            best = max(group)
            length = min(best[0] + steps, ev.LONGEST)
            count = len(group)
            agree = (0 if total == 1 else 1) if count == total else (2 if 2 * count > total else 3)
            bucket = best[1] * ev.LENGTHS + ev.LENGTH_BUCKET[length]
            rate = ev.RATE_BUCKET[int(recent.match[best[1]] * ev.RATE_STEPS)]
            kinds = [
                ev.MATCH + bucket * ev.VOTES + agree * 2 + (best[0] + steps == longest),
                ev.RECENT + (best[1] * ev.COARSE + ev.COARSE_LENGTH[length]) * ev.RATES + rate,
            ]
            stand = 2 if length >= ev.LONG_STAND else 1
            source = SOURCES[best[1]]
        shift = stand * ev.STAND_SIZE
        for base, scale, weights in entries:
            weight = weights.get(token)
            kinds.append(base + shift + (ev.SHARES if weight is None else ev.SHARE_BUCKET[int(weight * scale)]))
        if depth == 0:
            weight = echo.get(token)
            kinds.append(ev.ECHO + (ev.SHARES if weight is None else ev.SHARE_BUCKET[int(weight * ev.SHARE_STEPS)]))
        kinds.append(place + stand * ev.PLACES)
        kinds.append(luck + stand * ev.RATES)
        kinds.append(flow + stand * ev.RATES)
        kinds.append(believed + stand * ev.TRUST_SIZE)
        kinds.append(position + stand * ev.DEPTHS)
        chance = 1.0 / (1.0 + exp(-sum([weigh[kind] for kind in kinds])))
        found.append(Candidate(chance, token, source, kinds, group, steps + 1))
    if len(found) > 1:
        found.sort(key=_chance, reverse=True)
        del found[BRANCH:]
    _share(found, learned.calibration.ratio)
    return found


def _chance(candidate: Candidate) -> float:
    return candidate.chance


def _share(found: list[Candidate], ratio: list[list[float]]) -> None:
    """Corrects the chances; the others share what the best leaves."""
    row, rest = ratio[0], 0.0
    for candidate in found:
        chance = candidate.chance
        chance *= row[int(chance * BINS)]
        candidate.chance = chance if chance < HIGHEST else HIGHEST
        rest += chance
        row = ratio[1]
    if rest > 1.0:
        left = 1.0 - found[0].chance
        scale = left / (rest - found[0].chance)
        for candidate in found[1:]:
            candidate.chance *= scale
