"""The contract of an Assistant, held by everything that is one."""

import os
import signal
import threading
from collections.abc import Callable, Iterator
from contextlib import closing
from pathlib import Path

import pytest
from fakes.scripted import ScriptedAssistant, say

from spectra_local.cli.late_engine import LateEngine
from spectra_local.cli.options import WantedModel
from spectra_local.engine import Engine
from spectra_local.errors import SpectraError
from spectra_local.protocol import Assistant, Done, EngineOptions, Event, LoadProgress, Message, Request, Text
from spectra_local.worker import EngineProcess

pytestmark = pytest.mark.model

OPTIONS = EngineOptions(n_ctx=1024)
# It ends with the context, a pass for each token: also a fast machine is at it until it is cancelled.
STORY = Request(messages=(Message("user", "Tell a very long story about a cat."),), speculate=False)
SHORT = Request(prompt="1, 2, 3, 4, 5, 6,", max_tokens=4)

MAKERS: dict[str, Callable[[Path], Assistant]] = {
    "engine": lambda model: Engine(model, OPTIONS),
    "child process": lambda model: EngineProcess(model, OPTIONS),
    "shared process": lambda model: EngineProcess(model, EngineOptions(n_ctx=1024, share=True)),
    "late engine": lambda model: LateEngine(WantedModel(str(model)), OPTIONS),
    "scripted": lambda model: ScriptedAssistant(
        say("word " * 40, wait=0.005), load=[LoadProgress(share / 10) for share in range(11)], needs_load=True
    ),
}


@pytest.fixture(params=MAKERS)
def fresh(request: pytest.FixtureRequest, smollm2_path: Path) -> Iterator[Assistant]:
    """Not loaded yet."""
    with closing(MAKERS[request.param](smollm2_path)) as assistant:
        yield assistant


@pytest.fixture(scope="module", params=MAKERS)
def loaded(request: pytest.FixtureRequest, smollm2_path: Path, module_home: Path) -> Iterator[Assistant]:
    """One for all tests that leave it well."""
    with closing(MAKERS[request.param](smollm2_path)) as assistant:
        list(assistant.load())
        yield assistant


def reason(events: list[Event]) -> str:
    assert isinstance(events[-1], Done), "a Done is the last event"
    assert sum(isinstance(event, Done) for event in events) == 1
    return events[-1].finish_reason


def is_well(assistant: Assistant) -> bool:
    """Whether the next request is answered as ever."""
    events = list(assistant.generate(SHORT))
    return reason(events) in ("length", "stop") and any(isinstance(event, Text) for event in events)


def test_it_has_no_model_before_it_is_loaded(fresh: Assistant) -> None:
    with pytest.raises(SpectraError):
        _ = fresh.info
    with pytest.raises(SpectraError):
        list(fresh.generate(SHORT))
    fresh.cancel()  # of nothing
    assert all(isinstance(progress, LoadProgress) for progress in fresh.load())
    assert fresh.info.n_ctx
    assert is_well(fresh)


def test_a_load_that_is_cancelled_before_it_is_awaited_ends_and_can_be_repeated(fresh: Assistant) -> None:
    loading = fresh.load()
    fresh.cancel()
    with pytest.raises(SpectraError, match="cancelled"):
        list(loading)
    list(fresh.load())
    assert is_well(fresh)
    fresh.close()
    fresh.cancel()
    with pytest.raises(SpectraError):
        list(fresh.generate(SHORT))
    fresh.close()


def test_an_answer_ends_with_done(loaded: Assistant) -> None:
    assert is_well(loaded)


def test_a_cancel_before_the_first_event_is_awaited_counts(loaded: Assistant) -> None:
    events = loaded.generate(STORY)
    loaded.cancel()
    assert reason(list(events)) == "cancelled"
    assert is_well(loaded)


def test_a_cancel_while_it_answers_counts(loaded: Assistant) -> None:
    events = loaded.generate(STORY)
    first = next(events)
    loaded.cancel()
    assert reason([first, *events]) == "cancelled"
    assert is_well(loaded)


def test_a_cancel_from_another_thread_counts(loaded: Assistant) -> None:
    events = loaded.generate(STORY)
    begun = [next(events)]
    thread = threading.Thread(target=loaded.cancel)
    thread.start()
    begun += events
    thread.join()
    assert reason(begun) == "cancelled"


def test_a_cancel_when_idle_is_of_no_later_request(loaded: Assistant) -> None:
    list(loaded.generate(SHORT))
    loaded.cancel()
    loaded.cancel()
    assert is_well(loaded)


def test_a_cancelled_request_that_nobody_awaits_is_of_no_later_one(loaded: Assistant) -> None:
    loaded.generate(STORY)
    loaded.cancel()
    assert is_well(loaded)


def test_closing_an_answer_ends_it(loaded: Assistant) -> None:
    events = loaded.generate(STORY)
    next(events)
    events.close()
    assert is_well(loaded)


def test_an_answer_that_is_dropped_for_another_takes_no_cancel_to_it(loaded: Assistant) -> None:
    events = loaded.generate(STORY)
    next(events)
    events = loaded.generate(SHORT)  # only now is the first one's generator closed
    assert reason(list(events)) in ("length", "stop")


def test_a_cancel_while_the_process_is_started_again_counts(smollm2_path: Path) -> None:
    with closing(EngineProcess(smollm2_path, OPTIONS)) as engine:
        list(engine.load())
        pid = engine.pid
        assert pid
        os.kill(pid, signal.SIGKILL)
        os.waitid(os.P_PID, pid, os.WEXITED | os.WNOWAIT)
        events = engine.generate(STORY)
        engine.cancel()
        assert reason(list(events)) == "cancelled"
        assert is_well(engine)
