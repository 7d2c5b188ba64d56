"""Slash commands about the program itself."""

from typing import TYPE_CHECKING

from tui.commands.registry import Command

if TYPE_CHECKING:
    from tui.screens.chat import ChatScreen


def _help(chat: "ChatScreen", _: str) -> None:
    from tui.screens.help import HelpScreen

    chat.app.push_screen(HelpScreen())


def _stats(chat: "ChatScreen", _: str) -> None:
    from tui.screens.stats import StatsScreen

    answers = [turn.timings for turn in chat.state.chat.turns if turn.timings]
    chat.app.push_screen(StatsScreen(answers, chat.state.model.info, chat.archive.statistics))


def _quit(chat: "ChatScreen", _: str) -> None:
    chat.app.exit()


COMMANDS = (
    Command("help", "keys and commands", _help),
    Command("stats", "what guessing ahead brought, as charts", _stats),
    Command("quit", "leave; the chat is kept", _quit, also=("exit", "bye", "q")),
)
