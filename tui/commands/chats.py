"""Slash commands about whole conversations."""

from typing import TYPE_CHECKING

from tui.commands.registry import Command

if TYPE_CHECKING:
    from tui.screens.chat import ChatScreen


async def _new(chat: "ChatScreen", _: str) -> None:
    await chat.action_new_chat()


COMMANDS = (Command("new", "begin an empty conversation", _new),)
