"""Draft trees of simple shapes: one chain, or several continuations merged where they begin alike."""

from collections.abc import Iterable, Sequence

from spectra_local.speculation.interface import ROOT, DraftTree


def chain(tokens: Sequence[int], source: str, budget: int) -> DraftTree:
    """The first ``budget`` of ``tokens``, each the child of the one before."""
    tree = DraftTree()
    for i, token in enumerate(tokens[:budget]):
        tree.add(token, i - 1 if i else ROOT, source)
    tree.size = len(tree.tokens)
    return tree


def merged(continuations: Iterable[Sequence[int]], source: str, budget: int) -> DraftTree:
    """One tree of all ``continuations``, common beginnings once, at most ``budget`` nodes."""
    tree = DraftTree()
    node_of: dict[tuple[int, int], int] = {}  # (parent, token) -> node
    for continuation in continuations:
        at = ROOT
        for token in continuation:
            following = node_of.get((at, token))
            if following is None:
                if len(tree.tokens) >= budget:
                    break
                following = node_of[at, token] = tree.add(token, at, source)
            at = following
    tree.size = len(tree.tokens)
    return tree
