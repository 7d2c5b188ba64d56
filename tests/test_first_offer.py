"""The model that is offered first answers a newcomer's questions rightly, as `ask` asks them and as the chat does.

All twenty: python -m tests.campaigns.questions MODEL.gguf
"""

import os
from collections.abc import Iterator
from contextlib import closing
from pathlib import Path

import pytest
from campaigns.questions import QUESTIONS, WAYS, Question, ask_request, asked, chat_request
from fakes.models import entry_of, fetched, given_file
from fakes.scripted import ScriptedAssistant

from spectra_local.catalogue.lookup import own_file
from spectra_local.catalogue.offers import OFFERED
from spectra_local.engine import Engine
from spectra_local.protocol import EngineOptions

FIVE = tuple(QUESTIONS[number] for number in (0, 1, 2, 7, 12))  # a fact, sums, a name: each SmolLM2 gets some wrong


@pytest.fixture(scope="module")
def first_offer() -> Path:
    """Its file, which is 1.1 GB: taken where it is already, fetched by the product where CI is set, else skipped."""
    entry = entry_of(OFFERED[0])
    if (here := given_file(entry) or own_file(entry)) is not None:
        return here
    if not os.environ.get("CI"):
        pytest.skip(f"{entry.file} is not on this disk; CI=1 fetches it (1.1 GB), SPECTRA_TEST_MODELS names its folder")
    return fetched(entry.name)


@pytest.fixture(scope="module")
def engine(first_offer: Path, module_home: Path) -> Iterator[Engine]:
    with closing(Engine(first_offer, EngineOptions(n_ctx=1024, history=False))) as engine:
        for _ in engine.load():
            pass
        yield engine


@pytest.mark.model
@pytest.mark.parametrize("way", WAYS)
def test_it_answers_five_questions_rightly(engine: Engine, way: str):
    for answer in asked(engine, way, FIVE):
        assert answer.is_right, f"{answer.question.text} {answer.text!r}"


def test_ask_and_the_chat_ask_for_the_same():
    model = ScriptedAssistant()
    for question in QUESTIONS[:3]:
        ask, chat = ask_request(question), chat_request(model, question)
        assert (ask.messages, ask.sampling, ask.end_loops) == (chat.messages, chat.sampling, chat.end_loops)


def test_a_wrong_answer_is_not_taken_for_a_right_one():
    assert Question("What is 17 + 26?", r"\b43\b").accepts("17 + 26 = **43**.")
    assert not Question("What is 17 + 26?", r"\b43\b").accepts("17 + 26 = 34.")
    assert not QUESTIONS[15].accepts("Yes and no: 17 is not a prime number.")
    wrong = (
        "La capitale de la France",
        "34",
        "365 days",
        "warm",
        "Buenas",
        "42, 19, 7, 3",
        "sum(range(10))",
        "Marlowe",
    )
    for question, answer in zip(QUESTIONS, wrong, strict=False):
        assert not question.accepts(answer), question.text
