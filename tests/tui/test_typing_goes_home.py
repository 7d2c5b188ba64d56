"""What is typed goes to the field that a screen begins with, from wherever the keyboard is."""

from collections.abc import Callable
from pathlib import Path

import pytest
from fakes.chatting import answered, app_with, chat, composer, ready, sees, state
from fakes.pilot import has_ended, screen_text, wait_until
from fakes.scripted import ScriptedAssistant, say
from textual import events
from textual.pilot import Pilot
from textual.widgets import Input, OptionList

from tui.app import ChatApp
from tui.screens.chats import ChatsScreen
from tui.screens.editor import EditorScreen
from tui.widgets.code_area import CodeArea
from tui.widgets.transcript import Transcript

LONG = "".join(f"{n}. number {n}\n" for n in range(1, 61))


async def click_on_the_text(pilot: Pilot[None]) -> None:
    await pilot.click(Transcript, offset=(10, 3))


async def drag_over_the_text(pilot: Pilot[None]) -> None:
    await pilot.mouse_down(Transcript, offset=(8, 3))
    await pilot.hover(Transcript, offset=(20, 6))
    await pilot.mouse_up(Transcript, offset=(20, 6))


async def focus_on_the_text(pilot: Pilot[None]) -> None:
    chat(pilot).query_one(Transcript).focus()
    await wait_until(pilot, lambda: chat(pilot).query_one(Transcript).has_focus)


async def focus_on_nothing(pilot: Pilot[None]) -> None:
    chat(pilot).set_focus(None)


WAYS = [click_on_the_text, drag_over_the_text, focus_on_the_text, focus_on_nothing]


@pytest.mark.parametrize("away", WAYS, ids=lambda way: way.__name__)
async def test_typing_pasting_and_sending_need_no_click_on_the_box(away: Callable[[Pilot[None]], object]):
    async with app_with(say(LONG), say("Second.")).run_test(size=(80, 24)) as pilot:
        await ready(pilot)
        await answered(pilot)
        for keys, text in (("x", "x"), (["ctrl+j"], "x\n"), (["backspace"], "x"), ("/ö", "x/ö")):
            await away(pilot)  # type: ignore[misc]
            await pilot.press(*keys)
            await wait_until(pilot, lambda text=text: composer(pilot).text == text, text)
        await away(pilot)  # type: ignore[misc]
        pilot.app.post_message(events.Paste(" pasted"))
        await wait_until(pilot, lambda: composer(pilot).text == "x/ö pasted")
        await away(pilot)  # type: ignore[misc]
        await pilot.press("enter")
        await sees(pilot, "Second.")


async def test_a_text_that_was_clicked_still_scrolls_by_the_arrows_and_escape_goes_back_to_the_box():
    async with app_with(say(LONG)).run_test(size=(80, 24)) as pilot:
        await ready(pilot)
        await answered(pilot)
        await sees(pilot, "number 60")
        view = chat(pilot).query_one(Transcript)
        await focus_on_the_text(pilot)
        await pilot.press("up")
        await wait_until(pilot, lambda: view.scroll_y < view.max_scroll_y)
        assert view.has_focus
        await pilot.press("escape")
        await wait_until(pilot, lambda: composer(pilot).has_focus)


async def test_a_field_keeps_what_is_typed_into_it(tmp_path: Path):
    path = tmp_path / "file.txt"
    path.write_text("one\n")
    async with ChatApp(ScriptedAssistant, file=str(path)).run_test() as pilot:
        await wait_until(pilot, lambda: isinstance(pilot.app.screen, EditorScreen))
        await pilot.press("ctrl+f", *"abc")
        box = pilot.app.screen.query_one("SearchBox", Input)
        await wait_until(pilot, lambda: box.value == "abc")
        area = pilot.app.screen.query_one(CodeArea)
        assert area.text == "one\n"
        await pilot.press("escape")
        pilot.app.screen.set_focus(None)
        await pilot.press("X")
        await wait_until(pilot, lambda: area.text == "Xone\n")


async def test_words_typed_after_a_click_on_the_list_of_chats_are_looked_for():
    async with app_with(say("Yes.")).run_test(size=(80, 24)) as pilot:
        await ready(pilot)
        for n in range(5):
            store = chat(pilot).archive.store
            store.add(store.create(f"chat {n}"), None, "user", "words")
        await pilot.press("ctrl+o")
        await wait_until(pilot, lambda: isinstance(pilot.app.screen, ChatsScreen))
        options = pilot.app.screen.query_one(OptionList)
        await wait_until(pilot, lambda: options.option_count == 5)
        options.focus()
        await wait_until(pilot, lambda: options.has_focus)
        await pilot.press("down")
        assert options.has_focus
        await pilot.press(*"ch")
        await wait_until(pilot, lambda: pilot.app.screen.query_one(Input).value == "ch")


async def test_keys_that_come_while_a_screen_opens_go_to_it_in_their_order():
    async with app_with(say("Yes.")).run_test(size=(80, 24)) as pilot:
        await ready(pilot)
        for key in ("ctrl+o", *"words"):
            pilot.app.post_message(events.Key(key, key if len(key) == 1 else None))
        await wait_until(pilot, lambda: isinstance(pilot.app.screen, ChatsScreen))
        await wait_until(pilot, lambda: pilot.app.screen.query_one(Input).value == "words")
        assert composer(pilot).text == ""


async def test_any_other_key_calls_off_the_first_ctrl_c():
    async with app_with(say("Yes.")).run_test(size=(80, 24)) as pilot:
        await ready(pilot)
        for keys in (["pageup"], ["a", "backspace"], ["left"], ["f2"]):
            await pilot.press("ctrl+c")
            await sees(pilot, "ctrl+c again, or ctrl+q, quits.")
            await pilot.press(*keys)
            await wait_until(pilot, lambda: "quits." not in screen_text(pilot))
            await wait_until(pilot, lambda: composer(pilot).text == "")
        await pilot.press("ctrl+c", "left_control", "ctrl+c")  # some terminals tell of the key that is held
        await wait_until(pilot, lambda: has_ended(pilot))


async def test_after_a_selection_was_copied_ctrl_c_means_the_next_thing():
    async with app_with(say("Some words to select.")).run_test(size=(80, 24)) as pilot:
        await ready(pilot)
        await answered(pilot)
        await drag_over_the_text(pilot)
        await wait_until(pilot, lambda: chat(pilot).get_selected_text())
        await pilot.press("ctrl+c")
        await sees(pilot, "Selection copied")
        await pilot.press("ctrl+c")
        await sees(pilot, "quits.")
        assert state(pilot).chat.turns


JOINED = "می\u200cخواهم 👩\u200d🔬 a\u00a0b\u202fc\u3000d \u00adx \u2060 \U0001f3f4\U000e0067\U000e007f \U0001fae9"


@pytest.mark.parametrize("into", ["box", "search", "file"])
async def test_whatever_character_the_terminal_sends_arrives(into: str, tmp_path: Path):
    path = tmp_path / "file.txt"
    path.write_text("")
    app = ChatApp(ScriptedAssistant, file=str(path)) if into == "file" else app_with()
    async with app.run_test(size=(80, 24)) as pilot:
        await ready(pilot)
        if into == "file":
            await wait_until(pilot, lambda: isinstance(pilot.app.screen, EditorScreen))
        if into == "search":
            await pilot.press("ctrl+o")
            await wait_until(pilot, lambda: isinstance(pilot.app.screen, ChatsScreen))
        for character in JOINED:
            pilot.app.post_message(events.Key("a_key", character))

        def text() -> str:
            match into:
                case "box":
                    return composer(pilot).message
                case "search":
                    return pilot.app.screen.query_one(Input).value
                case _:
                    return pilot.app.screen.query_one(CodeArea).text

        await wait_until(pilot, lambda: text() == JOINED)


async def test_keys_that_write_nothing_write_nothing():
    async with app_with().run_test() as pilot:
        await ready(pilot)
        for key, character in (("f7", None), ("ctrl+6", "\x1e"), ("ctrl+b", "\x02"), ("x", "x")):
            pilot.app.post_message(events.Key(key, character))
        await wait_until(pilot, lambda: "x" in composer(pilot).text)
        assert composer(pilot).text == "x"
