from spectra_local.speculation.bankroll import MOST_LOST, SHORTEST
from spectra_local.speculation.cost import CostCurve
from spectra_local.speculation.sizing import best_size

STAIRCASE = CostCurve({1: 1, 2: 1.07, 4: 1.25, 8: 1.9, 16: 2.4, 32: 2.8})
DEAR = CostCurve({1: 1, 2: 2, 64: 64})


RICH = 1000.0


def test_no_draft_where_width_costs_as_much_as_tokens() -> None:
    assert best_size([0.99] * 20, DEAR, RICH).taken == 0


def test_no_draft_where_nothing_is_likely() -> None:
    assert best_size([0.02, 0.01], STAIRCASE, RICH).taken == 0


def test_a_likely_chain_is_drafted_beyond_the_dear_step() -> None:
    assert best_size([0.97**i for i in range(1, 32)], STAIRCASE, RICH).taken == 31


def test_an_uncertain_chain_stops_before_the_dear_step() -> None:
    assert best_size([0.6**i for i in range(1, 32)], STAIRCASE, RICH).taken == 3


def test_without_a_lead_uncertain_guesses_are_wanted_but_not_taken() -> None:
    assert best_size([0.8, 0.7, 0.6], STAIRCASE, 0.0) == (0, 3)


def test_a_sure_match_is_drafted_whole_from_the_first_token() -> None:
    assert best_size([0.999**i for i in range(1, 32)], STAIRCASE, MOST_LOST * SHORTEST).taken == 31
