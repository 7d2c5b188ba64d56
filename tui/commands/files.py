"""Slash commands about files that are worked on."""

from typing import TYPE_CHECKING

from tui.commands.registry import Command

if TYPE_CHECKING:
    from tui.screens.chat import ChatScreen


def _open(chat: "ChatScreen", name: str) -> None:
    from tui.app import ChatApp

    assert isinstance(chat.app, ChatApp)
    if trouble := chat.app.open_file(name):
        chat.hint(trouble)


COMMANDS = (Command("open", "edit a text file, with the model's suggestions", _open, "FILE"),)
