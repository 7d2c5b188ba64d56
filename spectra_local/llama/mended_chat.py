"""Conversations as a stricter chat template takes them: no late system message or none, no role twice running.

Pure functions from messages to messages; which of the results a template takes is found out by rendering.
"""

from collections.abc import Iterable, Sequence

from spectra_local.protocol import Message

_BETWEEN = "\n\n"  # what joined texts are kept apart by


def mended(messages: Sequence[Message]) -> list[list[Message]]:
    """``messages`` as they are, then what a template may take in their place, the least changed first.

    First one system message at the head and neighbours of one role joined; then the system text before the first user
    message. What changes nothing is left out. The last message stays the last.
    """
    system = _BETWEEN.join(each.content for each in messages if each.role == "system")
    others = [each for each in messages if each.role != "system"]
    heads = [[Message("system", system)]] if system.strip() else [[]]
    found = [[*messages], *([*head, *_joined(others)] for head in heads)]
    if system.strip():
        found.append(_joined(_before_first_user(system, others)))
    return [each for number, each in enumerate(found) if each and each not in found[:number]]


def notice_of(messages: Sequence[Message]) -> str:
    """What to say of ``messages`` that had to be mended: "" where it was said with an earlier answer."""
    asked = [*messages[:-1]] if messages[-1].role == "assistant" else [*messages]
    answers = [number for number, each in enumerate(asked) if each.role == "assistant"]
    new = asked[answers[-1] + 1 :] if answers else asked
    if len(mended(new)) < 2:
        return ""
    return (
        "The model's chat template does not take these messages as they are: system text was put before the first "
        "user message, or messages of one role that follow each other were joined."
    )


def _before_first_user(system: str, messages: Sequence[Message]) -> list[Message]:
    first = next((number for number, each in enumerate(messages) if each.role == "user"), None)
    if first is None:
        return [Message("user", system), *messages]
    asked = Message("user", f"{system}{_BETWEEN}{messages[first].content}")
    return [*messages[:first], asked, *messages[first + 1 :]]


def _joined(messages: Iterable[Message]) -> list[Message]:
    """Neighbours of one role as one message."""
    turns: list[Message] = []
    for message in messages:
        if turns and turns[-1].role == message.role:
            turns[-1] = Message(message.role, f"{turns[-1].content}{_BETWEEN}{message.content}")
        else:
            turns.append(message)
    return turns
