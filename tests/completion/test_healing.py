"""Token healing on a vocabulary of a few pieces, with logits that a test chooses."""

from collections.abc import Iterator, Sequence
from types import SimpleNamespace
from typing import Any

import numpy as np
import pytest

from spectra_local.completion.healing import Healing

PIECES = ["", "x", " clos", "est", " closest", " c", "los", "e", " other"]


class Context:
    """Its logits are the test's; it remembers what was prefilled."""

    def __init__(self, *rows: dict[str, float]) -> None:
        self.model = SimpleNamespace(piece=lambda token: PIECES[token].encode())
        self._rows = list(rows)
        self.prefilled: list[list[int]] = []

    def prefill(self, tokens: Sequence[int]) -> Iterator[tuple[int, int, int]]:
        self.prefilled.append(list(tokens))
        yield 0, len(tokens), len(tokens)

    def logits(self, row: int = 0) -> Any:
        row = self._rows[len(self.prefilled) - 1]  # type: ignore[assignment]
        return np.array([row.get(piece, -9.0) for piece in PIECES], np.float32)  # type: ignore[attr-defined]


def ids(*pieces: str) -> list[int]:
    return [PIECES.index(piece) for piece in pieces]


def healed(context: Context, *prompt: str) -> tuple[list[str], bytes]:
    healing = Healing(context, ids(*prompt))  # type: ignore[arg-type]
    list(healing.run())
    return [PIECES[token] for token in healing.prompt], healing.surplus


def test_the_word_is_ended_by_the_likeliest_token_that_begins_with_what_was_typed() -> None:
    context = Context({" other": 5.0, " closest": 2.0, " clos": 1.0})
    assert healed(context, "x", " clos") == (["x", " closest"], b"est")


def test_what_was_typed_may_be_spelt_by_several_tokens() -> None:
    context = Context({" c": 2.0, " closest": 1.0}, {"e": 3.0, "los": 2.0})
    assert healed(context, "x", " clos") == (["x", " c", "los"], b"")
    assert context.prefilled == [ids("x"), ids("x", " c")]


@pytest.mark.parametrize("prompt", [("x",), ("x", "")])
def test_where_nothing_can_be_taken_back_the_prompt_stays(prompt: tuple[str, ...]) -> None:
    assert healed(Context(), *prompt) == (list(prompt), b"")
