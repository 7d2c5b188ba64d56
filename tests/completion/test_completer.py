"""What a Completer asks, serves and hands out, on a scripted engine."""

from dataclasses import replace

import pytest
from fakes.scripted import INFO, Gate, Script, ScriptedAssistant, done, say
from hypothesis import example, given
from hypothesis import strategies as st

from spectra_local.completion.completer import Completer, CompletionRequest, Piece, Suggestion
from spectra_local.completion.window import windowed
from spectra_local.protocol import FillIn, Text

FIM = replace(INFO, fill_in="qwen")


def completer(*scripts: Script) -> tuple[Completer, ScriptedAssistant]:
    assistant = ScriptedAssistant(*scripts, info=FIM)
    return Completer(assistant), assistant


def suggestions(completer: Completer, prefix: str, suffix: str = "", **options: object) -> list[Suggestion]:
    request = CompletionRequest(FillIn(prefix, suffix), **options)  # type: ignore[arg-type]
    return [item for item in completer.complete(request) if isinstance(item, Suggestion)]


def test_typed_through_text_is_served_without_the_model() -> None:
    make, assistant = completer(say("return n"))
    suggestions(make, "def f(n):\n    ")
    (rest,) = suggestions(make, "def f(n):\n    retu")
    assert (rest.text, rest.cached, len(assistant.requests)) == ("rn n", True, 1)
    suggestions(make, "def f(n):\n    x")
    assert len(assistant.requests) == 2


def test_a_gap_that_is_typed_into_keeps_its_prompt() -> None:
    make, assistant = completer(say("a"), say("b"))
    suggestions(make, "x = ", "\ny\n")
    suggestions(make, "x = 12", "\ny\n")
    suggestions(make, "x", "\ny\n")
    assert [r.fill_in for r in assistant.requests] == [
        FillIn("x = ", "\ny\n"), FillIn("x = ", "\ny\n", middle="12"), FillIn("x", "\ny\n"),
    ]  # fmt: skip


def test_further_suggestions_are_drawn_side_by_side_and_come_once_each() -> None:
    drawn = [Text("a", answer=1), Text("b", answer=0), Text("c", answer=2), Text("\nd", answer=2), done()]
    make, assistant = completer(say("a"), drawn)
    assert [s.text for s in suggestions(make, "x = ", "\nd\n", count=4)] == ["a", "b", "c\nd"]
    first, further = assistant.requests
    assert (first.count, further.count) == (1, 3)
    assert first.sampling.temperature == 0 < further.sampling.temperature
    assert first.fill_in == further.fill_in


def test_a_first_line_comes_as_soon_as_it_is_whole_and_is_kept_where_the_rest_is_cancelled() -> None:
    gate = Gate()
    make, assistant = completer([Text("\n    a = 1"), Text("\n    b"), gate, *say(" = 2")])
    items = make.complete(CompletionRequest(FillIn("def f():"), line_first=True))
    first = next(item for item in items if isinstance(item, Suggestion))
    assert (first.text, first.finish_reason) == ("\n    a = 1", "line")
    make.cancel()
    assert [item.finish_reason for item in items if isinstance(item, Suggestion)] == ["cancelled"]
    (rest,) = suggestions(make, "def f():\n    a ")
    assert (rest.text, rest.cached, len(assistant.requests)) == ("= 1", True, 1)


def test_a_whole_suggestion_takes_its_first_lines_place() -> None:
    make, _ = completer(say("a = 1\n    b = 2", size=1), say("x"))
    gap = FillIn("def f():\n    ")
    found = [i for i in make.complete(CompletionRequest(gap, line_first=True)) if isinstance(i, Suggestion)]
    assert [each.text for each in found] == ["a = 1", "a = 1\n    b = 2"]
    assert [s.text for s in suggestions(make, gap.prefix + "a = 1")] == ["\n    b = 2"]
    suggestions(make, gap.prefix + "a = 1\n    b = 2\n")
    assert (make.outcomes.offered, make.outcomes.accepted, make.outcomes.rejected) == (2, 1, 0)


def test_a_line_that_may_be_the_one_below_is_no_first_line_yet() -> None:
    make, _ = completer(say("total = total_of(a)\ntotal = total_of(b)\n", size=1))
    gap = FillIn("", "\ntotal = total_of(a)\ntotal = total_of(b)\n")
    found = [i for i in make.complete(CompletionRequest(gap, line_first=True)) if isinstance(i, Suggestion)]
    assert [each.finish_reason for each in found] == ["rule"]


def test_a_gap_that_was_typed_into_continues_and_another_does_not() -> None:
    make, _ = completer(say("a"))
    assert not make.continues(FillIn("x = "))
    suggestions(make, "x = ", "\ny\n")
    assert make.continues(FillIn("x = 12", "\ny\n"))
    assert not make.continues(FillIn("x = ", "\nz\n"))
    assert not make.continues(FillIn("x", "\ny\n"))


def test_suggestions_that_differ_in_blanks_around_them_alone_are_one() -> None:
    drawn = [Text("  f(x) ", answer=0), Text("g(x)", answer=1), done()]
    make, _ = completer(say("f(x)"), drawn)
    assert [s.text for s in suggestions(make, "x = 1\n", "\ny\n", count=3)] == ["f(x)", "g(x)"]


def test_nothing_is_suggested_where_there_is_no_text_to_go_by() -> None:
    make, assistant = completer(say("import React"))
    assert [s.text for s in suggestions(make, "\n", " ")] == [""]
    assert not assistant.requests


@pytest.mark.parametrize("size", [1, 100])
def test_no_suggestion_begins_its_line_anew(size: int) -> None:
    drawn = [Text("return a - b", answer=0), Text("return", answer=1), done()]
    make, _ = completer(say("return a + b", size=size), drawn)
    assert [s.text for s in suggestions(make, "def f(a, b):\n    return ", count=3)] == ["a + b", "a - b"]


def test_what_was_accepted_is_learned_after_the_next_suggestion_and_nothing_else_is() -> None:
    make, assistant = completer(say("return n"), say("x"))
    suggestions(make, "def f(n):\n    ")
    suggestions(make, "def f(n):\n    return n\n\n")
    suggestions(make, "y = 2")
    assert [(r.prompt, r.accepted) for r in assistant.requests] == [
        (None, None), (None, None), ("def f(n):\n    ", "return n"), (None, None),
    ]  # fmt: skip
    assert (make.outcomes.offered, make.outcomes.accepted, make.outcomes.rejected) == (3, 1, 1)


def test_an_editors_word_that_a_part_was_accepted_is_learned_unless_forbidden() -> None:
    make, assistant = completer(say("return n"))
    gap = FillIn("def f(n):\n    ")
    suggestions(make, gap.prefix)
    make.accepted(gap, "return", learn=False)
    make.accepted(gap, "return")
    assert [r.accepted for r in assistant.requests] == [None, "return"]


def test_until_a_file_is_saved_nothing_is_learned_and_then_what_stands_in_it() -> None:
    assistant = ScriptedAssistant(say("return n"), say("gone"), info=FIM)
    make = Completer(assistant, until_saved=True)
    suggestions(make, "def f(n):\n    ")
    suggestions(make, "def f(n):\n    return n\n\n")
    make.accepted(FillIn("def f(n):\n    return n\n\n"), "gone")
    assert all(request.accepted is None for request in assistant.requests)
    make.saved("def f(n):\r\n    return n\r\n")
    assert [request.accepted for request in assistant.requests[2:]] == ["return n"]


def test_where_nothing_may_be_learned_requests_say_so() -> None:
    make, assistant = completer(say("a"))
    suggestions(make, "x = ", learn=False)
    suggestions(make, "x = a\n", learn=False)
    assert [(r.learn, r.accepted) for r in assistant.requests] == [(False, None)] * 2


def test_a_rule_ends_the_request_and_not_only_the_text() -> None:
    gate = Gate()
    make, _ = completer([Text("return 1\ndef g"), gate, *say("never")])
    (suggestion,) = suggestions(make, "def f():\n    ")
    assert (suggestion.text, suggestion.finish_reason) == ("return 1", "rule")


def test_a_cancelled_suggestion_is_not_served_again() -> None:
    gate = Gate()
    make, assistant = completer([Text("ab"), gate], say("abc"))
    items = make.complete(CompletionRequest(FillIn("x = ")))
    assert next(items) == Piece("ab")
    make.cancel()
    assert [i.finish_reason for i in items if isinstance(i, Suggestion)] == ["cancelled"]
    assert not suggestions(make, "x = ")[0].cached
    assert len(assistant.requests) == 2


def test_time_is_up_at_the_end_of_a_line() -> None:
    make, _ = completer([Text("a = 1\n"), Text("b = "), *say("2\nc = 3")])
    (suggestion,) = suggestions(make, "x = 0\n", max_ms=0.0)
    assert (suggestion.text, suggestion.finish_reason) == ("a = 1", "time")


def test_windows_line_ends_come_back_and_the_model_sees_none() -> None:
    make, assistant = completer(say("a\n    b"))
    (suggestion,) = suggestions(make, "\ufeffdef f():\r\n    ", "\r\n")
    assert suggestion.text == "a\r\n    b"
    assert assistant.requests[0].fill_in == FillIn("def f():\n    ", "\n")


def test_a_model_without_fill_in_tokens_is_asked_in_words_and_that_is_said() -> None:
    assistant = ScriptedAssistant(say("1"))
    (suggestion,) = suggestions(Completer(assistant), "x = ", "\n")
    assert suggestion.by_instruction
    assert assistant.requests[0].fill_in is None
    assert assistant.requests[0].messages[-1].content.endswith("\nx = ")


def test_a_model_asked_in_words_sees_of_endless_lines_what_its_context_holds() -> None:
    assistant = ScriptedAssistant(say("1"), info=replace(INFO, n_ctx=1000))
    suggestions(Completer(assistant), "x" * 900_000, "y" * 900_000)
    assert sum(len(message.content) for message in assistant.requests[0].messages) < 2000


def test_of_an_endless_line_little_is_read_also_where_it_is_given_as_typed() -> None:
    for fill_in in ("", "qwen"):
        assistant = ScriptedAssistant(say("1"), info=replace(INFO, n_ctx=100_000, fill_in=fill_in))
        gap = FillIn("x", "y" * 3_000_000, middle="x" * 3_000_000 + "z")
        list(Completer(assistant).complete(CompletionRequest(gap)))
        (asked,) = assistant.requests
        texts = [m.content for m in asked.messages] if asked.fill_in is None else [asked.fill_in.prefix]
        assert sum(map(len, texts)) <= 4_000
        assert "xz" in "".join(texts)


@pytest.mark.parametrize("text", [" ", "\n\n", "y = 2"])
def test_nothing_is_suggested_where_nothing_is_missing(text: str) -> None:
    make, _ = completer(say(text))
    assert suggestions(make, "x = 1\n", "\ny = 2\n")[0].text == ""


@example("\naaa\n", "aaaa", "\naaa")
@example("a\nfirst = number_1\nsecond = number_1\n", "", "\nfirst = number_2\nsecond = number_2\n")
@example("aaa (", "aaa ", "")
@given(st.text("ab( )\n{}'x", max_size=40), st.text("ab( )\n{}'x", max_size=20), st.text("ab( )\n{}'x", max_size=20))
def test_pieces_are_always_the_beginning_of_the_suggestion(text: str, prefix: str, suffix: str) -> None:
    make, _ = completer(say(text, size=1))
    items = list(make.complete(CompletionRequest(FillIn(prefix, suffix))))
    pieces = "".join(item.text for item in items if isinstance(item, Piece))
    (last,) = (item for item in items if isinstance(item, Suggestion))
    assert last.text.startswith(pieces)


def test_on_a_cpu_little_is_read_before_the_first_suggestion_in_a_long_file() -> None:
    lines = [f"    line_{i} = compute(some, arguments, {i})\n" for i in range(50_000)]
    gap = FillIn("".join(lines[:25_000]), "".join(lines[25_000:]))
    near, far = windowed(gap, "CPU, 2 threads"), windowed(gap, "CUDA0: NVIDIA H100")
    assert len(near.prefix) + len(near.suffix) <= 5_500
    assert far.prefix.endswith(near.prefix)
    assert gap.prefix.endswith(far.prefix)
    assert far.suffix.startswith(near.suffix)
    assert len(far.prefix) > 2 * len(near.prefix)


def test_a_window_keeps_its_beginning_over_many_lines() -> None:
    lines = [f"line {i}\n" for i in range(50_000)]
    starts = {windowed(FillIn("".join(lines[:n]))).prefix[:12] for n in range(40_000, 40_060)}
    assert len(starts) <= 2
