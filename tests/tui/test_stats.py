"""The page of figures: totals and each source's share, from the answers' own timings."""

import pytest
from fakes.chatting import answered, app_with, ready, sees, send
from fakes.scripted import done

from spectra_local.protocol import Text, Timings
from tui.screens.stats import summary


def test_sources_are_added_up_over_answers():
    one = Timings(predicted_n=50, predicted_ms=500, steps=20, speedup_estimate=2.0, accepted_by_source={"core": 3})
    two = Timings(predicted_n=50, predicted_ms=500, steps=40, speedup_estimate=1.0, rejected_by_source={"core": 1})
    text = summary([one, two]).plain
    assert "100 tokens in 60 passes" in text
    assert "100 tok/s, about 1.5 times" in text
    assert "3 of 4" in text


def test_a_source_of_any_name_is_shown_not_obeyed():
    timings = Timings(predicted_n=1, predicted_ms=1, accepted_by_source={"[/]\x1b[2J": 1})
    assert "\x1b" not in summary([timings]).plain


@pytest.mark.parametrize("size", [(40, 10), (80, 24), (200, 60)])
async def test_the_page_opens_with_and_without_an_answer(size: tuple[int, int]):
    script = [Text("Hi"), done(predicted_n=5, predicted_ms=50.0, steps=3, accepted_by_source={"context": 2})]
    async with app_with(script).run_test(size=size) as pilot:
        await ready(pilot)
        await send(pilot, "/stats")
        await sees(pilot, "Nothing has been")
        await pilot.press("escape")
        await answered(pilot)
        await send(pilot, "/stats")
        await sees(pilot, "2 of 2")
