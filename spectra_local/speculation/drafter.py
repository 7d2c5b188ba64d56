"""SPECTRA: one drafter that merges match pointers and the model's own N-grams into one priced tree.

Works on token ids. Knows nothing of models or of how a tree is verified. The idea of N-gram drafts from the model's
own distribution is SPECTRA's (ACL 2025, 10.18653/v1/2025.acl-long.685); drafting by match length is SuffixDecoding's.
"""

import time
from collections.abc import Collection, Iterable, Sequence

from spectra_local.history.lookup import History
from spectra_local.speculation.bankroll import Bankroll
from spectra_local.speculation.calibration import Calibration
from spectra_local.speculation.core import ONE_TOKEN, THREE_TOKENS, NgramTable
from spectra_local.speculation.cost import CostCurve
from spectra_local.speculation.cursor import HistoryCursor, PredictionCursor
from spectra_local.speculation.interface import ROOT, DraftTree, TopK
from spectra_local.speculation.learned import Learned
from spectra_local.speculation.match import TOKEN_BITS, ContextMatcher, Pointer, without_outdone_foreign
from spectra_local.speculation.pace import Pace
from spectra_local.speculation.recent import Recent
from spectra_local.speculation.sizing import best_size
from spectra_local.speculation.tree import TreeGrower

MOST_KNOWN = 8  # tokens of an accepted sure slice that CORE still learns from: the rest is text it has seen
WAKING = 6  # tokens of match with the context that end a rest: half of such matches go on for as many again
# A guess that a few tokens of a corpus speak for pays where passes are wide for little. Replays beside another part
# of the same project: 1.04 where a further token costs 0.08 of a decode; 0.99 where it costs 0.5, and 1.00 without.
CHEAP, CHEAP_WIDTH = 0.3, 4


class SpectraDrafter:
    """Drafts from the context, from histories, from CORE's dictionaries and from a caller's prediction.

    ``core``, ``calibration`` and what is known of single tokens live on over requests; all else is the request's own.
    ``ends`` are the tokens that end an answer: nothing is drafted beyond them, so pass the vocabulary's.
    """

    name = "spectra"

    def __init__(
        self,
        cost: CostCurve,
        histories: Iterable[History] = (),
        core: NgramTable | None = None,
        calibration: Calibration | None = None,
        ends: Collection[int] = (),
    ) -> None:
        self.cost = cost
        self.histories = list(histories)
        self.core = core or NgramTable()
        self.calibration = calibration or Calibration.shipped()
        self.ends = frozenset(ends)
        self._learned = Learned(self.calibration, self.core)
        self._pace = Pace()
        self.begin(())

    def begin(self, prompt: Sequence[int], prediction: Sequence[int] = ()) -> None:
        """Starts a request; see Drafter."""
        self._context = ContextMatcher()
        self._prompt_n = len(prompt)
        self._key = 0
        for token in prompt:
            self._push(token)
        self._context.copied_to = 0  # what the prompt repeats of itself is no copying
        self._cursors = [HistoryCursor(history, len(prompt)) for history in self.histories]
        self._prediction = PredictionCursor(prediction) if prediction else None
        self._recent = Recent()
        self._bankroll = Bankroll()
        self._pace.begin()
        self._new_draft()

    def forget_core(self) -> None:
        """Starts CORE's dictionaries anew, because text they rest on was deleted."""
        self.core = NgramTable()
        self._learned = Learned(self.calibration, self.core)
        self._new_draft()

    @property
    def takes_dictionaries(self) -> bool:
        """Whether the dictionaries of corpora can pay on this device."""
        width = min(CHEAP_WIDTH, self.cost.max_width)
        return self.cost.relative[width] - 1.0 <= CHEAP * (width - 1)

    def retrieve_from(self, table: NgramTable | None) -> None:
        """Drafts from the dictionaries of corpora too, where they can pay; None: no more. From any thread."""
        self._learned.retrieved = table if self.takes_dictionaries else None

    def propose(self, budget: int) -> DraftTree:
        """Guesses; see Drafter. The tree goes on beyond its ``size`` as far as was looked."""
        started = time.perf_counter()
        self._new_draft()
        budget = min(budget, self.cost.max_width - 1)
        if self._pace.resting and self._context.longest >= WAKING:
            self._pace.wake()
        if budget > 0 and not self._pace.resting:
            self._pointers += self._find_pointers()
            self._recent.copied_to = self._context.copied_to
            self._draft.grow(self._key, self._pointers, budget)
            self._choose_size()
        self._draft.tree.blind = self._pace.resting
        self._drafting_s = time.perf_counter() - started
        return self._draft.tree

    def _choose_size(self) -> None:
        draft = self._draft
        draft.tree.size, wanted = best_size(draft.chances, self.cost, self._bankroll.at_risk)
        if draft.tree.size < wanted:
            self._bankroll.withhold(draft.child, wanted, self.cost.relative[1 + wanted])

    def learn(self, accepted: Sequence[int], top: Sequence[TopK]) -> None:
        """Learns; see Drafter."""
        started = time.perf_counter()
        resting, gain = self._pace.resting, len(accepted) - self.cost.relative[1 + self._draft.tree.size]
        self._learn(accepted, top)
        if resting:
            self._pace.rested()
        else:
            taken = self._drafting_s + time.perf_counter() - started
            self._pace.settle(gain, taken / self.cost.one_s)

    def _learn(self, accepted: Sequence[int], top: Sequence[TopK]) -> None:
        self._bankroll.settle(accepted, self.cost.relative[1 + self._draft.tree.size])
        known = self._observe(accepted)
        for i, token in enumerate(accepted):
            if i < len(top) and (i < MOST_KNOWN or i >= known):
                self.core.add(self._key, top[i].ids, top[i].weights)
            self._push(token)
        for cursor in self._cursors:
            cursor.advance(accepted)
        if self._prediction:
            self._prediction.advance(accepted)
        self._recent.add_accepted(accepted, top)
        self._new_draft()

    def end(self) -> None:
        """Ends the request; see Drafter."""
        self._new_draft()

    def _new_draft(self) -> None:
        self._draft = TreeGrower(self._learned, self._recent, self.cost, self.ends)
        self._pointers: list[Pointer] = []

    def _push(self, token: int) -> None:
        self._context.push(token)
        self._key = (self._key << TOKEN_BITS | token) & THREE_TOKENS

    def _find_pointers(self) -> list[Pointer]:
        found = self._context.pointers(self._prompt_n)
        for cursor in self._cursors:
            found += cursor.pointers(self._context.tokens, found)
        if self._prediction:
            found = self._prediction.put_first(found, len(self._context.tokens) - self._prompt_n)
        return without_outdone_foreign(found)

    def _observe(self, accepted: Sequence[int]) -> int:
        """Learns from every weighed position on the true path. Returns how many tokens sure slices reached."""
        if self._pointers:
            longest = max(self._pointers)
            self._recent.add_match(longest.source, longest.run(0, len(accepted)), accepted)
        draft, known = self._draft, 0
        sure: dict[int, list[int]] = {}
        at: int | None = ROOT
        last = self._key & ONE_TOKEN
        for k, token in enumerate(accepted):
            candidates = draft.weighed.get(at) if at is not None else None
            if not candidates:
                break
            hit = candidates[0].token == token
            kind = candidates[0].kinds[0]
            if kind < 0:
                tally = sure.setdefault(~kind, [0, 0])
                tally[0] += hit
                tally[1] += 1
                known = k + 1
            else:
                self._recent.add_guess(hit)
                for rank, candidate in enumerate(candidates):
                    self.calibration.observe(candidate.kinds, rank, candidate.token == token)
            self._learned.trust.observe(last, hit)
            last = token
            at = draft.child(at, token) if at is not None else None
        for kind, (hits, tries) in sure.items():
            self.calibration.observe_sure(kind, hits, tries)
        return known
