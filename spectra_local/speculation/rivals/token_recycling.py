"""Token Recycling: a matrix of the model's last best successors of every token, unrolled into a static tree."""

from collections.abc import Sequence

from spectra_local.speculation.interface import ROOT, DraftTree, TopK

SUCCESSORS = 8  # kept for a token
# The paper's static tree (its template "2.2.2"): for each node of a layer, in order, how many children it has; what a
# row leaves out has none. 80 nodes below the root, 6 layers.
STATIC_TREE = (
    (8,),
    (8, 4, 3, 2, 1, 1, 1, 1),
    (8, 3, 2, 1, 1, 1, 1, 1, 2, 1, 0, 0, 1, 0, 0, 1, 0, 1, 1),
    (5, 2, 1, 1, 1, 0, 0, 0, 1, 0, 0, 1, 0, 0, 0, 0, 0, 0, 1, 0, 0, 1, 1),
    (3, 1, 1, 0, 0, 1, 0, 0, 0, 0, 1, 0, 1),
    (2, 0, 0, 1),
)


class TokenRecycling:
    """Luo et al., "Turning Trash into Treasure: Accelerating Inference of LLMs with Token Recycling" (ACL 2025).

    A row is overwritten by the model's best 8 wherever its token was evaluated; the rows outlive the request, as in
    the paper. The decoder shows the model's view along the accepted path only, so rejected nodes, whose rows the
    paper overwrites too, teach nothing here, and of a sure prediction fewer than 8 successors are known: expect fewer
    accepted tokens a step than published (2.7; replays of recorded runs give 1.3, and 1.7 the second time). Rows never
    seen are left out of the tree where the paper drafts token 0: less to verify, the same accepted.
    """

    name = "token_recycling"

    def __init__(self) -> None:
        self._rows: dict[int, Sequence[int]] = {}  # token -> its last best successors, best first
        self._last = -1

    def begin(self, prompt: Sequence[int], prediction: Sequence[int] = ()) -> None:
        """Starts a request; see Drafter."""
        self._last = prompt[-1] if prompt else -1

    def propose(self, budget: int) -> DraftTree:
        """Guesses; see Drafter."""
        tree = DraftTree()
        layer: list[tuple[int, int] | None] = [(ROOT, self._last)]  # (node, token), None for a missing one
        for widths in STATIC_TREE:
            below: list[tuple[int, int] | None] = []
            for width, parent in zip(widths, layer, strict=False):
                row = self._rows.get(parent[1], ()) if parent else ()
                for rank in range(width):
                    known = parent is not None and rank < len(row) and len(tree.tokens) < budget
                    below.append((tree.add(row[rank], parent[0], self.name), row[rank]) if parent and known else None)
            layer = below
        tree.size = len(tree.tokens)
        return tree

    def learn(self, accepted: Sequence[int], top: Sequence[TopK]) -> None:
        """Learns; see Drafter."""
        evaluated = [self._last, *accepted]  # accepted[i] was chosen after evaluated[i]
        for token, view in zip(evaluated, top, strict=False):
            self._rows[token] = list(view.ids[:SUCCESSORS])
        self._last = accepted[-1]

    def end(self) -> None:
        """Ends the request; see Drafter."""
