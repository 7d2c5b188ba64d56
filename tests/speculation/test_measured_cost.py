import time
from collections.abc import Callable
from itertools import pairwise

import pytest
from hypothesis import given
from hypothesis import strategies as st

from spectra_local.speculation.measured_cost import Belief, MeasuredCost
from spectra_local.speculation.staircase import measure


def test_measuring_calls_each_width_and_ends_in_time(monkeypatch: pytest.MonkeyPatch) -> None:
    taken = {width: 0.001 * (1 + 0.2 * width) for width in range(129)}
    seconds, trusted, spent = measured(taken.__getitem__, 64, monkeypatch)
    assert {1, 2, 4, 8, 16, 32, 64} <= set(seconds)
    assert max(seconds) == 64
    assert seconds == pytest.approx({width: taken[width] for width in seconds})
    assert trusted
    assert spent < 3.0


def test_a_slow_device_measures_what_fits_in(monkeypatch: pytest.MonkeyPatch) -> None:
    seconds, trusted, spent = measured(lambda width: 0.1 * width, 128, monkeypatch)
    assert spent < 3.0
    assert trusted
    assert {1, 2, 4} <= set(seconds)


def measured(
    taken: Callable[[int], float], widest: int, monkeypatch: pytest.MonkeyPatch
) -> tuple[dict[int, float], bool, float]:
    """What ``measure`` says of a device whose decodes of a width take ``taken``, and the seconds it spent."""
    clock = [0.0]

    def decode(width: int) -> None:
        clock[0] += taken(width)

    with monkeypatch.context() as patch:
        patch.setattr(time, "perf_counter", lambda: clock[0])
        return *measure(decode, widest), clock[0]


@pytest.mark.parametrize("disturbed", [2, 3, 8])
def test_one_disturbed_decode_makes_no_width_absurd(disturbed: int, monkeypatch: pytest.MonkeyPatch) -> None:
    """On a slow device each width is decoded once, and that one may have been held up."""
    clock, held_up = [0.0], [False]

    def decode(width: int) -> None:
        clock[0] += 0.05 * (1 + 0.5 * width)
        if width == disturbed and not held_up[0]:
            held_up[0] = True
            clock[0] += 0.4

    monkeypatch.setattr(time, "perf_counter", lambda: clock[0])
    seconds, _ = measure(decode, 16)
    monkeypatch.undo()
    assert all(narrow <= 1.3 * wide for narrow, wide in pairwise(seconds.values()))


def test_widths_that_were_not_measured_are_priced_by_the_last_slope() -> None:
    cost = MeasuredCost({1: 1.0, 4: 2.5, 8: 4.5}, 16)
    assert cost.max_width == 16
    assert cost.relative[16] == 8.5
    assert MeasuredCost({1: 2.0}, 8).relative[8] == 8.0


def observe_both(cost: MeasuredCost, n: int, one_s: float, four_s: float, n_past: int = 100) -> None:
    """Decodes of one token and of four in turns."""
    for _ in range(n):
        cost.observe(1, one_s, n_past)
        cost.observe(4, four_s, n_past)


def test_real_decodes_correct_the_curve() -> None:
    cost = MeasuredCost({1: 1.0, 4: 2.0, 8: 4.0}, 8)
    observe_both(cost, 40, 0.010, 0.030)
    assert cost.relative[4] == 3.0
    assert cost.relative[8] == 6.0  # its neighbour's correction: nothing better is known


def test_a_machine_that_is_slower_at_all_widths_changes_nothing() -> None:
    cost = MeasuredCost({1: 1.0, 4: 2.0, 8: 4.0}, 8)
    observe_both(cost, 40, 0.050, 0.100)
    assert cost.relative[4] == 2.0


def test_a_wide_decode_is_compared_with_those_of_one_token_just_before_it() -> None:
    cost = MeasuredCost({1: 1.0, 4: 2.0}, 4)
    for _ in range(8):
        cost.observe(1, 0.010, 100)
    for _ in range(200):  # the machine became slow meanwhile
        cost.observe(4, 0.080, 100)
    assert cost.relative[4] <= 2.0 * 1.01


def test_a_machine_that_grows_faster_makes_no_earlier_width_dear() -> None:
    cost = MeasuredCost({1: 1.0, 4: 2.0}, 4)
    observe_both(cost, 20, 0.020, 0.040)
    for _ in range(64):
        cost.observe(1, 0.010, 100)
    assert cost.relative[4] == 2.0


def test_a_width_that_became_dear_is_tried_again_after_a_while() -> None:
    cost = MeasuredCost({1: 1.0, 4: 2.0}, 4)
    observe_both(cost, 20, 0.010, 0.040)
    assert cost.relative[4] == 4.0  # no draft pays any more, so none is decoded
    for _ in range(400):
        cost.observe(1, 0.010, 100)
    assert cost.relative[4] == 2.0


def test_long_contexts_have_corrections_of_their_own() -> None:
    cost = MeasuredCost({1: 1.0, 4: 2.0}, 4)
    observe_both(cost, 40, 0.010, 0.030, 5000)
    assert cost.relative[4] == 3.0
    cost.observe(1, 0.010, 100)
    assert cost.relative[4] == 2.0


@given(st.lists(st.tuples(st.integers(1, 16), st.floats(1e-6, 10), st.integers(0, 30_000)), max_size=200))
def test_prices_stay_positive_whatever_is_observed(decodes: list[tuple[int, float, int]]) -> None:
    cost = MeasuredCost({1: 1.0, 4: 2.5, 16: 7.0}, 16)
    for width, seconds, n_past in decodes:
        cost.observe(width, seconds, n_past)
    assert all(price > 0 for price in cost.relative[1:])
    assert cost.relative[1] == 1.0


def test_wider_decodes_than_were_measured_cost_no_less_for_one_disturbed_measurement() -> None:
    curve = MeasuredCost({1: 1.0, 2: 1.8, 4: 3.4, 7: 7.5, 8: 5.4}, 64)
    assert curve.relative[64] > 30


def test_one_real_decode_corrects_all_prices_that_nobody_measured() -> None:
    curve = MeasuredCost({1: 1.0, 8: 8.0, 16: 11.0}, 128)
    dear = curve.relative[128]
    for _ in range(3):
        curve.observe(1, 1.0, 100)
    curve.observe(64, 20.0, 100)
    assert curve.relative[64] == 20.0
    assert curve.relative[128] < dear
    assert curve.relative[16] == 11.0
    curve.observe(64, 90.0, 100)  # somebody else had the machine
    assert curve.relative[64] == 20.0


def test_prompts_tell_the_price_of_widths_that_nobody_measured_and_of_no_others() -> None:
    curve = MeasuredCost({1: 1.0, 8: 8.0, 16: 11.0}, 128)
    guessed = curve.relative[64]

    def read(width: int, seconds: float) -> None:
        curve.observe_prefill(width, seconds)
        for _ in range(9):
            curve.observe(1, 0.5, 100)  # twice as fast as at load

    read(64, 10.0)
    assert curve.relative[64] == 20.0 < guessed
    assert 11.0 < curve.relative[32] < 20.0
    for width in (0, 16, 512):
        read(width, 0.5)
    assert curve.relative[16] == 11.0
    read(64, 45.0)  # somebody else had the machine
    assert curve.relative[64] == 20.0
    read(64, 12.0)
    read(64, 5.0)  # somebody else had it after that, while one token was decoded
    assert curve.relative[64] == 20.0


# --- doubt ---------------------------------------------------------------------------------------------------------

DEAR = {1: 0.010, 2: 0.050, 4: 0.090, 8: 0.150, 16: 0.300}


def test_a_doubted_curve_is_priced_as_a_likely_one_so_that_drafts_are_tried() -> None:
    cost = MeasuredCost(DEAR, 16, Belief(trusted=False))
    assert not cost.trusted
    assert cost.relative[8] < 4.0
    assert MeasuredCost(DEAR, 16).relative[8] == 15.0


def test_a_doubted_curve_follows_what_decodes_take_and_is_trusted_in_the_end() -> None:
    cost = MeasuredCost(DEAR, 16, Belief(trusted=False))
    observe_both(cost, 20, 0.010, 0.030)
    assert cost.trusted
    assert cost.relative[4] == pytest.approx(3.0)
    assert cost.points[4] == pytest.approx(0.030)
    assert 4.0 < cost.relative[8] < 7.0  # dearer than likely by as much as four tokens were


def test_on_an_unsteady_machine_it_stays_doubted() -> None:
    cost = MeasuredCost(DEAR, 16, Belief(trusted=False))
    for i in range(40):
        cost.observe(1, 0.010 * (1 + i % 3), 100)
        cost.observe(4, 0.030, 100)
    assert not cost.trusted


def test_what_was_seen_of_a_doubted_curve_is_kept_with_it() -> None:
    first = MeasuredCost(DEAR, 16, Belief(trusted=False))
    observe_both(first, 3, 0.010, 0.030)
    assert first.changed
    second = MeasuredCost(first.points, 16, first.belief)
    assert second.relative == first.relative
    assert not second.changed


def test_one_disturbed_decode_makes_no_doubted_curve_dear() -> None:
    cost = MeasuredCost(DEAR, 16, Belief(trusted=False))
    before = cost.relative.copy()
    observe_both(cost, 1, 0.010, 0.500)
    assert cost.relative == before


def test_a_dear_curve_that_is_wrong_is_tried_and_then_doubted() -> None:
    cost = MeasuredCost(DEAR, 16)
    for _ in range(127):
        cost.observe(1, 0.010, 100)
    assert cost.relative[8] == 15.0
    cost.observe(1, 0.010, 100)
    assert cost.relative[8] < 4.0, "drafts pay for once"
    assert cost.relative[16] == 30.0, "but wide ones are no trial"
    cost.observe(8, 0.040, 100)
    assert not cost.trusted
    assert cost.relative[8] < 5.0


def test_a_dear_curve_that_is_right_is_tried_ever_less_often() -> None:
    cost = MeasuredCost(DEAR, 16)
    trials = []
    for i in range(2000):
        cost.observe(1, 0.010, 100)
        if cost.relative[8] < 10.0:
            trials.append(i)
            cost.observe(8, 0.150, 100)
    assert cost.trusted
    assert len(trials) == 4, trials
    assert cost.belief.interval == 2048


def test_short_answers_of_several_processes_count_towards_a_trial() -> None:
    points, belief = dict(DEAR), Belief()
    for _ in range(4):
        cost = MeasuredCost(points, 16, belief)
        for _ in range(40):
            cost.observe(1, 0.010, 100)
        points, belief = cost.points, cost.belief
    assert cost.relative[8] < 4.0


def test_a_curve_that_decodes_contradict_by_far_is_doubted() -> None:
    cost = MeasuredCost({1: 0.010, 4: 0.011, 8: 0.012, 16: 0.013}, 16)
    observe_both(cost, 40, 0.010, 0.030)
    assert cost.relative[4] == pytest.approx(3.0)
    assert cost.relative[8] > 3.0


def test_a_cheap_curve_is_not_made_dearer_by_a_trial() -> None:
    cost = MeasuredCost({1: 0.010, 8: 0.012, 16: 0.013}, 16)
    before = cost.relative.copy()
    for _ in range(200):
        cost.observe(1, 0.010, 100)
    assert cost.relative == before


@given(
    st.booleans(), st.lists(st.tuples(st.integers(1, 16), st.floats(1e-6, 10), st.integers(0, 30_000)), max_size=300)
)
def test_prices_of_any_curve_stay_positive_and_can_be_kept(
    trusted: bool, decodes: list[tuple[int, float, int]]
) -> None:
    cost = MeasuredCost(DEAR, 16, Belief(trusted=trusted))
    for width, seconds, n_past in decodes:
        cost.observe(width, seconds, n_past)
    assert all(price > 0 for price in cost.relative[1:])
    assert MeasuredCost(cost.points, 16, cost.belief).max_width == 16
