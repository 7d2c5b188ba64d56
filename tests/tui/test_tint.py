"""Tinting as a user has it: by key, by command, kept as a setting, with a legend that says what is what."""

import pytest
from fakes.chatting import answered, app_with, chat, composer, ready, sees, send, state
from fakes.pages import ChatPage
from fakes.picture import lines
from fakes.pilot import screen_text, wait_until
from fakes.scripted import done
from textual.pilot import Pilot

from spectra_local.protocol import SOURCE_CODES, Source, Text
from spectra_local.settings import load_settings
from tui import themes
from tui.app import ChatApp
from tui.tint import counted, shares

SCRIPT = [Text("It is ", 2), Text("known text", 2, "h" * 10), Text(" and new.", 3), done(predicted_n=7)]


def colours(pilot: Pilot[None], text: str) -> set[str]:
    """Foreground colours of a text on the screen."""
    found = set()
    for line in lines(pilot.app):
        for segment in line:
            if text in segment.text and segment.style and segment.style.color:
                found.add(segment.style.color.name)
    return found


async def test_the_key_colours_what_was_guessed_and_takes_it_back():
    async with app_with(SCRIPT).run_test(size=(80, 24)) as pilot:
        await ready(pilot)
        await answered(pilot)
        await sees(pilot, "It is known text and new.")
        await pilot.press("ctrl+t")
        await sees(pilot, "history 40%")
        assert colours(pilot, "known text") == {themes.DARK.variables["tint-history"]}
        assert load_settings()[0].tint
        await pilot.press("ctrl+t")
        await wait_until(pilot, lambda: "history 40%" not in screen_text(pilot))
        assert not load_settings()[0].tint
        assert colours(pilot, "known text") == {themes.DARK.foreground}


async def test_answers_that_come_later_and_chats_shown_anew_are_tinted_too():
    async with app_with(SCRIPT).run_test(size=(80, 24)) as pilot:
        await ready(pilot)
        await send(pilot, "/tint on")
        await sees(pilot, "Tinted by source: context")
        await answered(pilot)
        await sees(pilot, "its own 60%")
        turns = state(pilot).chat
        await chat(pilot).show_chat(turns)
        await sees(pilot, "history 40%")
        assert colours(pilot, "known text")


async def test_nothing_is_said_of_an_answer_without_guesses():
    async with app_with([Text("Plain."), done()]).run_test(size=(80, 24)) as pilot:
        await ready(pilot)
        await send(pilot, "/tint on")
        await answered(pilot)
        await sees(pilot, "Plain.")
        assert "its own" not in screen_text(pilot)


@pytest.mark.parametrize("theme", [themes.DARK.name, themes.LIGHT.name, "ansi-dark", "ansi-light", "nord"])
async def test_every_theme_has_a_colour_for_every_source(theme: str):
    script = [Text(f"w{source} ", 1, SOURCE_CODES[source] * (len(source) + 2)) for source in Source]
    async with app_with([*script, done()]).run_test(size=(80, 24)) as pilot:
        pilot.app.theme = theme
        await ready(pilot)
        await send(pilot, "/tint on")
        await answered(pilot)
        await sees(pilot, f"w{[*Source][-1]}")
        found = [colours(pilot, f"w{source}") for source in Source]
        assert all(len(each) == 1 for each in found), found
        assert len(set().union(*found)) == len(Source)


async def test_tinting_an_answer_that_is_still_coming_keeps_its_text():
    async with app_with(SCRIPT[:3] + SCRIPT[3:]).run_test(size=(40, 10)) as pilot:
        assert isinstance(pilot.app, ChatApp)
        await ready(pilot)
        composer(pilot).insert("Hi")
        await pilot.press("enter", "ctrl+t")
        await sees(pilot, "known text")
        await wait_until(pilot, lambda: ChatPage(pilot).transcript.answer_is_as_tall_as_its_text)
        assert chat(pilot).state.chat.turns[-1].text == "It is known text and new."


def test_shares_add_up_and_name_the_models_own_last():
    found = shares(counted("ccchh     ", 20))
    assert [(each.source, each.share) for each in found] == [("context", 0.15), ("history", 0.1), ("", 0.75)]
    assert shares({}) == []


async def test_the_settings_screen_offers_it():
    async with app_with(SCRIPT).run_test(size=(80, 24)) as pilot:
        await ready(pilot)
        await send(pilot, "/set")
        await sees(pilot, "Accepted guesses       plain")
        await pilot.press("end", "enter")
        await sees(pilot, "Accepted guesses       tinted by source")
        assert load_settings()[0].tint
