"""Slash commands as they are typed into the app."""

from fakes.chatting import answered, app_with, composer, ready, sees, send
from fakes.pilot import wait_until
from fakes.scripted import say

from tui.screens.help import HelpScreen


async def test_a_command_runs_and_is_not_sent():
    app = app_with(say("Yes."))
    async with app.run_test(size=(80, 24)) as pilot:
        await ready(pilot)
        await answered(pilot)
        await send(pilot, "/new")
        await sees(pilot, "s p e c t r a")


async def test_an_unknown_command_stays_in_the_box_and_the_nearest_is_named():
    async with app_with().run_test(size=(80, 24)) as pilot:
        await send(pilot, "/hlep")
        await sees(pilot, "There is no /hlep. Did you mean /help?")
        assert composer(pilot).text == "/hlep"


async def test_help_lists_every_command():
    async with app_with().run_test(size=(80, 60)) as pilot:
        await send(pilot, "/help")
        await wait_until(pilot, lambda: isinstance(pilot.app.screen, HelpScreen))
        await sees(pilot, "/retry")


async def test_a_slash_after_a_space_is_text():
    async with app_with(say("Yes.")).run_test(size=(80, 24)) as pilot:
        await ready(pilot)
        await answered(pilot, " /etc/hosts is what?")
        await sees(pilot, "Yes.")
