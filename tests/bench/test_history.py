"""What the measuring of a large history makes and finds, at sizes that take a second."""

import json
from itertools import pairwise

import numpy as np
import pytest

from spectra_local.bench import history
from spectra_local.bench.made_history import as_runs, made_records, made_turns


def test_a_made_history_has_the_asked_size_and_is_the_same_each_time() -> None:
    records = made_records(5000)
    first, second = (list(made_turns(records, 5000, 30_000)) for _ in range(2))
    assert sum(map(len, first)) == 30_000
    assert all(np.array_equal(a, b) for a, b in zip(first, second, strict=True))
    assert all(turn.min() >= 0 and turn.max() < 5000 for turn in first)


def test_a_made_history_repeats_itself_in_part() -> None:
    record = np.arange(1000, dtype=np.int32)
    turns = list(made_turns([record], 1000, 50_000))
    onward = [b == a + 1 for turn in turns for a, b in pairwise(turn.tolist())]
    assert 0.3 < np.mean(onward) < 0.6


def test_texts_become_requests_answered_by_their_second_half() -> None:
    (run,) = as_runs([np.arange(10, dtype=np.int32)])
    assert (run.prompt, run.generated) == ([0, 1, 2, 3, 4], [5, 6, 7, 8, 9])


@pytest.mark.usefixtures("spectra_home")
def test_each_figure_that_a_bound_is_asked_of_is_measured(capsys: pytest.CaptureFixture[str]) -> None:
    history.main(["--tokens", "40000", "--json"])
    (figures,) = json.loads(capsys.readouterr().out)["sizes"]
    assert figures["tokens"] == 40_000
    memory = {name for name in history.ASKED if name.endswith("_mb")}
    assert memory
    for name in memory:
        assert figures[name] < history.ASKED[name], name
    for name in {*history.ASKED, "draft_ms", "lookup_us_p50"} - memory:
        assert figures[name] > 0, name
    assert figures["lookup_us_p50"] <= figures["lookup_us_p99"]
