from spectra_local.speculation.bankroll import MOST_LOST, SHORTEST, Bankroll


def chain(tokens: list[int]):
    """Nodes 0, 1, ... one after the other."""
    return lambda node, token: node + 1 if node + 1 < len(tokens) and tokens[node + 1] == token else None


def lost(cost: float) -> Bankroll:
    bankroll = Bankroll()
    bankroll.settle([0], 1.0 + cost)
    return bankroll


def test_the_allowance_grows_with_the_answer() -> None:
    bankroll = Bankroll()
    assert bankroll.at_risk == MOST_LOST * SHORTEST
    bankroll.settle([0] * 100, 100.0)
    assert bankroll.at_risk == MOST_LOST * 100


def test_a_loss_beyond_the_allowance_forbids_all_risk() -> None:
    assert lost(5.0).at_risk == 0.0


def test_a_withheld_draft_that_comes_true_is_trusted_as_if_it_had_gained() -> None:
    bankroll = lost(5.0)
    bankroll.withhold(chain([7, 8, 9, 10, 11, 12, 13]), 7, 2.0)
    for token in (7, 8, 9, 10, 11, 12, 13):
        bankroll.settle([token], 1.0)
        assert bankroll.at_risk == 0.0
    bankroll.settle([99], 1.0)
    assert abs(bankroll.at_risk - (-5.0 + 6.0 + MOST_LOST * SHORTEST)) < 1e-9


def test_nodes_beyond_what_was_withheld_do_not_count() -> None:
    bankroll = lost(5.0)
    bankroll.withhold(chain([7, 8, 9, 10, 11]), 2, 2.0)
    bankroll.settle([7, 8, 9, 10, 11], 5.0)
    assert bankroll.at_risk == 0.0


def test_a_withheld_draft_that_fails_costs_nothing_but_what_others_earned() -> None:
    bankroll = Bankroll()
    bankroll.settle([0] * 9, 7.0)
    before = bankroll.at_risk
    assert before == 2.0 + MOST_LOST * SHORTEST
    bankroll.withhold(chain([7]), 1, 3.0)
    bankroll.settle([8], 1.0)
    assert bankroll.at_risk == before, "nothing was earned with others before it"
    bankroll.withhold(chain([7, 8, 9, 10]), 4, 2.0)
    bankroll.settle([7, 8, 9, 10, 99], 5.0)
    assert bankroll.at_risk == before + 3.0
    bankroll.withhold(chain([7]), 1, 3.0)
    bankroll.settle([8], 1.0)
    assert bankroll.at_risk == before + 1.0
