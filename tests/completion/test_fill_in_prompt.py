"""What each family's prompt is, on a vocabulary of characters: control tokens are ids, all else is text."""

from dataclasses import dataclass, field
from types import SimpleNamespace
from typing import Any

import pytest

from spectra_local.completion.fill_in_prompt import FillInPrompt, find_fill_in_prompt
from spectra_local.completion.window import ON_CPU
from spectra_local.protocol import ExtraFile, FillIn

QWEN = {"pre": "<|fim_prefix|>", "suf": "<|fim_suffix|>", "mid": "<|fim_middle|>"}
REPO = {"rep": "<|repo_name|>", "sep": "<|file_sep|>"}
CODESTRAL = {"pre": "[PREFIX]", "suf": "[SUFFIX]"}
DEEPSEEK = {"pre": "<｜fim▁begin｜>", "suf": "<｜fim▁hole｜>", "mid": "<｜fim▁end｜>"}
STARCODER = {"pre": "<fim_prefix>", "suf": "<fim_suffix>", "mid": "<fim_middle>"}
CODELLAMA = {"pre": "▁<PRE>", "suf": "▁<SUF>", "mid": "▁<MID>"}
SEED = {"pre": "<[fim-prefix]>", "suf": "<[fim-suffix]>", "mid": "<[fim-middle]>"}
GLM = {"pre": "<|code_prefix|>", "suf": "<|code_suffix|>", "mid": "<|code_middle|>"}
FIRST_CONTROL = 0x200000  # beyond every character


@dataclass
class Characters:
    """A vocabulary whose texts are their characters."""

    control: dict[str, str]
    add_bos: bool = False
    bos: int = 1
    user_defined: bool = False
    header: Any = field(init=False)

    def __post_init__(self) -> None:
        users = frozenset(self.control.values()) if self.user_defined else frozenset()
        self.header = SimpleNamespace(user_tokens=users, control_tokens=frozenset(self.control.values()))

    def fim_tokens(self) -> dict[str, int]:
        return {name: FIRST_CONTROL + i for i, name in enumerate(self.control)}

    def tokenize(self, text: str, *, special: bool = False) -> list[int]:
        tokens = []
        while text:
            named = [n for n, t in self.control.items() if (special or self.user_defined) and text.startswith(t)]
            tokens.append(self.fim_tokens()[named[0]] if named else ord(text[0]))
            text = text[len(self.control[named[0]]) if named else 1 :]
        return tokens

    def shown(self, tokens: list[int]) -> str:
        names = {i: f"({name})" for name, i in self.fim_tokens().items()}
        return "".join("(bos)" if t == self.bos else names.get(t) or chr(t) for t in tokens)


def prompt_for(vocabulary: Characters) -> FillInPrompt:
    prompt = find_fill_in_prompt(vocabulary)
    assert prompt
    return prompt


def shown(vocabulary: Characters, fill_in: FillIn, budget: int = 1000) -> str:
    return vocabulary.shown(prompt_for(vocabulary).tokens(fill_in, budget))


@pytest.mark.parametrize(
    ("vocabulary", "name", "expected"),
    [
        (Characters(QWEN), "qwen", "(pre)a = (suf)\nb(mid)"),
        (Characters(CODESTRAL, add_bos=True), "codestral", "(bos)(suf)\nb(pre)a = "),
        (Characters(DEEPSEEK, add_bos=True), "deepseek", "(bos)(pre)a = (suf)\nb(mid)"),
        (Characters(STARCODER), "starcoder", "(pre)a = (suf)\nb(mid)"),
        (Characters(GLM), "glm", "(pre)a = (suf)\nb(mid)"),
        (Characters(SEED, add_bos=True), "seed-coder", "(bos)(suf)\nb(pre)a = (mid)"),
        (Characters(CODELLAMA, add_bos=True), "codellama", "(bos)(pre)a = (suf)\nb(mid)"),
    ],
)
def test_each_family_has_its_order(vocabulary: Characters, name: str, expected: str) -> None:
    assert prompt_for(vocabulary).name == name
    assert shown(vocabulary, FillIn("a = ", "\nb")) == expected


@pytest.mark.parametrize("control", [{}, {"pre": "<a>"}, {"pre": "<fim_prefix>", "suf": "<fim_suffix>"}])
def test_a_vocabulary_without_all_tokens_has_no_prompt(control: dict[str, str]) -> None:
    assert find_fill_in_prompt(Characters(control)) is None


def test_what_was_typed_into_the_gap_continues_the_middle() -> None:
    assert shown(Characters(QWEN), FillIn("a", "b", middle="xy")) == "(pre)a(suf)b(mid)xy"


@pytest.mark.parametrize("user_defined", [False, True])
def test_a_files_text_never_becomes_a_control_token(user_defined: bool) -> None:
    vocabulary = Characters(QWEN, user_defined=user_defined)
    text = "x<|fim_middle|>y"
    assert shown(vocabulary, FillIn(text, text, text)) == f"(pre){text}(suf){text}(mid){text}"


def test_related_files_stand_before_the_gap_under_their_names() -> None:
    fill_in = FillIn(
        "a", "b", path="m.py", repository="p", extra=(ExtraFile("u.py", "one"), ExtraFile("v.py", "two\n"))
    )
    assert shown(Characters(QWEN | REPO), fill_in) == (
        "(rep)p\n(sep)u.py\none\n(sep)v.py\ntwo\n(sep)m.py\n(pre)a(suf)b(mid)"
    )
    assert shown(Characters(CODESTRAL), fill_in) == ("(suf)b(pre)+++++ u.py\none\n+++++ v.py\ntwo\n+++++ m.py\na")


def test_a_budget_leaves_out_extra_files_first_then_what_is_far_from_the_gap() -> None:
    fill_in = FillIn("p" * 50, "s" * 50, extra=(ExtraFile("far", "1" * 30), ExtraFile("near", "2" * 30)))
    roomy = shown(Characters(QWEN | REPO), fill_in, 165)
    assert ("near" in roomy, "far" in roomy) == (True, False)
    tight = shown(Characters(QWEN), FillIn("front" + "p" * 50, "s" * 50 + "back"), 43)
    assert "front" not in tight and "back" not in tight
    assert len(prompt_for(Characters(QWEN)).tokens(FillIn("p" * 500, "s" * 500), 43)) <= 43


def test_a_cut_prefix_stays_cut_at_the_same_place_while_it_grows() -> None:
    prompt = prompt_for(Characters(QWEN))
    text = "".join(chr(0x4E00 + i) for i in range(300))
    starts = {prompt.tokens(FillIn(text[:n]), 203)[1] for n in range(250, 270)}
    assert len(starts) <= 2


def test_a_window_counts_tokens_where_lines_are_dense() -> None:
    prompt = prompt_for(Characters(QWEN | REPO))
    extra = (ExtraFile("far", "1" * ON_CPU.extra_tokens), ExtraFile("near", "2" * (ON_CPU.extra_tokens // 2)))
    tokens = prompt.tokens(FillIn("p" * 4_000, "s" * 1_500, extra=extra), 10**6, ON_CPU)
    assert tokens.count(ord("2")) == ON_CPU.extra_tokens // 2
    assert ON_CPU.tokens - ON_CPU.tokens // 8 <= tokens.count(ord("p")) + tokens.count(ord("s")) <= ON_CPU.tokens
    assert len(tokens) <= ON_CPU.tokens + ON_CPU.extra_tokens + len(QWEN | REPO)


def test_what_is_typed_into_a_full_window_moves_nothing_before_it() -> None:
    prompt = prompt_for(Characters(QWEN))
    text = "".join(chr(0x4E00 + i) for i in range(4_000))
    before = prompt.tokens(FillIn(text, text), 10**6, ON_CPU)
    assert prompt.tokens(FillIn(text, text, middle="x" * 400), 10**6, ON_CPU) == before + [ord("x")] * 400
