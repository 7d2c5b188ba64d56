import os
import signal
from collections.abc import Iterator
from pathlib import Path

import pytest

from spectra_local.errors import ModelFileError, UsageError, WorkerError
from spectra_local.locations import log_file
from spectra_local.protocol import Done, Message, Request, Text
from spectra_local.worker import EngineProcess

pytestmark = pytest.mark.model

CAPITAL = Request(messages=(Message("user", "What is the capital of France? Answer in one sentence."),), max_tokens=24)
# It ends with the context, a pass for each token: also a fast machine is at it until it is cancelled.
STORY = Request(messages=(Message("user", "Tell a very long story about a cat."),), speculate=False)


@pytest.fixture
def worker(smollm2_path: Path, spectra_home: Path) -> Iterator[EngineProcess]:
    worker = EngineProcess(smollm2_path)
    for _ in worker.load():
        pass
    yield worker
    worker.close()


def test_it_answers_as_the_engine_does(worker: EngineProcess) -> None:
    events = list(worker.generate(CAPITAL))
    assert isinstance(events[-1], Done)
    assert "Paris" in "".join(e.text for e in events if isinstance(e, Text))
    assert events[-1].timings.predicted_n == sum(e.n_tokens for e in events if isinstance(e, Text))
    assert worker.info.architecture == "llama"


def test_errors_arrive_as_themselves_and_the_worker_goes_on(worker: EngineProcess) -> None:
    with pytest.raises(UsageError):
        list(worker.generate(Request()))
    assert isinstance(list(worker.generate(Request(prompt="1, 2, 3,", max_tokens=2)))[-1], Done)


def test_a_model_that_is_refused_says_why(tmp_path: Path) -> None:
    path = tmp_path / "notes.gguf"
    path.write_text("not a model")
    worker = EngineProcess(path)
    with pytest.raises(ModelFileError):
        list(worker.load())
    worker.close()


def test_a_killed_worker_is_an_error_and_can_be_loaded_again(worker: EngineProcess) -> None:
    events = worker.generate(STORY)
    next(events)
    assert worker.pid
    os.kill(worker.pid, signal.SIGKILL)
    with pytest.raises(WorkerError, match="SIGKILL"):
        list(events)
    list(worker.load())
    assert isinstance(list(worker.generate(Request(prompt="1, 2, 3,", max_tokens=2)))[-1], Done)


def test_a_worker_that_died_while_nothing_was_asked_is_replaced_without_a_word(worker: EngineProcess) -> None:
    assert worker.pid
    os.kill(worker.pid, signal.SIGKILL)
    os.waitid(os.P_PID, worker.pid, os.WEXITED | os.WNOWAIT)
    assert "Paris" in "".join(e.text for e in worker.generate(CAPITAL) if isinstance(e, Text))
    (line,) = [line for line in log_file().read_text().splitlines() if "started again" in line]
    assert "SIGKILL" in line


def test_leaving_in_the_middle_of_an_answer_is_no_error_in_the_log(worker: EngineProcess) -> None:
    events = worker.generate(STORY)
    next(events)
    worker.close()
    assert "ERROR" not in log_file().read_text()


def test_a_cancel_sent_right_after_the_request_ends_it(worker: EngineProcess) -> None:
    for _ in range(5):
        events = worker.generate(STORY)
        next(events)
        worker.cancel()
        last = list(events)[-1]
        assert isinstance(last, Done)
        assert last.finish_reason == "cancelled"


def test_a_reader_that_leaves_early_does_not_disturb_the_next_answer(worker: EngineProcess) -> None:
    events = worker.generate(STORY)
    next(events)
    events.close()
    assert "Paris" in "".join(e.text for e in worker.generate(CAPITAL) if isinstance(e, Text))


def test_closing_ends_the_child(worker: EngineProcess) -> None:
    pid = worker.pid
    worker.close()
    assert pid
    with pytest.raises(ProcessLookupError):
        os.kill(pid, 0)


def test_the_log_is_private_and_holds_no_prompt(worker: EngineProcess) -> None:
    list(worker.generate(Request(messages=(Message("user", "my secret word is xyzzy"),), max_tokens=4)))
    assert log_file().stat().st_mode & 0o077 == 0
    assert "xyzzy" not in log_file().read_text()


def test_a_cancel_while_the_process_is_started_again_leaves_the_model_known(worker: EngineProcess) -> None:
    """Who asks what is loaded before each request, as a server does, would not get to a request again."""
    known = worker.info
    assert worker.pid
    os.kill(worker.pid, signal.SIGKILL)
    events = worker.generate(CAPITAL)
    worker.cancel()
    assert isinstance(list(events)[-1], Done)
    assert worker.info.fingerprint == known.fingerprint
    assert isinstance(list(worker.generate(CAPITAL))[-1], Done)
