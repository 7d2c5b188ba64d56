import random
from collections.abc import Sequence
from pathlib import Path

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from spectra_local.corpus.records import Corpus, Records
from spectra_local.history import index as index_module
from spectra_local.history.database import Database
from spectra_local.history.forgetting import Forget
from spectra_local.history.index import Index
from spectra_local.history.lookup import BY_MODEL, BY_USER, IMPORTED, LONG, RETRIEVED
from spectra_local.history.store import Store
from spectra_local.history.turn import Turn
from spectra_local.locations import segments_dir

VOCABULARY = 50_000


@pytest.fixture
def store(spectra_home: Path) -> Store:
    return Store(Database())


@pytest.fixture
def small_tail(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(index_module, "TAIL_TOKENS", 100)


def turn(tokens: Sequence[int], conversation: str = "c") -> Turn:
    return Turn(conversation, "user", "fp", "", tokens=np.array(tokens, np.int32), ts=1.0)


def text(seed: int, n: int = 300) -> list[int]:
    return random.Random(seed).choices(range(1000), k=n)


def indexed(store: Store, *, corpora: bool = False) -> Index:
    """Everything in segments, nothing in the tail."""
    first = Index(store, "fp", VOCABULARY, corpora=corpora)
    first.wait()
    first.close()
    return Index(store, "fp", VOCABULARY, corpora=corpora)


def read_on(index: Index, context: list[int], count: int = 20) -> list[int]:
    found = index.matches(context, 3)
    return list(index.following(found[0].position, count)) if found else []


def segment_files() -> list[Path]:
    return sorted(segments_dir().rglob("*.segment"))


@pytest.mark.usefixtures("small_tail")
def test_a_segment_reads_on_where_the_context_was_seen(store: Store) -> None:
    texts = [text(i) for i in range(5)]
    store.add([turn(t, str(i)) for i, t in enumerate(texts)])
    index = indexed(store)
    assert segment_files() and index.tail_tokens == 0
    for t in texts:
        best = index.matches(t[:100], 6)[0]
        assert best.length == 100
        assert index.following(best.position, 1000) == t[100:]


@pytest.mark.usefixtures("small_tail")
def test_places_that_differ_in_one_token_do_not_hide_the_one_that_agrees(store: Store) -> None:
    line, after = text(1, 20), text(2, 20)
    store.add([turn(line + after, "it")])
    for at in (-1, -2, -4):
        rest = line[len(line) + at + 1 :]
        store.add([turn([*line[:at], 2000 + i, *rest, *text(9 + i)], f"{at} {i}") for i in range(30)])
    for tokens in (line, line[-5:]):
        assert read_on(indexed(store), tokens) == after


def test_turns_of_one_conversation_are_one_record(store: Store) -> None:
    a, b = text(1, 50), text(2, 50)
    index = Index(store, "fp", VOCABULARY)
    one, two = turn(a), turn(b)
    ids = store.add([one, two])
    index.add(store.turns(after=ids[0] - 1))
    assert read_on(index, a) == b[:20]


@settings(max_examples=25, deadline=None)
@given(st.lists(st.lists(st.integers(0, 6), min_size=1, max_size=60), min_size=1, max_size=6), st.integers(0, 1 << 30))
def test_segments_find_what_a_plain_search_finds(texts: list[list[int]], seed: int) -> None:
    store = Store(Database())
    store.forget(Forget(everything=True))
    store.add([turn(t, str(i)) for i, t in enumerate(texts)])
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(index_module, "TAIL_TOKENS", 1)
        index = indexed(store)
    chosen = random.Random(seed).choice(texts)
    context = chosen[: random.Random(seed).randrange(len(chosen)) + 1]
    longest = 0
    for t in texts:
        for at in range(1, len(t)):
            n = 0
            while n < min(at, len(context)) and t[at - n - 1] == context[-n - 1]:
                n += 1
            longest = max(longest, n)
    found = index.matches(context, 6)
    assert all(index.following(m.position, 1) for m in found)
    if longest >= 16 or (longest >= 4 and sum(map(len, texts)) < 9):
        assert found[0].length >= 16 or found[0].length == longest
    assert all(m.length <= longest for m in found)
    index.close()
    store.database.close()


@pytest.mark.usefixtures("small_tail")
def test_segments_merge_and_stay_few(store: Store) -> None:
    index = Index(store, "fp", VOCABULARY)
    for i in range(40):
        ids = store.add([turn(text(i, 60), str(i))])
        index.add(store.turns(after=ids[0] - 1))
        index.wait()
        index.refresh()
    assert 1 <= len(segment_files()) <= 8
    for i in range(40):
        assert read_on(index, text(i, 60)[:30]) == text(i, 60)[30:50]


@pytest.mark.usefixtures("small_tail")
@pytest.mark.parametrize("seed", range(15))
def test_a_flipped_bit_never_gives_what_no_vocabulary_holds(store: Store, seed: int) -> None:
    store.add([turn(text(1, 500))])
    indexed(store).close()
    (path,) = segment_files()
    content = bytearray(path.read_bytes())
    at = random.Random(seed).randrange(len(content) * 8)
    content[at // 8] ^= 1 << at % 8
    path.write_bytes(content)
    index = Index(store, "fp", VOCABULARY)
    for end in range(20, 480, 20):
        for match in index.matches(text(1, 500)[:end], 6):
            assert all(0 <= t < VOCABULARY for t in index.following(match.position, 160))
    index.close()


@pytest.mark.usefixtures("small_tail")
def test_a_missing_or_damaged_segment_is_made_again(store: Store) -> None:
    store.add([turn(text(1))])
    indexed(store).close()
    (path,) = segment_files()
    path.write_bytes(b"nonsense")
    index = indexed(store)
    assert segment_files() and read_on(index, text(1)[:40]) == text(1)[40:60]


@pytest.mark.usefixtures("small_tail")
def test_forgotten_turns_are_not_read_on_from(store: Store) -> None:
    store.add([turn(text(1), "secret"), turn(text(2), "kept")])
    index = indexed(store)
    other = Store(Database())
    other.forget(Forget(conversation="secret"))
    assert not segment_files()
    assert index.refresh()
    index.wait()
    index.refresh()
    assert read_on(index, text(1)[:40]) == []
    assert read_on(index, text(2)[:40]) == text(2)[40:60]


def test_what_another_program_committed_is_found(store: Store) -> None:
    index = Index(store, "fp", VOCABULARY)
    Store(Database()).add([turn(text(3))])
    assert read_on(index, text(3)[:40]) == []
    index.refresh()
    assert read_on(index, text(3)[:40]) == text(3)[40:60]


@pytest.mark.usefixtures("small_tail")
def test_much_that_another_program_imported_is_left_to_the_builder(store: Store) -> None:
    index = Index(store, "fp", VOCABULARY)
    Store(Database()).import_layer("team", [turn(text(i), str(i)) for i in range(10)])
    index.refresh()
    assert index.tail_tokens < 1000
    index.wait()
    index.refresh()
    assert all(read_on(index, text(i)[:40]) == text(i)[40:60] for i in range(10))


def test_a_switched_off_layer_is_not_read_on_from(store: Store) -> None:
    store.import_layer("team", [turn(text(4))])
    index = Index(store, "fp", VOCABULARY)
    assert read_on(index, text(4)[:40])
    Store(Database()).switch_layer("team", False)
    index.refresh()
    assert not read_on(index, text(4)[:40])


@pytest.mark.parametrize("tail_tokens", [100, 10_000])
def test_matches_say_who_wrote_what_follows(store: Store, monkeypatch: pytest.MonkeyPatch, tail_tokens: int) -> None:
    monkeypatch.setattr(index_module, "TAIL_TOKENS", tail_tokens)
    asked, answered, given = text(5, 60), text(6, 60), text(7, 60)
    store.add([turn(asked), Turn("c", "model", "fp", "", tokens=np.array(answered, np.int32), ts=1.0)])
    store.import_layer("team", [turn(given)])
    index = indexed(store)
    assert [index.matches(context[:30], 1)[0].origin for context in (asked, answered, given)] == [
        BY_USER,
        BY_MODEL,
        IMPORTED,
    ]
    assert index.matches(asked, 1)[0].origin == BY_MODEL  # the answer follows
    index.close()


@pytest.mark.parametrize("tail_tokens", [100, 10_000])
def test_matches_that_reach_back_to_a_beginning_are_whole(
    store: Store, monkeypatch: pytest.MonkeyPatch, tail_tokens: int
) -> None:
    monkeypatch.setattr(index_module, "TAIL_TOKENS", tail_tokens)
    texts = [text(seed, 150) for seed in (1, 2)]
    store.add([turn(t, str(i)) for i, t in enumerate(texts)])
    index = indexed(store)
    assert bool(segment_files()) == (tail_tokens == 100)
    for t in texts:
        of_record, of_context, neither = [1001, *t[:40]], t[20:60], [1001, *t[20:60]]
        assert [index.matches(c, 1)[0].whole for c in (t[:40], of_record, of_context, neither)] == [1, 1, 1, 0]
    index.close()


@pytest.mark.parametrize("tail_tokens", [100, 10_000])
def test_corpora_are_apart_and_found_by_long_matches_alone(
    store: Store, monkeypatch: pytest.MonkeyPatch, tail_tokens: int
) -> None:
    monkeypatch.setattr(index_module, "TAIL_TOKENS", tail_tokens)
    given = text(8)
    records = Records(store)
    records.begin(Corpus("docs", (), 1.0, 1000, model="a model", scorer="scorer"))
    records.add([Turn("docs/1", "user", "fp", "", tokens=np.array(given, np.int32), ts=1.0, layer="docs")])
    index, said = indexed(store, corpora=True), indexed(store)
    assert bool(segment_files()) == (tail_tokens < len(given))
    found = [at for at in range(LONG, len(given)) if index.matches(given[:at], 3)]
    assert len(found) > len(given) / 30 and max(np.diff(found)) < 60
    for at in found:
        assert [(m.length, m.origin) for m in index.matches(given[:at], 3)] == [(at, RETRIEVED)]
        assert [m.length for m in index.matches([1001, *given[at - LONG : at]], 3)] == [LONG]
        assert not index.matches([1001, *given[at - LONG + 1 : at]], 3)
        assert not said.matches(given[:at], 3)
    for each in (index, said):
        each.close()
