"""What a benchmark asks: prompts from JSON lines, or a small set of our own.

Knows the file formats; how a prompt becomes tokens is the business of who runs it.
"""

import json
from collections.abc import Iterable, Sequence
from dataclasses import KW_ONLY, dataclass
from importlib.resources import files
from pathlib import Path
from typing import Any

from spectra_local.errors import SpectraError
from spectra_local.protocol import Message

FIM = "fim"


@dataclass(frozen=True, slots=True)
class Prompt:
    """One thing to generate: an answer to ``messages``, or the text between ``prefix`` and ``suffix``."""

    id: str
    task: str
    messages: tuple[Message, ...] = ()
    prediction: str = ""  # a text that the answer probably repeats
    _: KW_ONLY
    prefix: str = ""
    suffix: str = ""

    @property
    def fills_in(self) -> bool:
        """Whether it is a fill-in."""
        return not self.messages


def own_prompts() -> list[Prompt]:
    """The set in this package: chat, code, editing and summarising, written for it."""
    resource = files("spectra_local.bench").joinpath("prompts.jsonl")
    return _parsed(resource.read_text("utf-8"), "prompts.jsonl")


def read_prompts(paths: Iterable[Path]) -> list[Prompt]:
    """All prompts of the files. Raises SpectraError with the file and line of what is wrong."""
    prompts = []
    for path in paths:
        try:
            prompts += _parsed(path.read_text("utf-8"), str(path))
        except OSError as error:
            raise SpectraError(f"{path} cannot be read: {error.strerror or error}") from error
        except UnicodeDecodeError as error:
            raise SpectraError(f"{path} is not UTF-8 text") from error
    if not prompts:
        raise SpectraError("the prompt files hold no prompts")
    return prompts


def first_of_each(prompts: Sequence[Prompt], per_task: int | None) -> list[Prompt]:
    """At most ``per_task`` prompts of each task, the first ones."""
    if per_task is None:
        return list(prompts)
    taken: dict[str, list[Prompt]] = {}
    for prompt in prompts:
        taken.setdefault(prompt.task, []).append(prompt)
    return [prompt for group in taken.values() for prompt in group[:per_task]]


def _parsed(text: str, name: str) -> list[Prompt]:
    prompts = []
    for number, line in enumerate(text.split("\n"), 1):
        if not line.strip():
            continue
        try:
            prompts.append(_prompt(json.loads(line), f"{Path(name).name}:{number}"))
        except (ValueError, TypeError, KeyError, RecursionError) as error:
            raise SpectraError(f"{name}, line {number}: no prompt ({_reason(error)})") from error
    return prompts


def _reason(error: Exception) -> str:
    return f"{error.args[0]!r} is missing" if isinstance(error, KeyError) else str(error)


def _prompt(row: Any, place: str) -> Prompt:
    if not isinstance(row, dict):
        raise TypeError("a line must hold a JSON object")
    identity = str(row.get("id", place))
    if "turns" in row:
        turns = row["turns"]
        if not isinstance(turns, list) or not turns:
            raise TypeError("'turns' must be a list of texts")
        return Prompt(identity, str(row.get("task", "chat")), (Message("user", _text(turns[0], "turns")),))
    if "instruction" in row:
        code = _text(row["code"], "code")
        instruction = _text(row["instruction"], "instruction")
        # The original first: an instruction in front of it would push what both prompts share out of the match.
        asked = f"```\n{code.rstrip()}\n```\n{instruction.strip()}\nReply with the whole changed text in a code block."
        return Prompt(identity, str(row.get("task", "edit")), (Message("user", asked),), prediction=code)
    prefix, suffix = _text(row["prefix"], "prefix"), _text(row["suffix"], "suffix")
    return Prompt(identity, str(row.get("task", FIM)), prefix=prefix, suffix=suffix)


def _text(value: Any, name: str) -> str:
    if not isinstance(value, str):
        raise TypeError(f"{name!r} must be text")
    return value
