"""What the real engine leaves of an answer in the store."""

from collections.abc import Iterator
from contextlib import closing
from pathlib import Path

import numpy as np
import pytest

from spectra_local.chats.forgetting import forget
from spectra_local.engine import Engine
from spectra_local.history.database import Database
from spectra_local.history.forgetting import Forget
from spectra_local.history.store import Store
from spectra_local.history.turn import Turn
from spectra_local.llama.model import Model
from spectra_local.protocol import EngineOptions, Message, Request, Text

pytestmark = pytest.mark.model


@pytest.fixture(scope="module")
def engine(smollm2_path: Path, module_home: Path) -> Iterator[Engine]:
    engine = Engine(smollm2_path, EngineOptions(n_ctx=512))
    for _ in engine.load():
        pass
    yield engine
    engine.close()


def store_of(home: Path) -> Path:
    return home / "data" / "store" / "spectra.sqlite"


def stored(home: Path, conversation: str) -> list[Turn]:
    with closing(Database(store_of(home))) as database:
        return list(Store(database).turns(conversation=conversation))


def test_an_answer_that_its_reader_closed_is_learned_as_far_as_it_was_shown(engine: Engine, module_home: Path) -> None:
    request = Request((Message("user", "Count to thirty."),), max_tokens=40, conversation="closed")
    events = engine.generate(request)
    shown = ""
    for event in events:
        if isinstance(event, Text):
            shown += event.text
            if len(shown) > 8:
                break
    events.close()
    asked, answered = stored(module_home, "closed")
    assert (asked.text, answered.text) == ("Count to thirty.", shown)
    assert engine.model.text(answered.tokens.tolist()).strip() == shown.strip()


def test_what_only_the_tokens_say_is_found_to_be_forgotten(engine: Engine, module_home: Path) -> None:
    earlier = (Message("system", "You are Zaphod."), Message("user", "One"), Message("assistant", "Trillian knows"))
    request = Request((*earlier, Message("user", "Two")), max_tokens=3, conversation="elsewhere begun")
    list(engine.generate(request))
    assert stored(module_home, "elsewhere begun")[0].text == "Two"
    for words in ("trillian KNOWS", "zaphod"):
        with closing(Database(store_of(module_home))) as database:
            assert Store(database).forget(Forget(containing=words)) == (1 if "trillian" in words else 0)
    assert [turn.origin for turn in stored(module_home, "elsewhere begun")] == ["model"]


def test_what_is_forgotten_while_the_program_runs_does_not_come_back(spectra_home: Path, smollm2_path: Path) -> None:
    engine = Engine(smollm2_path, EngineOptions(n_ctx=512))
    for _ in engine.load():
        pass
    words = "The quokka Wilhelmina lives at Rottnest."
    tokens = engine.model.tokenize(f" {words}")
    needles = (b"Wilhelmina", "Wilhelmina".encode("utf-16-le"), np.array(tokens[1:7], "<i4").tobytes())

    def found() -> list[bytes]:
        data = b"".join(path.read_bytes() for path in spectra_home.rglob("*") if path.is_file())
        return [needle for needle in needles if needle in data]

    list(engine.generate(Request((Message("user", f"Repeat: {words}"),), max_tokens=4, conversation="chat-1")))
    assert needles[0] in found() and needles[2] in found()
    with closing(Database()) as other:
        assert forget(other, Forget(containing="wilhelmina")).turns == 1
    assert found() == []
    list(engine.generate(Request((Message("user", "Say hello."),), max_tokens=4, conversation="chat-2")))
    assert found() == []
    engine.close()
    assert found() == []


def test_what_is_being_answered_while_something_is_forgotten_is_not_kept(
    spectra_home: Path, smollm2_path: Path
) -> None:
    engine = Engine(smollm2_path, EngineOptions(n_ctx=512))
    for _ in engine.load():
        pass
    words = Request((Message("user", "Repeat: the quokka Wilhelmina."),), max_tokens=12, conversation="chat-1")
    waiting = engine.generate(words)  # asked, and not looked at yet
    with closing(Database()) as other:
        forget(other, Forget(everything=True))
    list(waiting)
    events = engine.generate(words)
    assert any(isinstance(event, Text) for event in events)  # up to the first words
    with closing(Database()) as other:
        forget(other, Forget(containing="something else"))
    list(events)
    engine.close()
    data = b"".join(path.read_bytes() for path in spectra_home.rglob("*") if path.is_file())
    assert b"Wilhelmina" not in data
    assert np.array(engine_tokens(smollm2_path, "the quokka Wilhelmina")[1:], "<i4").tobytes() not in data


def engine_tokens(path: Path, text: str) -> list[int]:
    with closing(Model(path, vocabulary_only=True)) as model:
        return model.tokenize(f" {text}")
