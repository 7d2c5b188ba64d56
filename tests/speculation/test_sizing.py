from spectra_local.speculation.cost import CostCurve
from spectra_local.speculation.sizing import MOST_LOST, SHORTEST, Bankroll, best_size

STAIRCASE = CostCurve({1: 1, 2: 1.07, 4: 1.25, 8: 1.9, 16: 2.4, 32: 2.8})
DEAR = CostCurve({1: 1, 2: 2, 64: 64})


def rich() -> Bankroll:
    bankroll = Bankroll()
    bankroll.settle(1000, 100.0)
    return bankroll


def test_no_draft_where_width_costs_as_much_as_tokens() -> None:
    assert best_size([0.99] * 20, DEAR, rich()) == 0


def test_no_draft_where_nothing_is_likely() -> None:
    assert best_size([0.02, 0.01], STAIRCASE, rich()) == 0


def test_a_likely_chain_is_drafted_beyond_the_dear_step() -> None:
    assert best_size([0.97**i for i in range(1, 32)], STAIRCASE, rich()) == 31


def test_an_uncertain_chain_stops_before_the_dear_step() -> None:
    assert best_size([0.6**i for i in range(1, 32)], STAIRCASE, rich()) == 3


def test_an_empty_bankroll_takes_no_risk_on_uncertain_guesses() -> None:
    bankroll = Bankroll()
    bankroll.settle(20, 20 * (1 + MOST_LOST))
    assert bankroll.at_risk < 1e-9
    assert best_size([0.8, 0.7, 0.6], STAIRCASE, bankroll) == 0


def test_the_allowance_grows_with_the_answer() -> None:
    bankroll = Bankroll()
    assert bankroll.at_risk == MOST_LOST * SHORTEST
    bankroll.settle(100, 100.0)
    assert bankroll.at_risk == MOST_LOST * 100


def test_a_sure_match_is_drafted_whole_from_the_first_token() -> None:
    assert best_size([0.999**i for i in range(1, 32)], STAIRCASE, Bankroll()) == 31
