import pytest
from fakes.scripted import GENEROUS_S, Gate, ScriptedAssistant, say
from fakes.waiting import wait_until

from spectra_local.errors import ModelFileError, WorkerError
from spectra_local.protocol import Done, Message, Request, Text
from tui.adapter import Failed, Loaded, Report
from tui.session import Session

ASK = Request(messages=(Message("user", "Hi"),))


class Log:
    """All that a session reported so far."""

    def __init__(self, session: Session) -> None:
        self._session = session
        self.reports: list[Report] = []

    def has(self, kind: type) -> bool:
        self.reports += self._session.drain()
        return any(isinstance(report, kind) for report in self.reports)

    def last(self) -> Report:
        return self.reports[-1]


def loaded(assistant: ScriptedAssistant) -> tuple[Session, Log]:
    session = Session(lambda: assistant)
    log = Log(session)
    session.load()
    wait_until(lambda: log.has(Loaded))
    return session, log


def test_events_of_a_request_arrive_in_order():
    session, log = loaded(ScriptedAssistant(say("one two three")))
    session.ask(ASK)
    wait_until(lambda: log.has(Done))
    assert "".join(report.text for report in log.reports if isinstance(report, Text)) == "one two three"
    session.close(5)


def test_a_model_that_cannot_be_opened_is_a_report_not_a_crash():
    def refuse() -> ScriptedAssistant:
        raise ModelFileError("not a GGUF")

    session = Session(refuse)
    log = Log(session)
    session.load()
    wait_until(lambda: log.has(Failed))
    assert isinstance(log.last(), Failed)
    session.close(5)


def test_a_request_cancelled_before_it_begins_never_does():
    gate = Gate()
    assistant = ScriptedAssistant([gate, *say("first")], say("second"))
    session, log = loaded(assistant)
    session.ask(ASK)
    assert gate.reached.wait(GENEROUS_S)
    session.ask(ASK)
    session.cancel()
    gate.open()
    wait_until(lambda: log.has(Done))
    assert isinstance(log.last(), Done)
    assert len(assistant.requests) == 1
    session.close(5)


def test_nothing_of_an_abandoned_request_is_reported():
    gate = Gate()
    session, log = loaded(ScriptedAssistant([*say("old")[:-1], gate, *say("old")], say("new")))
    session.ask(ASK)
    assert gate.reached.wait(GENEROUS_S)
    session.abandon()
    log.reports.clear()
    session.drain()
    session.ask(ASK)
    wait_until(lambda: log.has(Done))
    assert "".join(report.text for report in log.reports if isinstance(report, Text)) == "new"
    session.close(5)


def test_after_the_worker_died_it_can_be_loaded_again():
    session, log = loaded(ScriptedAssistant([WorkerError("killed")], say("back")))
    session.ask(ASK)
    wait_until(lambda: log.has(Failed))
    failed = log.last()
    assert isinstance(failed, Failed)
    assert not failed.loaded
    log.reports.clear()
    session.load()
    wait_until(lambda: log.has(Loaded))
    session.ask(ASK)
    wait_until(lambda: log.has(Done))
    session.close(5)


@pytest.mark.parametrize("after_load", [True, False])
def test_closing_frees_the_assistant(after_load: bool):
    assistant = ScriptedAssistant([Gate()])
    session, _ = loaded(assistant)
    if after_load:
        session.ask(ASK)
    session.close(5)
    assert assistant.closed


def test_leaving_a_chat_does_not_end_the_loading_of_its_model():
    gate = Gate()
    assistant = ScriptedAssistant(load=[gate])
    session = Session(lambda: assistant)
    log = Log(session)
    session.load()
    wait_until(gate.reached.is_set)
    session.abandon()
    assert not assistant.is_cancelled
    gate.open()
    wait_until(lambda: log.has(Loaded))
    session.close(5)


def test_closing_ends_the_loading():
    gate = Gate()
    assistant = ScriptedAssistant(load=[gate])
    session = Session(lambda: assistant)
    session.load()
    wait_until(gate.reached.is_set)
    session.close(5)
    assert assistant.closed
