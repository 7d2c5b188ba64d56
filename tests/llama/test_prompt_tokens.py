"""Ids of prompts against those that llama.cpp has for the whole text, over every vocabulary in its sources."""

import os
from collections.abc import Iterator
from itertools import pairwise
from pathlib import Path

import pytest

from spectra_local.llama.model import Model
from spectra_local.llama.prompt_spans import Span, joined
from spectra_local.llama.prompt_tokens import prompt_tokens

LLAMA_CPP = Path(os.environ.get("LLAMA_CPP_SOURCE", "/nonexistent"))
FILES = sorted((LLAMA_CPP / "models").glob("ggml-vocab-*.gguf"))
FILES = [path for path in FILES if "bert" not in path.stem]  # embedding models do not chat
MARKERS = ("<|im_start|>", "<|im_end|>", "<|user|>", "<|end|>", "<s>", "</s>", "<|endoftext|>", "[INST]")
TURNS = (
    ("system", "Be brief."),
    ("user", "  Grüße, what's up?\n\n"),
    ("assistant", "def f():\n    return 1\n"),
    ("user", "x "),
)


class Words:
    """A vocabulary of characters, and of <a>, which swallows the space behind it, and <b>, before it. Text begins with
    a space of its own, as in SentencePiece's vocabularies."""

    special = {"<a>": 1, "<b>": 2}  # noqa: RUF012

    def tokenize(self, text: str, *, special: bool = False) -> list[int]:
        if special and text in self.special:
            return [self.special[text]]
        return [ord(each) for each in f" {text}"]

    def is_special(self, token: int) -> bool:
        return token < 3

    def swallows_space(self, token: int) -> tuple[bool, bool]:
        return token == 2, token == 1


def text_of(tokens: list[int]) -> str:
    return "".join({1: "<A>", 2: "<B>"}.get(each) or chr(each) for each in tokens)


@pytest.mark.parametrize(
    ("spans", "expected"),
    [
        ([Span("<a>", True), Span("\n hi \n", False), Span("<b>", True), Span("\n", False)], "<A> hi<B> \n"),
        ([Span("<a>", True), Span("\n", False), Span("<b>", True)], "<A><B>"),
        ([Span("x", False), Span("<c>", True), Span("y", False)], " x<c>y"),  # only spelled in this vocabulary
        ([Span("<a>", True), Span("<", False), Span("a>", False)], "<A> <a>"),  # broken up: no space in between
        ([Span("<a> <b>", False)], " <a> <b>"),
    ],
)
def test_spans_become_what_the_whole_would_be(spans, expected):
    assert text_of(prompt_tokens(spans, Words())) == expected


@pytest.fixture(scope="module", params=FILES, ids=lambda path: path.stem)
def vocabulary(request) -> Iterator[Model]:
    model = Model(request.param, vocabulary_only=True)
    yield model
    model.close()


@pytest.mark.skipif(not FILES, reason="LLAMA_CPP_SOURCE names no llama.cpp source tree")
def test_ids_are_llama_cpps_for_every_vocabulary_of_its_sources(vocabulary):
    """With markers that it has as tokens, and with those that it can only spell."""
    markers = [*MARKERS, *sorted(each for each in vocabulary.header.control_tokens if len(each) > 1)[:20]]
    for begin, end in pairwise(markers):
        spans = spans_of(begin, end)
        assert prompt_tokens(spans, vocabulary) == vocabulary.tokenize(joined(spans), special=True), (begin, end)


@pytest.mark.skipif(not FILES, reason="LLAMA_CPP_SOURCE names no llama.cpp source tree")
def test_names_of_control_tokens_in_contents_stay_text_in_every_vocabulary(vocabulary):
    header = vocabulary.header
    names = [*MARKERS, *sorted(header.control_tokens)[:200]]
    control = {token for name in names for token in vocabulary.tokenize(name, special=True)}
    control = {token for token in control if vocabulary.is_special(token) and not vocabulary.piece(token)}
    begin = header.token_texts["bos"]
    spans = [Span(begin, True), Span(" ".join(names), False), Span(begin, True), Span("".join(names), False)]
    tokens = prompt_tokens(spans, vocabulary)
    assert [each for each in tokens if each in control] == vocabulary.tokenize(begin, special=True) * 2


def spans_of(begin: str, end: str) -> list[Span]:
    spans = []
    for role, content in TURNS:
        spans += [Span(begin, True), Span(f"{role}\n{content}", False), Span(end, True), Span("\n", False)]
    return [*spans, Span(begin, True), Span("assistant\n", False)]
