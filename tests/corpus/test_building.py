"""From scored chunks to a corpus, with a source and a judge that are made up."""

from collections.abc import Iterator, Sequence
from contextlib import closing
from pathlib import Path

import numpy as np
import pytest
from numpy.typing import NDArray

from spectra_local.corpus.building import Building
from spectra_local.corpus.documents import Answers, Document, Files
from spectra_local.corpus.files import Skip
from spectra_local.corpus.records import Corpus, Records
from spectra_local.errors import SpectraError
from spectra_local.history.database import Database
from spectra_local.history.forgetting import Forget
from spectra_local.history.store import Store
from spectra_local.history.turn import TOKEN, Turn

EASY = "the quick brown fox jumps over the lazy dog, and one two three four five six seven eight nine ten.\n" * 2


class Texts:
    """Some made texts as a source; letters are tokens."""

    withholds_secrets = False

    def __init__(self, n: int) -> None:
        rng = np.random.default_rng(3)
        self.tokens = [rng.integers(100, size=100).tolist() for _ in range(n)]

    def documents(self, skip: Skip) -> Iterator[Document]:
        for number, tokens in enumerate(self.tokens):
            yield Document(str(number), tokens, [(0, 100)], 1.0)


class Letters:
    """A vocabulary for them."""

    def tokenize(self, text: str) -> list[int]:
        return list(map(ord, text))

    def piece(self, token: int) -> bytes:
        return chr(token).encode()

    def text(self, tokens: Sequence[int]) -> str:
        return "".join(map(chr, tokens))


class Judge:
    """Finds the text whose first token is smaller easier; can be pulled the plug."""

    most_tokens = 512

    def __init__(self, passes: int = 1 << 30) -> None:
        self.left = passes

    def fits(self, lengths: Sequence[int]) -> bool:
        return len(lengths) == 1

    def of(self, texts: Sequence[Sequence[int]]) -> list[NDArray[np.float32]]:
        if not self.left:
            raise KeyboardInterrupt
        self.left -= 1
        return [np.full(len(text), text[0] / 100 + 0.1, np.float32) for text in texts]


@pytest.fixture
def records(spectra_home: Path) -> Iterator[Records]:
    with closing(Database()) as database:
        yield Records(Store(database))


def begun(records: Records, **given: object) -> Corpus:
    settings: dict[str, object] = {"keep": 0.5, "max_tokens": 10_000} | given
    return records.begin(Corpus("made", (Path("/made"),), model="Judge", scorer="judge", **settings))  # type: ignore[arg-type]


def test_an_interruption_costs_no_pass_that_was_made(records: Records) -> None:
    building = Building(corpus := begun(records), records, Texts(20), Letters())
    building.survey(lambda path, reason: None)
    with pytest.raises(KeyboardInterrupt):
        building.score(Judge(7))
    assert len(records.unscored(corpus)) == 13
    building.survey(lambda path, reason: None)
    judge = Judge(13)
    building.score(judge)
    assert (judge.left, records.unscored(corpus)) == (0, {})


@pytest.mark.parametrize(("given", "kept"), [({}, 10), ({"keep": 0.2}, 4), ({"max_tokens": 960}, 9)])
def test_the_easiest_are_kept_up_to_the_share_and_the_cap(
    records: Records, given: dict[str, object], kept: int
) -> None:
    source = Texts(20)
    building = Building(corpus := begun(records, **given), records, source, Letters())
    building.survey(lambda path, reason: None)
    building.score(Judge())
    assert building.keep("letters") == kept
    firsts = sorted(tokens[0] for tokens in source.tokens)
    found = [turn.tokens[0] for turn in records.store.turns(corpora=True)]
    assert sorted(found) == firsts[:kept]
    assert records.chunks(corpus).n_kept == kept


@pytest.mark.parametrize(("given", "n_read", "kept"), [({"keep": 1.0}, 4, 3), ({"keep": 0.5}, 7, 3)])
def test_no_more_is_read_than_a_small_corpus_needs(
    records: Records, given: dict[str, object], n_read: int, kept: int
) -> None:
    read = 0

    class Counted(Texts):
        def documents(self, skip: Skip) -> Iterator[Document]:
            nonlocal read
            read = 0
            for document in super().documents(skip):
                read += 1
                yield document

    building = Building(corpus := begun(records, max_tokens=350, **given), records, Counted(50), Letters())
    assert building.survey(lambda path, reason: None)["documents"] == read == n_read
    building.score(Judge())
    assert read <= n_read + 1
    assert (building.keep("letters"), records.unscored(corpus)) == (kept, {})
    assert read <= n_read + 1


def test_a_write_that_was_cut_off_is_done_again_whole(records: Records, monkeypatch: pytest.MonkeyPatch) -> None:
    building = Building(corpus := begun(records, keep=1.0), records, Texts(20), Letters())
    building.survey(lambda path, reason: None)
    building.score(Judge())
    monkeypatch.setattr(Records, "finish", lambda self, corpus: (_ for _ in ()).throw(KeyboardInterrupt))
    with pytest.raises(KeyboardInterrupt):
        building.keep("letters")
    monkeypatch.undo()
    assert records.all()[0].finished is None
    assert records.store.corpora_version() == ""
    assert building.keep("letters") == 20
    assert len(list(records.store.turns(corpora=True))) == 20
    assert records.named("made") and corpus.id == records.all()[0].id


def test_text_that_was_forgotten_is_missed_and_written_again_without_scoring(records: Records) -> None:
    corpus = begun(records, keep=1.0)
    building = Building(corpus, records, source := Texts(4), Letters())
    building.survey(lambda path, reason: None)
    building.score(Judge())
    building.keep("letters")
    assert (records.is_whole(corpus), records.chunks(corpus).missing_tokens) == (True, 0)
    records.store.forget(Forget(containing=Letters().text(source.tokens[2])))
    chunks = records.chunks(corpus)
    assert (chunks.kept_tokens, chunks.missing_tokens) == (300, 100)
    again = Building(records.all()[0], records, source, Letters())
    again.survey(lambda path, reason: None)
    assert again.is_new and not records.unscored(corpus)
    again.keep("letters")
    assert records.is_whole(corpus) and len(list(records.store.turns(corpora=True))) == 4


def test_scoring_ends_where_somebody_removed_the_corpus(records: Records) -> None:
    building = Building(begun(records), records, Texts(3), Letters())
    building.survey(lambda path, reason: None)
    records.store.remove_layer("made")
    with pytest.raises(SpectraError, match="removed meanwhile"):
        building.score(Judge())


def test_neighbouring_chunks_become_one_text_and_others_do_not(records: Records) -> None:
    tokens = [*range(10, 110), *range(900, 1000), *range(200, 300), *range(300, 400)]
    source = Texts(0)
    source.documents = lambda skip: iter(  # type: ignore[method-assign]
        [Document("f", tokens, [(0, 100), (100, 200), (200, 300), (300, 400)], 1.0)]
    )

    class ByToken(Judge):
        def of(self, texts: Sequence[Sequence[int]]) -> list[NDArray[np.float32]]:
            return [np.array(text, np.float32) for text in texts]

    building = Building(begun(records, keep=0.75), records, source, Letters())
    building.survey(lambda path, reason: None)
    building.score(ByToken())
    building.keep("letters")
    assert [turn.tokens.tolist() for turn in records.store.turns(corpora=True)] == [tokens[:100], tokens[200:]]


def test_corpora_may_not_fill_the_store(records: Records) -> None:
    records.store.cap = 1000
    building = Building(begun(records), records, Texts(20), Letters())
    building.survey(lambda path, reason: None)
    building.score(Judge())
    with pytest.raises(SpectraError, match="corpora may take"):
        building.keep("letters")


# --- the model's own answers -----------------------------------------------------------------------------------------


def test_answers_are_kept_under_their_conversation_and_forgotten_with_it(records: Records) -> None:
    tokens = np.arange(30, dtype=TOKEN)
    for origin, conversation, words in (("user", "c1", "asked"), ("model", "c1", "plums"), ("model", "c2", "pears")):
        shifted = tokens + (100 if conversation == "c2" else 0)
        records.store.add([Turn(conversation, origin, "letters", words, tokens=shifted, ts=5.0, beyond="system")])  # type: ignore[arg-type]
    building = Building(begun(records, keep=1.0), records, Answers(records.store, "letters"), Letters())
    building.survey(lambda path, reason: None)
    building.score(Judge())
    assert building.keep("letters") == 2
    copies = list(records.store.turns(corpora=True))
    assert [(c.conversation, c.text, c.beyond, c.ts) for c in copies] == [
        ("c1", "plums", "system", 5.0),
        ("c2", "pears", "system", 5.0),
    ]
    records.store.forget(Forget(conversation="c1"))
    assert [turn.text for turn in records.store.turns()] == ["pears", "pears"]
    records.store.forget(Forget(everything=True))
    assert (records.all(), list(records.store.turns())) == ([], [])
    assert not records.store.database.connection.execute("SELECT * FROM corpus_chunks").fetchall()


def test_files_are_read_for_any_vocabulary(tmp_path: Path) -> None:
    (tmp_path / "a.txt").write_text(EASY)
    (tmp_path / "short.txt").write_text("too short")
    skipped: list[str] = []
    (document,) = Files([tmp_path], Letters()).documents(lambda path, reason: skipped.append(reason))
    assert document.tokens == list(map(ord, EASY))
    assert skipped == ["is too short"]
