"""Merges what all sources say about the next token into calibrated candidates. Knows one node at a time, no tree.

The best candidate keeps its probability, the others share what is left (escape, as in PPM): summing sources instead
made more history do worse.
"""

from dataclasses import dataclass
from math import exp

from spectra_local.protocol import Source
from spectra_local.speculation import evidence as ev
from spectra_local.speculation.calibration import BINS, HIGHEST
from spectra_local.speculation.core import ONE_TOKEN, NgramTable
from spectra_local.speculation.learned import Learned
from spectra_local.speculation.match import ANSWER, CONTEXT, FOREIGN, SOURCES, Pointer
from spectra_local.speculation.recent import Recent

BRANCH = 5  # children of a node at most
FROM_ECHO = 3  # tokens taken from the model's view one position earlier (as LogitSpec does)

LEAST_WHOLE = 2  # tokens of an answer from which a match with all of it means something
_NONE: set[int] = set()
BACK, AHEAD = 4, 24  # tokens around the end of the last copied piece within which an edit resumes

Level = tuple[int, float, dict[int, float]]  # first kind of the entry, its scale from weight to share step, weights


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

    ``pointers`` are to be read ``steps`` tokens beyond where they point; ``depth`` is that of the candidates, 0 the
    first layer; those clearly below ``least`` are left out.
    """
    votes, total, longest, foreign = _votes(pointers, steps)
    levels, tokens, retrieved = _levels(learned, key, least)
    echo = recent.echo if depth == 0 else {}
    wanted = dict.fromkeys(votes)
    wanted.update(dict.fromkeys(tokens))
    if echo:
        wanted.update(dict.fromkeys(list(echo)[:FROM_ECHO]))
    if not wanted:
        return []
    weights = learned.calibration.weights
    shared: list[tuple[list[int], float] | None] = [None] * ev.STANDS  # evidence that all of one stand have
    trust = learned.trust.kind(key & ONE_TOKEN)
    found: list[Candidate] = []
    for token in wanted:
        group = votes.get(token)
        if group is None:
            stand = (4 if longest >= ev.LONG_STAND else 3) if total else 0
            kinds = [ev.NO_MATCH + ev.LENGTH_BUCKET[longest]]
            source, group = Source.CORPUS if token in retrieved else Source.CORE, []
        else:
            best = max(group)
            length = min(best.length + steps, ev.LONGEST)
            stand = 2 if length >= ev.LONG_STAND else 1
            rivals = total + foreign if best.source in FOREIGN else total
            kinds = _match_kinds(best, length, len(group), rivals, length >= longest, recent)
            source = SOURCES[best.source]
        shift = stand * ev.STAND_SIZE
        for first, scale, known in levels:
            weight = known.get(token)
            kinds.append(first + shift + (ev.SHARES if weight is None else ev.SHARE_BUCKET[int(weight * scale)]))
        if depth == 0:
            weight = echo.get(token)
            kinds.append(ev.ECHO + (ev.SHARES if weight is None else ev.SHARE_BUCKET[int(weight * ev.SHARE_STEPS)]))
        common = shared[stand]
        if common is None:
            of_stand = _common_kinds(stand, recent, trust, depth)
            common = shared[stand] = of_stand, sum([weights[kind] for kind in of_stand])
        chance = 1.0 / (1.0 + exp(-common[1] - sum([weights[kind] for kind in kinds])))
        found.append(Candidate(chance, token, source, kinds + common[0], group, steps + 1))
    if len(found) > 1:
        found.sort(key=_chance, reverse=True)
        del found[BRANCH:]
    _share(found, learned.calibration.ratio)
    return found


def _votes(pointers: list[Pointer], steps: int) -> tuple[dict[int, list[Pointer]], int, int, int]:
    """Pointers by the token they say; how many say any, and the longest match, foreign ones aside; how many of those.

    Text from elsewhere speaks for its own tokens, never against others: it may have been made to mislead.
    """
    votes: dict[int, list[Pointer]] = {}
    total = longest = foreign = 0
    for pointer in pointers:
        length, source, tokens, at, _ = pointer
        at += steps
        token = tokens[at] if at < len(tokens) else pointer.token(steps)
        if token >= 0:
            if source in FOREIGN:
                foreign += 1
            else:
                total += 1
                if length + steps > longest:
                    longest = length + steps
            if token in votes:
                votes[token].append(pointer)
            else:
                votes[token] = [pointer]
    return votes, total, min(longest, ev.LONGEST), foreign


def _levels(learned: Learned, key: int, least: float) -> tuple[list[Level], list[int], set[int]]:
    """The dictionaries' entries for ``key``, longest context first, the tokens they propose, and which of them only
    those of corpora do."""
    levels: list[Level] = []
    tokens: list[int] = []
    _add_levels(learned.core, 0, key, least, levels, tokens)
    retrieved = learned.retrieved  # another thread may set it
    if retrieved is None:
        return levels, tokens, _NONE
    own = len(tokens)
    _add_levels(retrieved, ev.CORE_FAMILIES, key, least, levels, tokens)
    return levels, tokens, set(tokens[own:]).difference(tokens[:own])


def _add_levels(
    table: NgramTable, family_0: int, key: int, least: float, levels: list[Level], tokens: list[int]
) -> None:
    for family, entry in table.longest_first(key):
        seen, weights = entry.seen, entry.weights
        first = ev.LEVEL + (family_0 + family) * ev.FAMILY_SIZE + ev.SEEN_BUCKET[int(seen)] * ev.SHARES_SLOTS
        levels.append((first, ev.SHARE_STEPS / seen, weights))
        # A share is at most about doubled by other evidence; what cannot reach the least is not worth weighing.
        enough = 0.5 * (least - 0.02) * seen
        for token in entry.ranked():
            if weights[token] < enough:
                break
            tokens.append(token)


def _match_kinds(best: Pointer, length: int, votes: int, total: int, is_longest: bool, recent: Recent) -> list[int]:
    agree = (0 if total == 1 else 1) if votes >= total else (2 if 2 * votes > total else 3)
    source = best.source
    bucket = source * ev.LENGTHS + ev.LENGTH_BUCKET[length]
    rate = ev.RATE_BUCKET[int(recent.match[source] * ev.RATE_STEPS)]
    return [
        ev.MATCH + bucket * ev.VOTES + agree * 2 + is_longest,
        ev.RECENT + (source * ev.COARSE + ev.COARSE_LENGTH[length]) * ev.RATES + rate,
        ev.COPY + _copy(best, recent) * ev.COARSE + ev.COARSE_LENGTH[length],
    ]


def _copy(pointer: Pointer, recent: Recent) -> int:
    """What a match says about the copying so far: an answer that copies goes on, or comes back near where it left."""
    length, source, _, at, _ = pointer
    if length >= recent.answered >= LEAST_WHOLE:
        return ev.WHOLE
    if not recent.copied_to or source not in (CONTEXT, ANSWER):
        return ev.FIRST
    ahead = at - recent.copied_to
    if ahead == 0:
        return ev.ONWARD
    return ev.NEAR if -BACK <= ahead <= AHEAD else ev.ELSEWHERE


def _common_kinds(stand: int, recent: Recent, trust: int, depth: int) -> list[int]:
    bucket, steps = ev.RATE_BUCKET, ev.RATE_STEPS
    place = ev.RATES + ev.DEPTH_BUCKET[depth] if depth else bucket[int(recent.confidence * steps)]
    return [
        ev.PLACE + place + stand * ev.PLACES,
        ev.LUCK + bucket[int(recent.luck * steps)] + stand * ev.RATES,
        ev.FLOW + bucket[int(recent.flow * steps)] + stand * ev.RATES,
        ev.TRUST + trust + stand * ev.TRUST_SIZE,
        ev.POSITION + ev.DEPTH_BUCKET[min(ev.DEEPEST, recent.answered + depth)] + stand * ev.DEPTHS,
    ]


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
