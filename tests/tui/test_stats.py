"""The page of figures: what was counted stands there, whatever its size, and nothing in it is obeyed."""

import time
from pathlib import Path

import numpy as np
import pytest
from fakes.chatting import answered, app_with, ready, sees, send
from fakes.scripted import INFO, done
from hypothesis import given
from hypothesis import strategies as st

from spectra_local.history.database import Database
from spectra_local.history.savings import Saved, Tried, add_saved
from spectra_local.history.statistics import read_statistics
from spectra_local.history.store import Store
from spectra_local.history.turn import Turn
from spectra_local.printable import printable_line
from spectra_local.protocol import Text, Timings
from tui import figures
from tui.charts import Bar, bars, columns

HOSTILE = "[/]\x1b[2J"


@pytest.fixture
def history(tmp_path: Path) -> Path:
    """Two layers, one with a name that means harm; one answer of this week."""
    path = tmp_path / "history.sqlite"
    database = Database(path)
    store = Store(database)
    store.create_layer(HOSTILE)
    for layer, n in (("own", 300), (HOSTILE, 100)):
        store.add(
            [
                Turn(
                    "c",
                    "user",
                    "f" * 64,
                    "words",
                    tokens=np.zeros(n, np.int32),
                    ts=time.time(),
                    kind="chat",
                    layer=layer,
                )
            ]
        )
    saved = Saved(answers=1, predicted_n=100, steps=40, draft_n=90, accepted_n=60, from_history=20, saved_ms=90_000)
    add_saved(database, saved, {"history": Tried(20, 5), "core": Tried(40, 25)})
    database.close()
    return path


def test_the_answers_of_a_conversation_are_added_up():
    one = Timings(predicted_n=50, predicted_ms=500, steps=20, draft_ms=20, speedup_estimate=2.0,
                  accepted_by_source={"core": 3})  # fmt: skip
    two = Timings(predicted_n=50, predicted_ms=500, steps=40, speedup_estimate=1.0, rejected_by_source={"core": 1})
    text = figures.this_conversation([one, two]).plain
    assert "100 tokens in 60 passes" in text
    assert "100 tok/s, about 1.5 times" in text
    assert "guessing took 2.0% of the time" in text
    assert "3 of 4" in figures.by_source(figures.tried_in([one, two]), 60).plain


def test_a_source_of_any_name_is_shown_not_obeyed():
    assert "\x1b" not in figures.by_source({HOSTILE: Tried(1, 1)}, 60).plain


def test_totals_weeks_and_layers_come_from_the_store(history: Path):
    found = read_statistics(history)
    totals = figures.totals(found).plain
    assert "100 tokens in 40 passes" in totals
    assert "60 (67%), 20 foreseen" in totals
    assert "60 passes of the model, about 1.5 min" in totals
    assert "1.5 min in 1 answer" in figures.time_saved(found, 60).plain
    growth = figures.growth(found, 60).plain
    assert "400 tokens" in growth
    assert "yours  1 turn, 300 tokens" in growth
    assert "\x1b" not in growth
    assert "20 of 25" in figures.by_source(found.tried_by_source, 60).plain


def test_an_empty_history_says_so(tmp_path: Path):
    found = read_statistics(tmp_path / "empty.sqlite")
    assert "Nothing yet" in figures.time_saved(found, 60).plain
    assert "Nothing yet" in figures.growth(found, 60).plain
    assert "Nothing has been answered yet" in figures.totals(found).plain


def test_the_staircase_begins_at_one_and_tells_its_device():
    chart = figures.staircase(tuple(1 + n // 8 for n in range(64)), INFO.device, 70).plain
    assert "A pass over 8 tokens costs 1.0 times one over a single token (CPU, 2 threads)" in chart
    assert "one token a pass" in figures.staircase((), "", 70).plain


@given(
    st.lists(st.tuples(st.text(max_size=12), st.lists(st.floats(0, 1e9), max_size=4)), max_size=6), st.integers(1, 200)
)
def test_bars_fit_any_width(rows: list[tuple[str, list[float]]], width: int):
    made = [Bar(printable_line(label), tuple((part, "$primary") for part in parts), "words") for label, parts in rows]
    chart = bars(made, width)
    assert all(line.cell_length <= width for line in chart.split(allow_blank=True))


@given(st.lists(st.floats(0, 1e6), max_size=70), st.integers(1, 200), st.integers(1, 10))
def test_columns_fit_any_width(values: list[float], width: int, height: int):
    lines = columns(values, width, height, style="$primary").plain.split("\n")
    assert all(len(line) <= width for line in lines)


def test_a_bar_is_as_long_as_its_share():
    chart = bars([Bar("a", ((1, ""),), "x"), Bar("b", ((0.5, ""),), "y")], 48, full=1.0)
    first, second = (line for line in chart.split())
    solid = [sum(span.end - span.start for span in line.spans if "15%" in str(span.style)) for line in (first, second)]
    assert solid == [0, 20]


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
        await sees(pilot, "5 tokens in 3 passes")


async def test_the_history_comes_when_it_is_read_and_a_damaged_one_is_said():
    async with app_with().run_test(size=(200, 60)) as pilot:
        await ready(pilot)
        await send(pilot, "/stats")
        await sees(pilot, "on disk")
        await sees(pilot, "Growth of the history")
        await pilot.press("escape")


async def test_a_history_that_cannot_be_read_is_said(monkeypatch: pytest.MonkeyPatch, tmp_path: Path):
    async with app_with().run_test(size=(80, 24)) as pilot:
        await ready(pilot)
        monkeypatch.setattr("spectra_local.locations.database_file", lambda: tmp_path)  # a folder
        await send(pilot, "/stats")
        await sees(pilot, "Nothing has been")
        await pilot.press("end")
        await sees(pilot, "cannot be opened")
