"""The real model in the tests' own process, and what is read off its events."""

from pathlib import Path

from spectra_local.engine import Engine
from spectra_local.protocol import Done, EngineOptions, Event, Message, Request, Text, TokenLogprobs

CAPITAL = Request(messages=(Message("user", "What is the capital of France? Answer in one sentence."),), max_tokens=24)


def loaded(path: Path, options: EngineOptions | None = None) -> Engine:
    engine = Engine(path, options)
    for _ in engine.load():
        pass
    return engine


def text_of(events: list[Event]) -> str:
    return "".join(e.text for e in events if isinstance(e, Text))


def done(events: list[Event]) -> Done:
    assert isinstance(events[-1], Done)
    return events[-1]


def told(events: list[Event]) -> list[TokenLogprobs]:
    return [each for event in events if isinstance(event, Text) for each in event.logprobs]
