"""Slash commands that take text out of the chat."""

from typing import TYPE_CHECKING

from spectra_local.chats.records import title_of
from tui.candidates import Candidate, matching
from tui.commands.registry import Command

if TYPE_CHECKING:
    from tui.screens.chat import ChatScreen

_CODE = "code"


def _copy(chat: "ChatScreen", what: str) -> None:
    word, _, number = what.lower().partition(" ")
    if not word:
        chat.copy_answer()
    elif word == "question" and not number:
        question = chat.state.chat.last("user")
        chat.copy(question.text if question else "", "Your last message")
    elif word == _CODE and (not number or number.strip().isdecimal()):
        _copy_code(chat, int(number or 0))
    else:
        chat.hint("/copy takes nothing, question, code, or code and the number of a block.")


def _copy_code(chat: "ChatScreen", number: int) -> None:
    """Block ``number`` of the last answer, counted from 1; 0: the last one."""
    blocks = _codes(chat)
    if not blocks:
        chat.hint("There is no code in the last answer.")
    elif number > len(blocks):
        chat.hint(f"The last answer has {len(blocks)} block{'s' * (len(blocks) > 1)} of code.")
    else:
        others = "" if number or len(blocks) == 1 else " /copy code 1 takes the first."
        chat.copy(blocks[number - 1], f"Block {number or len(blocks)} of {len(blocks)}", others)


def _codes(chat: "ChatScreen") -> list[str]:
    from tui.widgets.markdown.code_blocks import code_blocks

    turn = chat.state.chat.last("assistant")
    return [block.text for block in code_blocks(turn.text)] if turn else []


def _what(chat: "ChatScreen", typed: str) -> list[Candidate]:
    blocks = {f"{_CODE} {number}": title_of(text) for number, text in enumerate(_codes(chat), 1)}
    words = {"question": "your last message", _CODE: "the last block of code", **blocks}
    return [Candidate(name, words[name], final=True) for name in matching(words, typed)]


COMMANDS = (
    Command(
        "copy", "copy the last answer, your question, or a block of code", _copy, "[question|code [N]]", values=_what
    ),
)
