from dataclasses import replace

import pytest
from fakes.pilot import screen_text
from fakes.scripted import INFO
from textual.app import App, ComposeResult

from spectra_local.protocol import Timings
from tui.state import ModelState, Phase, State
from tui.status import Status, meter, status_of
from tui.widgets.status_line import StatusLine


def test_loading_shows_how_far():
    assert status_of(State()).doing == "loading"
    assert status_of(State(model=ModelState(load_fraction=0.42))).doing == "loading 42%"


def test_measuring_has_a_name_of_its_own():
    model = ModelState(load_fraction=1.0, load_doing="measuring this machine, once")
    assert status_of(State(model=model)).doing == "measuring this machine, once"


@pytest.mark.parametrize(
    ("phase", "n_answers", "trusted", "learning"),
    [
        (Phase.ANSWERING, 0, True, True),  # the first answer
        (Phase.IDLE, 1, True, True),  # it has just ended
        (Phase.ANSWERING, 1, True, False),
        (Phase.IDLE, 2, True, False),
        (Phase.ANSWERING, 7, False, True),  # measured on a busy machine
    ],
)
def test_a_loss_is_not_shown_before_the_machine_is_known(phase: Phase, n_answers: int, trusted: bool, learning: bool):
    info = replace(INFO, cost_trusted=trusted)
    timings = Timings(draft_n=9, draft_n_accepted=1, speedup_estimate=0.9)
    live = 0.9 if phase is Phase.ANSWERING else 0.0
    model = ModelState(phase=phase, info=info, tokens_per_second=50, speedup=live, timings=timings, n_answers=n_answers)
    status = status_of(State(model=model))
    assert ("learning this machine" in status.speed) is learning
    assert ("0.9×" in status.speed) is not learning
    assert ("×" in status.short_speed) is (not learning and live > 0)
    gains = status_of(State(model=replace(model, speedup=live and 1.4, timings=replace(timings, speedup_estimate=1.4))))
    assert "1.4×" in gains.speed


def test_reading_shows_tokens_of_the_prompt():
    model = ModelState(phase=Phase.READING, prompt_done=512, prompt_total=3000)
    assert status_of(State(model=model)).doing == "reading 512 of 3,000"


def test_context_and_speed_have_a_long_and_a_short_form():
    model = ModelState(phase=Phase.IDLE, info=INFO, n_past=2048, n_ctx=8192, tokens_per_second=61.7)
    status = status_of(State(model=model))
    assert (status.context, status.short_context) == ("2,048 of 8,192", "25%")
    assert (status.speed, status.short_speed) == ("62 tok/s", "62 t/s")
    assert status.meter == (2, 6)


def test_a_slow_model_does_not_seem_to_stand_still():
    model = ModelState(phase=Phase.ANSWERING, tokens_per_second=1.4, speedup=5.5)
    status = status_of(State(model=model))
    assert (status.speed, status.short_speed) == ("1.4 tok/s · plain 0.3 · 5.5×", "1.4 t/s 5.5×")


def test_guesses_show_what_they_brought():
    timings = Timings(draft_n=200, draft_n_accepted=150, speedup_estimate=2.04)
    status = status_of(State(model=ModelState(tokens_per_second=100, timings=timings)))
    assert status.speed == "100 tok/s · 75% accepted · 2.0×"


def test_while_an_answer_comes_the_rate_stands_beside_that_of_plain_decoding():
    status = status_of(State(model=ModelState(phase=Phase.ANSWERING, tokens_per_second=90, speedup=1.8)))
    assert (status.speed, status.short_speed) == ("90 tok/s · plain 50 · 1.8×", "90 t/s 1.8×")


def test_without_guesses_nothing_is_said_of_them():
    status = status_of(State(model=ModelState(tokens_per_second=100, timings=Timings(predicted_n=5))))
    assert status.speed == "100 tok/s"


@pytest.mark.parametrize(("share", "cells"), [(0, (0, 8)), (0.001, (1, 7)), (0.5, (4, 4)), (1, (8, 0))])
def test_the_meter_shows_anything_at_all_as_one_cell(share: float, cells: tuple[int, int]):
    assert meter(share, 8) == cells


def test_the_name_is_shown_while_the_model_is_there():
    model = ModelState(phase=Phase.IDLE, info=INFO, name="Llama 3.2\x1b")
    assert status_of(State(model=model)).name == "Llama 3.2␛"
    assert status_of(State(model=replace(model, phase=Phase.DOWN))).name == ""


@pytest.mark.parametrize(("width", "expected"), [(80, "plain 50 · 1.8×"), (40, "90 t/s 1.8×")])
async def test_the_comparison_is_there_on_small_screens_too(width: int, expected: str):
    model = ModelState(phase=Phase.ANSWERING, info=replace(INFO, path="/m/a-model-with-a-long-name.gguf"), n_ctx=8192)
    model.n_past, model.tokens_per_second, model.speedup = 300, 90, 1.8
    async with StatusOnly(status_of(State(model=model))).run_test(size=(width, 3)) as pilot:
        await pilot.pause()
        assert expected in screen_text(pilot)


class StatusOnly(App[None]):
    def __init__(self, status: Status) -> None:
        super().__init__()
        self._status = status

    def compose(self) -> ComposeResult:
        yield StatusLine()

    def on_mount(self) -> None:
        self.query_one(StatusLine).show(self._status)
