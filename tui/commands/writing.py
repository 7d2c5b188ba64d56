"""Slash commands about what is asked, and asked again."""

from pathlib import Path
from typing import TYPE_CHECKING

from spectra_local.chats.attachments import described, read_attachment
from spectra_local.errors import SpectraError
from spectra_local.printable import printable_line
from tui.candidates import files
from tui.commands.registry import Command
from tui.widgets.composer import Composer

if TYPE_CHECKING:
    from tui.screens.chat import ChatScreen


async def _retry(chat: "ChatScreen", _: str) -> None:
    await chat.action_retry()


def _edit(chat: "ChatScreen", _: str) -> None:
    chat.action_edit_earlier()


def _read(chat: "ChatScreen", name: str) -> None:
    """The file is named in the box and read when that is sent; what is wrong with it is said at once."""
    path = Path(name.strip('"')).expanduser()
    try:
        file = read_attachment(path, chat.state.model.n_ctx)
    except SpectraError as error:
        chat.hint(printable_line(str(error)))
        return
    chat.query_one(Composer).give_back(f'@"{path}" ' if " " in str(path) else f"@{path} ")
    chat.hint(printable_line(described(file)))


COMMANDS = (
    Command("read", "attach a text file; @FILE in a message does too", _read, "FILE", lambda _, typed: files(typed)),
    Command("edit", "edit your last message and branch there", _edit),
    Command("retry", "another answer to the last message", _retry),
)
