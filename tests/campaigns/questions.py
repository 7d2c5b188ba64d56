"""Twenty questions of a newcomer's kind, asked of a model as ``ask`` asks them and as the chat does.

python -m tests.campaigns.questions MODEL.gguf [--only ask|chat]

Prints every answer with a verdict, then how many were right. The verdict is a pattern's: read the answers too, since a
sentence around the right word may still be wrong. The questions were written before any model had seen them.
"""

import argparse
import re
from collections.abc import Iterator
from contextlib import closing
from dataclasses import dataclass, replace
from pathlib import Path

from spectra_local.cli.ask import request_of
from spectra_local.engine import Engine
from spectra_local.protocol import Assistant, Done, EngineOptions, Request, Sampling, Text
from tui.adapter import Adapter, Loaded
from tui.state import State

MOST_TOKENS = 320  # an answer to any of these that is longer goes round in circles
WAYS = ("ask", "chat")


@dataclass(frozen=True)
class Question:
    """``right`` is found in every right answer, ``wrong`` in none."""

    text: str
    right: str
    wrong: str = r"(?!)"

    def accepts(self, answer: str) -> bool:
        """Whether the answer holds what a right one must, and nothing that it must not."""
        plain = re.sub(r"[*`_$\\]", "", answer)
        return bool(re.search(self.right, plain, re.I | re.S)) and not re.search(self.wrong, plain, re.I | re.S)


QUESTIONS = (
    Question("What is the capital of France?", r"\bParis\b"),
    Question("What is 17 + 26?", r"\b43\b"),
    Question("How many days are in a leap year?", r"\b366\b"),
    Question("What is the opposite of hot?", r"\bcold\b"),
    Question('Translate "good morning" into Spanish.', r"\bbuenos d[ií]as\b"),
    Question("Sort these numbers from smallest to largest: 42, 7, 19, 3.", r"\b3\D+7\D+19\D+42\b"),
    Question(
        "Write a Python one-liner that prints the sum of the numbers from 1 to 10.",
        r"sum\(\s*range\(\s*1\s*,\s*11\s*\)\s*\)|sum\(\s*[xi] for [xi] in range\(\s*1\s*,\s*11\s*\)\s*\)",
    ),
    Question("Who wrote Romeo and Juliet?", r"\bShakespeare\b"),
    Question("What is the chemical formula of water?", r"\bH(2|₂|\{2\}|<sub>2</sub>)O\b"),
    Question("How many legs does a spider have?", r"\b(8|eight)\b"),
    Question("Which planet is closest to the sun?", r"\bMercury\b"),
    Question('What does the command "ls" do in Linux?', r"\blists?\b.*\b(files|director(y|ies)|contents)\b"),
    Question("What is 12 times 12?", r"\b144\b"),
    Question('Correct the spelling: "I recieved your mesage yesterday."', r"I received your message yesterday"),
    Question('Say this more politely: "Send me the report."', r"\b(please|could you|would you|kindly)\b"),
    Question("Is 17 a prime number?", r"\byes\b|17 is (indeed )?a prime", r"17 is not a prime"),
    Question("At how many degrees Celsius does water boil at sea level?", r"\b100\b"),
    Question(
        'Summarise in one sentence: "The meeting was moved from Monday to Thursday because the projector is broken."',
        r"\bThursday\b",
    ),
    Question("How do I reverse a string in Python?", r"\[::-1\]|reversed\("),
    Question("In which year did the Second World War end?", r"\b1945\b"),
)


@dataclass(frozen=True)
class Answered:
    """``ended``: by itself, not at the last token allowed."""

    question: Question
    text: str
    ended: bool

    @property
    def is_right(self) -> bool:
        """By the question's patterns."""
        return self.ended and self.question.accepts(self.text)


def asked(engine: Assistant, way: str, questions: tuple[Question, ...] = QUESTIONS) -> Iterator[Answered]:
    """Asks each question by itself, ``way`` being "ask" or "chat"."""
    for question in questions:
        yield answered(engine, question, ask_request(question) if way == "ask" else chat_request(engine, question))


def answered(engine: Assistant, question: Question, request: Request) -> Answered:
    """One answer."""
    text, ended = "", False
    with closing(engine.generate(request)) as events:
        for event in events:
            if isinstance(event, Text):
                text += event.text
            elif isinstance(event, Done):
                ended = event.finish_reason == "stop"
    return Answered(question, text.strip(), ended)


def ask_request(question: Question) -> Request:
    """What ``spectra-chat ask QUESTION`` asks the model."""
    return replace(request_of(question.text, Sampling()), max_tokens=MOST_TOKENS, learn=False)


def chat_request(engine: Assistant, question: Question) -> Request:
    """What the chat asks the model when the question is its first message."""
    adapter = Adapter(State())
    adapter.receive([Loaded(engine.info)], 0.0)
    adapter.ask(question.text)
    request = adapter.begin()
    assert request is not None
    return replace(request, max_tokens=MOST_TOKENS, learn=False)


def main() -> None:
    """Asks and prints."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("model", type=Path)
    parser.add_argument("--only", choices=WAYS)
    options = parser.parse_args()
    with closing(Engine(options.model, EngineOptions(n_ctx=2048, history=False))) as engine:
        for _ in engine.load():
            pass
        for way in (options.only,) if options.only else WAYS:
            print(f"== {way}: {options.model.name}")
            n_right = 0
            for number, one in enumerate(asked(engine, way), start=1):
                n_right += one.is_right
                verdict = "right" if one.is_right else "WRONG" if one.ended else "WRONG (does not end)"
                print(f"{number:2}. {one.question.text}\n    {verdict}: {one.text!r}", flush=True)
            print(f"== {way}: {options.model.name}: {n_right} of {len(QUESTIONS)} right", flush=True)


if __name__ == "__main__":
    main()
