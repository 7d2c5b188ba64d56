"""Slash commands that take text out of the chat."""

from typing import TYPE_CHECKING

from tui.commands.registry import Command

if TYPE_CHECKING:
    from tui.screens.chat import ChatScreen


def _copy(chat: "ChatScreen", _: str) -> None:
    chat.action_copy_answer()


COMMANDS = (Command("copy", "copy the last answer", _copy),)
