"""What a drafter is: the draft tree, the model's view that comes back, and the verbs between them.

Works on token ids. Knows nothing of models, of text, or of how any drafter guesses; the decoder, the replay and
the rivals all meet here.
"""

from collections.abc import Sequence
from dataclasses import KW_ONLY, dataclass, field
from typing import NamedTuple, Protocol

ROOT = -1  # parent of the nodes that follow the last token of the context


@dataclass(slots=True)
class DraftTree:
    """Guessed continuations of the context as one tree; parents stand before their children.

    The first ``size`` nodes are to be verified. What follows them was judged too dear, and is kept only so that a
    drafter can see afterwards what would have come true.
    """

    tokens: list[int] = field(default_factory=list)  # token id of each node
    parents: list[int] = field(default_factory=list)  # index of each node's parent, ROOT at the first layer
    sources: list[str] = field(default_factory=list)  # what guessed each node, e.g. "context", "core", "history"
    size: int = 0  # leading nodes to verify; 0: no draft
    _: KW_ONLY
    blind: bool = False  # whether the drafter has no use for the model's view of this step

    def add(self, token: int, parent: int, source: str) -> int:
        """Appends a node and returns its index. ``parent`` must be ROOT or the index of an earlier node."""
        self.tokens.append(token)
        self.parents.append(parent)
        self.sources.append(source)
        return len(self.tokens) - 1

    def accepted_nodes(self, accepted: Sequence[int]) -> list[int]:
        """Indices of the verified nodes along ``accepted``, the tokens the model chose; may be empty."""
        child = {(self.parents[i], self.tokens[i]): i for i in range(self.size)}
        path: list[int] = []
        at = ROOT
        for token in accepted:
            following = child.get((at, token))
            if following is None:
                break
            path.append(following)
            at = following
        return path


class TopK(NamedTuple):
    """The model's own view of what follows one evaluated position.

    ``ids`` are best first; ``weights`` are probabilities normalised among themselves.
    """

    ids: Sequence[int]
    weights: Sequence[float]


class Drafter(Protocol):
    """Guesses what comes next and learns from what did. One request at a time, from one thread.

    ``begin``, then ``propose`` and ``learn`` in turns, then ``end``.
    """

    def begin(self, prompt: Sequence[int], prediction: Sequence[int] = ()) -> None:
        """Starts a request: all state of the one before it is dropped, what was learned across requests stays.

        ``prediction`` holds tokens that the caller expects as the answer; a drafter may ignore it.
        """
        ...

    def propose(self, budget: int) -> DraftTree:
        """Guesses after everything seen so far. At most ``budget`` nodes are to be verified."""
        ...

    def learn(self, accepted: Sequence[int], top: Sequence[TopK]) -> None:
        """Takes the outcome of the last proposal.

        ``accepted`` is the drafted path that the model chose plus its own next token (so never empty); ``top``
        holds the model's view along that path, ``top[i]`` being where ``accepted[i]`` was chosen, nothing after a
        ``blind`` tree.
        """
        ...

    def end(self) -> None:
        """Ends the request, whole or cancelled. No effect where none runs."""
        ...
