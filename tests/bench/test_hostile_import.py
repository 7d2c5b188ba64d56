"""What was made to mislead costs drafts, never text: the real model's answers in exact mode, with and without it."""

from contextlib import closing
from pathlib import Path

import numpy as np
import pytest
from fakes.prices import make_width_cheap

from spectra_local.bench.misleading import hostile_turns
from spectra_local.bench.replay import Run
from spectra_local.engine import Engine
from spectra_local.history.database import Database
from spectra_local.history.store import Store
from spectra_local.history.turn import Turn
from spectra_local.protocol import Done, EngineOptions, Request, Text, Timings

pytestmark = pytest.mark.model

ASKED = [
    Request(prompt=words, max_tokens=48, learn=False)
    for words in (
        "Once upon a time there was a cat who",
        "The three laws of thermodynamics are",
        "def quicksort(items):\n",
    )
]


def answered(engine: Engine) -> tuple[list[str], list[Timings]]:
    texts, timings = [], []
    for request in ASKED:
        events = list(engine.generate(request))
        texts.append("".join(event.text for event in events if isinstance(event, Text)))
        timings += [event.timings for event in events if isinstance(event, Done)]
    return texts, timings


def loaded(path: Path) -> Engine:
    engine = Engine(path, EngineOptions(n_ctx=512, exact=True))
    list(engine.load())
    return engine


@pytest.fixture
def cheap_width(monkeypatch: pytest.MonkeyPatch) -> None:
    """Prices under which every guess is tried, whatever machine and load this runs on."""
    make_width_cheap(monkeypatch)


@pytest.mark.usefixtures("cheap_width")
def test_a_hostile_import_is_drafted_from_and_changes_no_text(smollm2_path: Path) -> None:
    with closing(loaded(smollm2_path)) as engine:
        plain, _ = answered(engine)
        fingerprint = engine.info.fingerprint
        runs = []
        for request, text in zip(ASKED, plain, strict=True):
            prompt = engine.prompt_tokens(request)
            runs.append(Run("chat", prompt, engine.model.tokenize((request.prompt or "") + text)[len(prompt) :], []))
    database = Database()
    Store(database).import_layer(
        "hostile",
        (
            Turn(f"hostile/{i}", "user", fingerprint, "", tokens=tokens.astype(np.int32), ts=1.0)
            for i, tokens in enumerate(hostile_turns(runs, 20_000))
        ),
    )
    database.close()
    with closing(loaded(smollm2_path)) as engine:
        misled, timings = answered(engine)
    assert misled == plain
    assert sum(t.rejected_by_source.get("import", 0) + t.accepted_by_source.get("import", 0) for t in timings) > 0
