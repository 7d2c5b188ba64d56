import pytest

from spectra_local.speculation.cost import CostCurve
from spectra_local.speculation.drafter import SpectraDrafter
from spectra_local.speculation.interface import TopK
from spectra_local.speculation.pace import FIRST_LOOK, LONGEST_REST, LOOK, SHORTEST_REST, Pace

DEAR_TIME = 0.05  # of a decode


def steps_awake(pace: Pace, steps: int, gain: float, share: float) -> int:
    awake = 0
    for _ in range(steps):
        if pace.resting:
            pace.rested()
        else:
            awake += 1
            pace.settle(gain, share)
    return awake


def test_fruitless_guessing_rests_longer_and_longer() -> None:
    pace = Pace()
    pace.begin()
    assert steps_awake(pace, FIRST_LOOK, 0.0, DEAR_TIME) == FIRST_LOOK
    assert pace.resting
    rests = []
    for _ in range(6):
        rest = 0
        while pace.resting:
            pace.rested()
            rest += 1
        rests.append(rest)
        assert steps_awake(pace, LOOK, 0.0, DEAR_TIME) == LOOK
    assert rests == [SHORTEST_REST, 16, 32, LONGEST_REST, LONGEST_REST, LONGEST_REST]


def test_guessing_that_gains_never_rests() -> None:
    pace = Pace()
    pace.begin()
    assert steps_awake(pace, 1000, 0.1, DEAR_TIME) == 1000


def test_guessing_that_takes_next_to_no_time_never_rests() -> None:
    pace = Pace()
    pace.begin()
    assert steps_awake(pace, 1000, 0.0, 0.001) == 1000


def test_a_request_begins_awake() -> None:
    pace = Pace()
    pace.begin()
    steps_awake(pace, 100, 0.0, DEAR_TIME)
    pace.begin()
    assert steps_awake(pace, FIRST_LOOK, 0.0, DEAR_TIME) == FIRST_LOOK


@pytest.fixture
def resting_drafter() -> SpectraDrafter:
    cost = CostCurve({1: 1.0, 64: 40.0})
    cost.one_s = 1e-9  # any time for guessing is too much
    drafter = SpectraDrafter(cost)
    drafter.begin(list(range(100, 200)))
    for token in range(1000, 1000 + FIRST_LOOK):
        assert not drafter.propose(40).blind
        drafter.learn([token], [TopK([token], [1.0])])
    return drafter


def test_a_resting_drafter_asks_for_no_view_of_the_model(resting_drafter: SpectraDrafter) -> None:
    tree = resting_drafter.propose(40)
    assert tree.blind
    assert not tree.tokens
    resting_drafter.learn([5000], [])
    assert resting_drafter.propose(40).blind


def test_text_that_is_being_copied_ends_a_rest(resting_drafter: SpectraDrafter) -> None:
    for token in range(120, 126):
        assert resting_drafter.propose(40).blind
        resting_drafter.learn([token], [])
    assert not resting_drafter.propose(40).blind
