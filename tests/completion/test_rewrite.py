"""What is asked for a rewriting, what counts as a replacement, and what stays byte for byte."""

from dataclasses import replace

import pytest
from fakes.scripted import Script, ScriptedAssistant, done, say

from spectra_local.completion.replacement import ReplacementError
from spectra_local.completion.rewrite import RewriteRequest, Rewritten, regions, rewrite
from spectra_local.errors import ContextFullError, SpectraError, UsageError
from spectra_local.protocol import Done, Notice, Text, Timings

CODE = "def f(a):\n    return a\n"


def rewritten(text: str, answer: str | Script, before: str = "", after: str = "") -> tuple[str, ScriptedAssistant]:
    assistant = ScriptedAssistant(say(answer) if isinstance(answer, str) else answer)
    items = list(rewrite(assistant, RewriteRequest(text, "Add one.", before, after)))
    assert isinstance(items[-1], Rewritten)
    return items[-1].text, assistant


def test_the_original_comes_before_the_instruction_and_is_the_prediction() -> None:
    text, assistant = rewritten(CODE, "def f(a):\n    return a + 1")
    assert text == "def f(a):\n    return a + 1\n"
    (request,) = assistant.requests
    asked = request.messages[0].content
    assert asked.index("return a") < asked.index("Add one.")
    assert request.prediction == CODE + "```"
    assert request.messages[-1].content == "```\n"


@pytest.mark.parametrize(
    "answer",
    [
        "Here is the changed code:\n```python\ndef f(a):\n    return a + 1\n```\nI added one.",
        "```\ndef f(a):\n    return a + 1\n```",
        "def f(a):\n    return a + 1\n\n",
    ],
)
def test_wrapping_around_a_replacement_goes_away(answer: str) -> None:
    assert rewritten(CODE, answer)[0] == "def f(a):\n    return a + 1\n"


@pytest.mark.parametrize(
    "answer",
    [
        "",
        "I have added one to the result.",
        "def f(a):\n    # ... rest of the code",
        "def f(a):\n    return a + 1\n```\nHere is why:\n```\nx",
        [Text("def f(a"), Done("length", Timings(), 10, 100)],
        [Text("def f(a"), Done("cancelled", Timings(), 10, 100)],
        [ContextFullError("the prompt has 9 tokens and the context holds 8; shorten it")],
    ],
)
def test_what_is_no_replacement_is_refused(answer: str | Script) -> None:
    with pytest.raises(ReplacementError, match="stays as it is"):
        rewritten(CODE, answer)


def test_a_text_beyond_the_context_is_called_too_long_with_both_numbers() -> None:
    full = ContextFullError("the prompt has 9 tokens and the context holds 8; shorten it")
    with pytest.raises(ReplacementError, match=r"the text is too long: .* 9 tokens .* holds 8; .* fewer lines"):
        rewritten(CODE, [full])


def test_a_notice_ends_no_rewriting() -> None:
    assert rewritten("a\n", [Notice("nothing is learned"), *say("b")])[0] == "b\n"


def test_lines_that_did_not_change_keep_their_bytes() -> None:
    old = "\ufeffa = 1  \r\nb = 2\nc = 3\r\n\r\n"
    assert rewritten(old, "a = 1\nb = 5\nc = 3")[0] == "\ufeffa = 1  \r\nb = 5\r\nc = 3\r\n\r\n"


def test_a_last_line_without_an_end_keeps_having_none() -> None:
    assert rewritten("a\nb", "a\nc")[0] == "a\nc"
    assert rewritten("a", "a\nb")[0] == "a\nb"


def test_an_indented_block_is_asked_at_the_margin_and_put_back() -> None:
    text, assistant = rewritten("\t\ta()\n\t\t\tb()\n", "a()\n\tc()")
    assert assistant.requests[0].prediction == "a()\n\tb()\n```"
    assert text == "\t\ta()\n\t\t\tc()\n"


def test_lines_around_a_block_are_shown_and_not_taken_over() -> None:
    text, assistant = rewritten(CODE, "import os\n\ndef f(a):\n    return 2\n\nf(1)", "import os\n\n", "\nf(1)\n")
    assert "import os" in assistant.requests[0].messages[0].content
    assert text == "def f(a):\n    return 2\n"


def test_a_text_with_fences_gets_a_longer_one() -> None:
    _, assistant = rewritten("a\n```\nb\n```\n", "a\n```\nc\n```\n")
    assert assistant.requests[0].stop == ("\n````",)


def test_a_long_text_is_edited_by_region_and_nothing_of_it_is_lost() -> None:
    text = "".join(f"def f{i}():\n    return {i}\n\n" for i in range(200))
    parts = regions(text)
    assert len(parts) > 3
    assert "".join(parts) == text
    assert all(part.startswith("def") for part in parts)


@pytest.mark.timeout(60)
def test_a_block_in_a_text_of_50_000_lines_is_asked_for_at_once_with_little_around_it() -> None:
    far = "".join(f"line {i} of many, this one is not special\n" for i in range(25_000))
    block = "".join(f"x{i} = {i}\n" for i in range(40))
    text, assistant = rewritten(block, block.replace("x1 ", "y1 "), far, far)
    assert text == block.replace("x1 ", "y1 ")
    asked = assistant.requests[0].messages[0].content
    assert "line 24999" in asked
    assert len(asked) < len(block) + 1_800


def test_a_text_of_50_000_lines_is_refused_with_what_to_do() -> None:
    with pytest.raises(UsageError, match=r"50,000 lines are too many .* choose lines"):
        rewritten("x = 1\n" * 50_000, "x = 2\n")


@pytest.mark.parametrize(
    ("answer", "words"),
    [("  \n", "with nothing; .* larger model"), ("one\n", "the lines around the text"), ("```\n```", "with nothing;")],
)
def test_a_blank_answer_is_one_only_where_deletion_was_asked_for(answer: str, words: str) -> None:
    around = {"before": "one\n", "after": "three\n"}
    asked = RewriteRequest("two\n", "Use another word.", **around)
    with pytest.raises(ReplacementError, match=words):
        list(rewrite(ScriptedAssistant(say(answer)), asked))
    deleting = list(rewrite(ScriptedAssistant(say(answer)), replace(asked, instruction="Delete this line.")))[-1]
    assert isinstance(deleting, Rewritten)
    assert deleting.text == ""


def test_a_model_without_a_chat_template_is_refused() -> None:
    from dataclasses import replace

    from fakes.scripted import INFO

    with pytest.raises(SpectraError, match="instruct"):
        list(rewrite(ScriptedAssistant([done()], info=replace(INFO, template="")), RewriteRequest(CODE, "x")))
