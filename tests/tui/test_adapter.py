import pytest
from fakes.scripted import INFO, done

from spectra_local.errors import ContextFullError, ModelFileError, WorkerError
from spectra_local.protocol import Done, LoadProgress, Message, Notice, PromptProgress, Text, Timings
from tui.adapter import RETRY_SAMPLING, Adapter, Failed, Loaded
from tui.state import Outcome, Phase, State


@pytest.fixture
def adapter() -> Adapter:
    """A model that is loaded and idle."""
    adapter = Adapter(State())
    adapter.receive([Loaded(INFO)], 0.0)
    return adapter


def answered(adapter: Adapter, question: str = "Hi", answer: str = "Hello") -> None:
    adapter.ask(question)
    adapter.begin()
    adapter.receive([Text(answer), done()], 0.0)


def test_a_question_becomes_a_request_and_its_text_an_answer(adapter: Adapter):
    adapter.ask("Hi")
    request = adapter.begin()
    assert request is not None
    assert request.messages == (Message("user", "Hi"),)
    frame = adapter.receive([Text("Hel"), Text("lo"), done()], 1.0)
    assert frame.text == "Hello"
    assert frame.finished
    assert adapter.state.chat.messages() == (Message("user", "Hi"), Message("assistant", "Hello"))
    assert adapter.state.model.phase is Phase.IDLE


def test_a_question_asked_while_the_model_loads_waits_for_it():
    adapter = Adapter(State())
    adapter.ask("Hi")
    assert adapter.begin() is None
    assert adapter.receive([LoadProgress(0.5)], 0.0).loaded is False
    assert adapter.receive([Loaded(INFO)], 0.0).loaded
    assert adapter.begin() is not None


def test_a_waiting_question_can_be_taken_back():
    adapter = Adapter(State())
    adapter.ask("Hi")
    withdrawn = adapter.withdraw()
    assert withdrawn is not None and withdrawn.text == "Hi"
    assert adapter.state.chat.turns == []


def test_text_for_the_screen_is_printable_and_the_conversation_keeps_what_was_said(adapter: Adapter):
    adapter.ask("Hi")
    adapter.begin()
    frame = adapter.receive([Text("\x1b]52;c;aGk=\x07")], 0.0)
    assert frame.text == "␛]52;c;aGk=␇"
    assert adapter.state.chat.turns[-1].text == "\x1b]52;c;aGk=\x07"


def test_prompt_progress_and_phase_follow_the_events(adapter: Adapter):
    adapter.ask("Hi")
    adapter.begin()
    assert adapter.state.model.phase is Phase.READING
    adapter.receive([PromptProgress(512, 3000, reused=100)], 0.0)
    assert (adapter.state.model.prompt_done, adapter.state.model.prompt_total) == (512, 3000)
    assert adapter.state.model.n_past == 612  # what was in the context already counts there
    adapter.receive([Text("a")], 0.0)
    assert adapter.state.model.phase is Phase.ANSWERING


def test_the_rate_is_counted_from_the_first_piece_on(adapter: Adapter):
    adapter.ask("Hi")
    adapter.begin()
    adapter.receive([Text("a", n_tokens=1)], 10.0)
    assert adapter.state.model.tokens_per_second == 0
    adapter.receive([Text("b", n_tokens=30)], 11.0)
    assert adapter.state.model.tokens_per_second == pytest.approx(30)


def test_the_meter_compares_with_plain_decoding_while_an_answer_comes(adapter: Adapter):
    adapter.ask("Hi")
    adapter.begin()
    adapter.receive([Text("a"), Text("b", n_tokens=30, cost=15.0)], 10.0)
    adapter.receive([Text("c", n_tokens=30, cost=15.0)], 11.0)
    assert adapter.state.model.speedup == pytest.approx(2.0)
    assert adapter.state.model.tokens_per_second == pytest.approx(60)
    adapter.receive([done(predicted_n=10, predicted_ms=1000.0)], 12.0)
    assert adapter.state.model.speedup == 0


def test_the_engines_own_timings_replace_the_estimate(adapter: Adapter):
    answered(adapter)
    adapter.ask("More")
    adapter.begin()
    end = Done("stop", Timings(predicted_n=100, predicted_ms=2000), n_past=321, n_ctx=4096)
    adapter.receive([Text("x"), end], 5.0)
    model = adapter.state.model
    assert (model.tokens_per_second, model.n_past, model.n_ctx) == (50, 321, 4096)


def test_a_stopped_answer_keeps_what_had_come_and_goes_into_the_next_request(adapter: Adapter):
    adapter.ask("Hi")
    adapter.begin()
    adapter.receive([Text("Half an ans")], 0.0)
    adapter.stopping()
    adapter.receive([Done("cancelled", Timings(), 20, 4096)], 0.0)
    assert adapter.state.chat.turns[-1].outcome is Outcome.STOPPED
    adapter.ask("Go on")
    request = adapter.begin()
    assert request is not None
    assert request.messages[1] == Message("assistant", "Half an ans")


def test_another_try_draws_with_a_fresh_seed_and_drops_the_last_answer(adapter: Adapter):
    answered(adapter)
    assert adapter.retry(seed=7)
    request = adapter.begin()
    assert request is not None
    assert request.messages == (Message("user", "Hi"),)
    assert request.sampling.temperature == RETRY_SAMPLING.temperature > 0
    assert request.sampling.seed == 7


def test_there_is_nothing_to_try_again_before_an_answer_or_during_one(adapter: Adapter):
    assert not adapter.retry(seed=1)
    adapter.ask("Hi")
    adapter.begin()
    assert not adapter.retry(seed=1)


def test_notices_are_shown_on_one_line_and_kept_with_the_answer(adapter: Adapter):
    adapter.ask("Hi")
    adapter.begin()
    frame = adapter.receive([Notice("3 earlier\nmessages were left out")], 0.0)
    assert frame.notices == ["3 earlier␊messages were left out"]
    assert adapter.state.chat.turns[-1].notices == ["3 earlier\nmessages were left out"]


def test_a_message_that_does_not_fit_is_returned_and_not_sent_again(adapter: Adapter):
    adapter.ask("far too long")
    adapter.begin()
    frame = adapter.receive([Failed(ContextFullError("needs 9,000 tokens, 8,192 fit"), loaded=True)], 0.0)
    assert frame.failure is not None
    assert frame.failure.returned == "far too long"
    assert not frame.failure.can_restart
    adapter.ask("short")
    request = adapter.begin()
    assert request is not None
    assert request.messages == (Message("user", "short"),)


def test_a_dead_worker_keeps_the_conversation_and_the_unanswered_question(adapter: Adapter):
    answered(adapter)
    adapter.ask("Still there?")
    adapter.begin()
    frame = adapter.receive([Failed(WorkerError("the model's process was killed"), loaded=False)], 0.0)
    assert frame.failure is not None
    assert frame.failure.can_restart
    assert adapter.state.model.phase is Phase.DOWN
    adapter.loading()
    adapter.receive([Loaded(INFO)], 0.0)
    request = adapter.begin()
    assert request is not None
    assert [message.content for message in request.messages] == ["Hi", "Hello", "Still there?"]


def test_a_worker_that_dies_within_an_answer_leaves_what_had_come(adapter: Adapter):
    adapter.ask("Hi")
    adapter.begin()
    adapter.receive([Text("Half"), Failed(WorkerError("killed"), loaded=False)], 0.0)
    adapter.loading()
    adapter.receive([Loaded(INFO)], 0.0)
    assert adapter.begin() is None
    assert adapter.state.chat.turns[-1].outcome is Outcome.CUT
    assert adapter.state.chat.turns[-1].text == "Half"


def test_errors_are_words_and_a_defect_is_named(adapter: Adapter):
    frame = adapter.receive([Failed(ModelFileError("no GGUF: \x1b[31m"), loaded=False)], 0.0)
    assert frame.failure is not None
    assert frame.failure.text == "no GGUF: ␛[31m"
    frame = adapter.receive([Failed(ZeroDivisionError("division by zero"), loaded=True)], 0.0)
    assert frame.failure is not None
    assert frame.failure.text == "ZeroDivisionError: division by zero"


def test_a_new_chat_forgets_the_turns_and_keeps_the_model(adapter: Adapter):
    answered(adapter)
    adapter.new_chat()
    assert adapter.state.chat.turns == []
    assert adapter.state.model.phase is Phase.IDLE
    assert adapter.state.model.info is INFO
    assert adapter.state.model.tokens_per_second == 0  # a rate of the chat before
