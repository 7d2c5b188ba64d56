import random
import threading
from collections.abc import Callable, Iterable, Iterator
from pathlib import Path

import numpy as np
import pytest

from spectra_local.speculation import retrieval
from spectra_local.speculation.core import MOST_SEEN, NgramTable
from spectra_local.speculation.match import TOKEN_BITS
from spectra_local.speculation.retrieval import Retrieval, Tokens, count


def packed(*tokens: int) -> int:
    key = 0
    for token in tokens:
        key = key << TOKEN_BITS | token
    return key


def followers(text: list[int], context: tuple[int, ...]) -> dict[int, float]:
    n = len(context)
    found: dict[int, float] = {}
    for i in range(len(text) - n):
        if tuple(text[i : i + n]) == context:
            found[text[i + n]] = found.get(text[i + n], 0) + 1
    return found


def test_every_context_has_what_followed_it() -> None:
    text = random.Random(1).choices(range(6), k=300)
    table = count([text])
    for context in {tuple(text[i : i + 3]) for i in range(200)}:
        entry = table.three[packed(*context)]
        assert entry.weights == followers(text, context)
        assert entry.seen == sum(entry.weights.values())


def test_no_context_reaches_from_one_text_into_another() -> None:
    table = count([[1, 2], [3, 4]])
    assert packed(2) not in table.one
    assert set(table.two) == set(table.three) == set()


def test_nothing_is_counted_from_nothing() -> None:
    assert not count([]).one
    assert not count([[], [5]]).one


def test_frequent_contexts_stay_and_are_halved_like_those_of_core(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(retrieval, "MOST_CONTEXTS", 2)
    table = count([[1, 2] * 100 + list(range(10, 40))])
    assert set(table.one) == {1, 2}
    assert table.one[1].seen == MOST_SEEN
    assert table.one[1].weights == {2: MOST_SEEN}


def test_counting_in_shares_gives_the_same(monkeypatch: pytest.MonkeyPatch) -> None:
    text = random.Random(2).choices(range(50), k=2000)
    whole = count([text])
    monkeypatch.setattr(retrieval, "AT_ONCE", 150)
    shared = count([text])
    for level in ("one", "two", "three"):
        ours = {key: (e.seen, e.weights) for key, e in getattr(shared, level).items()}
        assert ours == {key: (e.seen, e.weights) for key, e in getattr(whole, level).items()}


def texts() -> Iterator[Tokens]:
    yield np.array([1, 2, 3, 4], np.int32)


def no_texts() -> Iterable[Tokens]:
    return pytest.fail("they were counted again")


class Used:
    """What a drafter would hold."""

    def __init__(self, folder: Path) -> None:
        self.table: NgramTable | None = None
        self.retrieval = Retrieval(folder, 100, self.use)

    def use(self, table: NgramTable | None) -> None:
        self.table = table

    def after(self, version: str, texts: Callable[[], Iterable[Tokens]]) -> NgramTable | None:
        self.retrieval.follow(lambda: version, texts)
        self.retrieval.wait()
        return self.table


def test_dictionaries_are_counted_once_and_then_read(tmp_path: Path) -> None:
    for used, source in ((first := Used(tmp_path), texts), (first, no_texts), (Used(tmp_path), no_texts)):
        table = used.after("v1", source)
        assert table
        assert table.three[packed(1, 2, 3)].weights == {4: 1.0}


def test_other_texts_are_counted_anew_and_the_old_file_goes(tmp_path: Path) -> None:
    used = Used(tmp_path)
    assert used.after("v1", texts)
    assert used.after("v2", texts)
    assert len(list(tmp_path.iterdir())) == 1
    assert used.after("", no_texts) is None


def test_a_damaged_file_is_made_again(tmp_path: Path) -> None:
    Used(tmp_path).after("v1", texts)
    (path,) = tmp_path.iterdir()
    path.write_bytes(path.read_bytes()[:-3])
    assert Used(tmp_path).after("v1", texts)
    assert Used(tmp_path).after("v1", no_texts)


def test_texts_that_cannot_be_read_leave_no_dictionaries_and_no_thread(tmp_path: Path) -> None:
    def broken() -> Iterator[Tokens]:
        raise OSError("the disk is gone")

    assert Used(tmp_path).after("v1", broken) is None
    assert not [thread for thread in threading.enumerate() if thread.name == "retrieval"]


def test_what_is_forgotten_is_neither_used_nor_written(tmp_path: Path) -> None:
    used = Used(tmp_path)
    versions = iter(["v1", "v2"])
    used.retrieval.follow(lambda: next(versions), texts)
    used.retrieval.wait()
    assert used.table is None
    assert not list(tmp_path.iterdir())
    assert used.after("v2", texts)
    used.retrieval.forget()
    assert used.table is None


def test_without_a_place_to_keep_them_there_are_none(tmp_path: Path) -> None:
    retrieval = Retrieval(tmp_path, 0, lambda table: pytest.fail("used"))
    retrieval.follow(lambda: "v1", no_texts)
