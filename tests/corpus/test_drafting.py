"""A corpus that holds what the model is going to say is drafted from, and changes not a word of it."""

from collections import Counter
from collections.abc import Iterator
from contextlib import closing, contextmanager
from pathlib import Path

import numpy as np
import pytest
from fakes.prices import make_width_cheap

from spectra_local.corpus.records import Corpus, Records
from spectra_local.engine import Engine
from spectra_local.history.database import Database
from spectra_local.history.store import Store
from spectra_local.history.turn import TOKEN, Turn
from spectra_local.protocol import SOURCE_CODES, Done, EngineOptions, Request, Text

pytestmark = pytest.mark.model

PROMPT = "Count from one to ten in English words: one, two,"


@pytest.fixture
def cheap_width(monkeypatch: pytest.MonkeyPatch) -> None:
    make_width_cheap(monkeypatch)


@contextmanager
def engine(path: Path) -> Iterator[Engine]:
    made = Engine(path, EngineOptions(n_ctx=512, exact=True))
    for _ in made.load():
        pass
    try:
        yield made
    finally:
        made.close()


def answer(engine: Engine) -> tuple[str, str, Done]:
    events = list(engine.generate(Request(prompt=PROMPT, max_tokens=40, learn=False)))
    pieces = [event for event in events if isinstance(event, Text)]
    assert isinstance(events[-1], Done)
    return "".join(p.text for p in pieces), "".join(p.sources for p in pieces), events[-1]


@pytest.mark.usefixtures("cheap_width")
def test_a_corpus_is_drafted_from_shown_counted_and_gone_when_it_is_removed(smollm2_path: Path) -> None:
    with engine(smollm2_path) as model:
        expected, _, _ = answer(model)
        tokens = model.model.tokenize(PROMPT + expected)
        fingerprint = model.info.fingerprint
    with closing(Database()) as database:
        records = Records(Store(database))
        corpus = records.begin(Corpus("made", (), 1.0, 1000, model="SmolLM2", scorer="smollm2"))
        records.add(
            [Turn("made/1", "user", fingerprint, expected, tokens=np.array(tokens, TOKEN), ts=1.0, layer="made")]
        )
        records.finish(corpus)
        with engine(smollm2_path) as model:
            model._speculation._retrieval.wait()  # type: ignore[union-attr]
            text, sources, done = answer(model)
            assert text == expected
            assert done.timings.accepted_by_source.get("corpus", 0) >= 10
            assert Counter(sources)[SOURCE_CODES["corpus"]] > 20
            records.store.remove_layer("made")
            _, sources, done = answer(model)
            assert "corpus" not in done.timings.accepted_by_source
