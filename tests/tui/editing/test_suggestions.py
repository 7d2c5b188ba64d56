"""What is shown at the cursor while it grows, is typed through, dismissed and cycled."""

from spectra_local.completion.completer import Piece, Suggestion
from spectra_local.protocol import FillIn, Timings
from tui.editing.suggestions import Suggestions, first_word, worth_asking


def whole(text: str, reason: str = "stop", *, cached: bool = False) -> Suggestion:
    return Suggestion(text, reason, Timings(), cached=cached)


def gap(prefix: str, suffix: str = "\n") -> FillIn:
    return FillIn(prefix, suffix, path="a.py")


def suggested(text: str = "return 1") -> Suggestions:
    suggestions = Suggestions()
    suggestions.ask(gap("x = "))
    suggestions.receive(whole(text))
    return suggestions


def test_it_grows_and_is_typed_through_without_asking_again():
    suggestions = Suggestions()
    suggestions.ask(gap("x = "))
    suggestions.receive(Piece("ret"))
    assert suggestions.at(gap("x = ")) == "ret"
    assert suggestions.at(gap("x = r")) == "et"
    suggestions.receive(whole("return 1"))
    assert suggestions.at(gap("x = re")) == "turn 1"
    assert suggestions.at(gap("x = ra")) == ""
    assert suggestions.at(gap("x = return 1")) == ""
    assert suggestions.at(gap("x = ", "else")) == ""


def test_what_a_cancelled_request_left_is_not_served():
    suggestions = Suggestions()
    suggestions.ask(gap("x = "))
    suggestions.receive(Piece("ret"))
    suggestions.ask(gap("x = a"))
    assert suggestions.at(gap("x = ")) == ""


def test_dismissed_means_until_something_is_typed_or_asked():
    suggestions = suggested()
    suggestions.dismiss(gap("x = "))
    assert suggestions.at(gap("x = ")) == ""
    assert suggestions.at(gap("x = r")) == "eturn 1"
    suggestions.ask(gap("x = "))
    assert suggestions.at(gap("x = ")) == "return 1"


def test_alternatives_are_cycled_both_ways():
    suggestions, here = suggested("one"), gap("x = ")
    assert not suggestions.next(here, 1)
    suggestions.ask(here, further=True)
    suggestions.receive(whole("one", cached=True))
    suggestions.receive(whole("two"))
    assert suggestions.at(here) == "two"
    assert suggestions.place(here) == (2, 2)
    assert suggestions.next(here, -1)
    assert suggestions.at(here) == "one"
    assert suggestions.next(here, 1)
    assert suggestions.at(here) == "two"
    assert not suggestions.next(here, 1), "a third one has to be made"


def test_the_first_word_of_a_suggestion():
    assert first_word("return 1\n") == "return"
    assert first_word("  (a, b)") == "  ("
    assert first_word("\n    x = 1") == "\n    x"


def test_nothing_is_asked_for_in_the_middle_of_a_line_or_of_nothing():
    assert worth_asking(gap("x = "))
    assert worth_asking(gap("f(", ")\n"))
    assert not worth_asking(gap("x = ", " + something_long\n"))
    assert not worth_asking(gap("\n\n"))
