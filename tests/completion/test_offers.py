"""What became of a suggestion, as the text afterwards tells it or the editor does."""

import pytest

from spectra_local.completion.offers import Accepted, Offers
from spectra_local.protocol import FillIn

BEFORE, AFTER = "def f(n):\n    ", "\n\nf(1)\n"
SUGGESTED = "return n + 1"


def offered(text: str = SUGGESTED) -> Offers:
    offers = Offers()
    offers.offer(FillIn(BEFORE, AFTER), text)
    return offers


@pytest.mark.parametrize("after", ["\n\nf(1)\n", "\n    # more\n\nf(1)\n"])
def test_a_suggestion_that_stands_in_the_text_was_accepted(after: str) -> None:
    offers = offered()
    assert offers.seen(FillIn(BEFORE + SUGGESTED, after)) == Accepted(BEFORE, SUGGESTED)
    assert (offers.outcomes.accepted, offers.outcomes.accepted_chars) == (1, len(SUGGESTED))


def test_also_where_the_cursor_stands_elsewhere_meanwhile() -> None:
    offers = offered()
    assert offers.seen(FillIn("", BEFORE + SUGGESTED + AFTER)) == Accepted(BEFORE, SUGGESTED)


def test_while_it_is_typed_through_nothing_is_settled() -> None:
    offers = offered()
    assert offers.seen(FillIn(BEFORE + "retu", AFTER)) is None
    offers.offer(FillIn(BEFORE + "retu", AFTER), "rn n + 1")
    assert offers.seen(FillIn(BEFORE + SUGGESTED, AFTER)) == Accepted(BEFORE, SUGGESTED)
    assert (offers.outcomes.offered, offers.outcomes.rejected) == (1, 0)


def test_of_a_suggestion_taken_in_part_only_that_part_is_learned() -> None:
    offers = offered()
    assert offers.seen(FillIn(BEFORE + "return m", AFTER)) == Accepted(BEFORE, "return ")
    assert (offers.outcomes.accepted, offers.outcomes.partly_accepted) == (0, 1)


@pytest.mark.parametrize(
    "gap", [FillIn(BEFORE + "x = 2", AFTER), FillIn("another file", ""), FillIn(BEFORE + "r1", "")]
)
def test_other_text_rejects_a_suggestion(gap: FillIn) -> None:
    offers = offered()
    assert offers.seen(gap) is None
    assert (offers.outcomes.rejected, offers.outcomes.accepted_chars) == (1, 0)
    assert offers.seen(FillIn(BEFORE + SUGGESTED, AFTER)) is None


def test_an_editor_that_tells_is_believed() -> None:
    offers = offered()
    assert offers.accepted(FillIn(BEFORE, AFTER), "return") == Accepted(BEFORE, "return")
    assert offers.accepted(FillIn(BEFORE, AFTER), "pass") == Accepted(BEFORE, "pass")
    assert (offers.outcomes.partly_accepted, offers.outcomes.accepted, offers.outcomes.offered) == (1, 1, 2)


def test_text_before_is_handed_out_once() -> None:
    offers = offered()
    offers.accepted(FillIn(BEFORE, AFTER), SUGGESTED)
    further = BEFORE + SUGGESTED + "\n\n\ndef g():\n    "
    assert offers.accepted(FillIn(further), "return 2") == Accepted("\n\n\ndef g():\n    ", "return 2")
