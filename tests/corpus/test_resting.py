import queue
from collections.abc import Iterator, Sequence

import numpy as np
import pytest
from fakes.waiting import wait_until
from numpy.typing import NDArray

from spectra_local.corpus.resting import GO_ON, REST, Resting
from spectra_local.llama.context import DecodeAbortedError


class Passes:
    """A scorer whose pass is aborted while the flag is up."""

    most_tokens = 8

    def __init__(self) -> None:
        self.is_set = False
        self.tried = 0

    def set(self) -> None:
        self.is_set = True

    def clear(self) -> None:
        self.is_set = False

    def fits(self, lengths: Sequence[int]) -> bool:
        return sum(lengths) <= 8

    def of(self, texts: Sequence[Sequence[int]]) -> list[NDArray[np.float32]]:
        self.tried += 1
        if self.is_set:
            raise DecodeAbortedError
        return [np.zeros(len(text), np.float32) for text in texts]


def lines_of(told: "queue.SimpleQueue[str | None]") -> Iterator[str]:
    while (line := told.get()) is not None:
        yield f"{line}\n"


def test_it_rests_goes_on_and_ends_as_it_is_told() -> None:
    told: queue.SimpleQueue[str | None] = queue.SimpleQueue()
    passes = Passes()
    resting = Resting(passes, passes, lines_of(told))
    assert len(resting.of([[1, 2]])) == 1
    told.put(REST)
    wait_until(lambda: passes.is_set)
    tried = passes.tried
    told.put(GO_ON)
    assert len(resting.of([[1, 2]])) == 1  # waits for the second line, and then works
    assert passes.tried == tried + 1
    told.put(None)
    wait_until(lambda: passes.is_set)
    with pytest.raises(DecodeAbortedError):
        resting.of([[1, 2]])
    assert passes.tried <= tried + 2
