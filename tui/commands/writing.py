"""Slash commands about what is asked, and asked again."""

from typing import TYPE_CHECKING

from spectra_local.chats.attachments import described, read_attachment
from spectra_local.chats.records import title_of
from spectra_local.errors import SpectraError
from spectra_local.named_path import named_path
from spectra_local.printable import printable_line
from tui.candidates import Candidate, files
from tui.commands.registry import Command
from tui.widgets.composer import Composer

if TYPE_CHECKING:
    from tui.screens.chat import ChatScreen


async def _retry(chat: "ChatScreen", _: str) -> None:
    await chat.retry()


async def _continue(chat: "ChatScreen", _: str) -> None:
    await chat.continue_answer()


def _edit(chat: "ChatScreen", number: str) -> None:
    if not number:
        chat.edit_earlier()
    elif number.isdecimal():
        chat.edit_asked(int(number))
    else:
        chat.hint("/edit takes the number of a message: /edit 1 is your first.")


def _asked(chat: "ChatScreen", typed: str) -> list[Candidate]:
    """The user's messages, newest first, found by number or words."""
    asked = [turn.text for turn in chat.state.chat.turns if turn.role == "user"]
    numbered = [(str(number), title_of(text)) for number, text in enumerate(asked, 1)]
    return [
        Candidate(number, words, final=True)
        for number, words in reversed(numbered)
        if number.startswith(typed) or typed.lower() in words.lower()
    ]


def _read(chat: "ChatScreen", name: str) -> None:
    """The file is named in the box and read when that is sent; what is wrong with it is said at once."""
    try:
        path = named_path(name)
        file = read_attachment(path, chat.state.model.n_ctx)
    except SpectraError as error:
        chat.hint(printable_line(str(error)))
        return
    chat.query_one(Composer).give_back(f'@"{path}" ' if " " in str(path) else f"@{path} ")
    chat.hint(printable_line(described(file)))


COMMANDS = (
    Command(
        "read", "attach a text file; @FILE in a message does too", _read, "FILE", values=lambda _, typed: files(typed)
    ),
    Command("edit", "edit your last message, or that of a number, and branch there", _edit, "[N]", values=_asked),
    Command("continue", "go on with an answer that was stopped or cut off", _continue),
    Command("retry", "another answer to the last message", _retry, also=("regen", "regenerate")),
)
