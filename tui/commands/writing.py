"""Slash commands about what is asked, and asked again."""

from typing import TYPE_CHECKING

from tui.commands.registry import Command

if TYPE_CHECKING:
    from tui.screens.chat import ChatScreen


async def _retry(chat: "ChatScreen", _: str) -> None:
    await chat.action_retry()


COMMANDS = (Command("retry", "another answer to the last message", _retry),)
