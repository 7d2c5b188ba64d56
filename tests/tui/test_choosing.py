"""Models, settings, system prompts and parameters, chosen from within the chat."""

from pathlib import Path

import pytest
from fakes.chatting import answered, chat, composer, ready, sees, send
from fakes.gguf import write_gguf
from fakes.pilot import screen_text, wait_until
from fakes.scripted import ScriptedAssistant, say

from spectra_local import locations
from spectra_local.settings import load_settings, settings_file
from tui.app import ChatApp
from tui.keymap import keymap
from tui.screens.diff import diff
from tui.screens.models import ModelsScreen
from tui.screens.settings import SettingsScreen
from tui.state import Phase

SIZES = [(40, 10), (80, 24), (200, 60)]
THEMES = ["spectra-dark", "spectra-light"]
HOSTILE = "x [bold] \x1b[2J [/] \u202e"


class Models:
    """Assistants by name, and which were asked for."""

    def __init__(self) -> None:
        self.first = ScriptedAssistant(say("first"))
        self.others: dict[str, ScriptedAssistant] = {}

    def named(self, name: str) -> ScriptedAssistant:
        self.others[name] = ScriptedAssistant(say(f"from {Path(name).stem}"))
        return self.others[name]

    def app(self) -> ChatApp:
        return ChatApp(lambda: self.first, self.named)


def settings_text(text: str) -> None:
    settings_file().parent.mkdir(parents=True, exist_ok=True)
    settings_file().write_text(text, encoding="utf-8")


async def test_a_parameter_a_preset_and_a_system_prompt_hold_from_the_next_message_on():
    models = Models()
    async with models.app().run_test(size=(80, 24)) as pilot:
        await ready(pilot)
        await answered(pilot)
        for command in ("/set creative", "/set top_k 40", "/system Be brief."):
            await send(pilot, command)
            await sees(pilot, "from the next message on")
        await answered(pilot, "again")
    before, after = models.first.requests
    assert (before.sampling.temperature, before.sampling.repeat_penalty) == (0.0, 1.0)
    assert (after.sampling.temperature, after.sampling.top_k, after.sampling.repeat_penalty) == (
        1.0,
        40,
        1.0,
    )
    assert (after.messages[0].role, after.messages[0].content) == ("system", "Be brief.")
    assert all(message.role != "system" for message in before.messages)
    assert not settings_file().exists()


async def test_a_parameter_is_shown_with_where_it_comes_from_and_a_preset_replaces_what_was_set():
    async with Models().app().run_test(size=(120, 30)) as pilot:
        await ready(pilot)
        for command, words in (
            ("/set temperature", "temperature is 0 (built in)."),
            ("/set temperature 0.5", "temperature is 0.5 (this chat) from the next message on."),
            (
                "/set creative",
                "Preset 'creative' in this chat, from the next message on, without the temperature that was set.",
            ),
            ("/set temperature", "temperature is 1 (preset creative)."),
            ("/set temperature 0.5", "temperature is 0.5 (this chat)"),
            ("/set temperature default", "temperature is 1 (preset creative) from the next message on."),
        ):
            await send(pilot, command)
            await sees(pilot, words)
        await send(pilot, "/set")
        await sees(pilot, "temperature 1 (preset creative)")
        await sees(pilot, "min_p 0.05 (preset creative)")


@pytest.mark.parametrize(
    ("command", "words"), [("/set top_p 7", "must be a number"), ("/set nonsense 1", "there is no")]
)
async def test_nonsense_is_refused_and_nothing_is_written(command: str, words: str):
    async with Models().app().run_test(size=(100, 24)) as pilot:
        await ready(pilot)
        await send(pilot, command)
        await sees(pilot, words)
    assert not settings_file().exists()


async def test_another_model_answers_and_the_one_before_is_closed():
    models = Models()
    async with models.app().run_test(size=(80, 24)) as pilot:
        await ready(pilot)
        await send(pilot, "/model other")
        await wait_until(pilot, lambda: "other" in models.others and models.first.closed)
        await ready(pilot)
        await answered(pilot)
        await sees(pilot, "from other")


async def test_an_unloaded_model_comes_back_with_the_next_message():
    models = Models()
    async with models.app().run_test(size=(80, 24)) as pilot:
        await ready(pilot)
        await send(pilot, "/model off")
        await wait_until(pilot, lambda: models.first.closed and chat(pilot).state.model.phase is Phase.DOWN)
        await answered(pilot)
        await sees(pilot, "first")


@pytest.mark.parametrize("size", SIZES)
@pytest.mark.parametrize("theme", THEMES)
async def test_the_picker_shows_the_disk_first_and_uses_what_is_chosen(size: tuple[int, int], theme: str):
    settings_text(f'theme = "{theme}"\n')
    path = write_gguf(locations.models_dir() / "a [bold] mine.gguf")
    models = Models()
    async with models.app().run_test(size=size) as pilot:
        await ready(pilot)
        assert pilot.app.theme == theme
        await send(pilot, "/model")
        await wait_until(pilot, lambda: isinstance(pilot.app.screen, ModelsScreen))
        await sees(pilot, "a [bold] mine")
        assert "Memory free now" in screen_text(pilot)
        await pilot.press("enter")
        await wait_until(pilot, lambda: str(path) in models.others)


@pytest.mark.parametrize("size", SIZES)
@pytest.mark.parametrize("theme", THEMES)
async def test_the_settings_change_at_once_and_are_kept(size: tuple[int, int], theme: str):
    settings_text(f"theme = {theme!r}\n".replace("'", '"') + "# mine\n")
    async with Models().app().run_test(size=size) as pilot:
        await ready(pilot)
        await send(pilot, "/set")
        await wait_until(pilot, lambda: isinstance(pilot.app.screen, SettingsScreen))
        await sees(pilot, theme)
        await pilot.press("enter")
        await wait_until(pilot, lambda: pilot.app.theme != theme)
        await pilot.press("down", "enter", "escape")
        await wait_until(pilot, lambda: load_settings()[0].send == "ctrl+enter")
    assert "# mine" in settings_file().read_text()


async def test_another_key_sends_and_enter_then_breaks_the_line():
    settings_text('send = "ctrl+s"\n')
    models = Models()
    async with models.app().run_test(size=(80, 24)) as pilot:
        await ready(pilot)
        await pilot.press("a", "enter", "b", "ctrl+j", "c")
        await wait_until(pilot, lambda: composer(pilot).text == "a\nb\nc")
        await pilot.press("ctrl+s")
        await wait_until(pilot, lambda: models.first.requests)
    assert models.first.requests[0].messages[-1].content == "a\nb\nc"


async def test_a_remapped_key_works_and_help_shows_it():
    settings_text('[keys]\n"app.help" = "f7"\n"no.such" = "f3"\n"chat.copy" = "!!"\n')
    async with Models().app().run_test(size=(100, 40), notifications=True) as pilot:
        await ready(pilot)
        await sees(pilot, "no.such")
        await pilot.press("f7")
        await sees(pilot, "Keys and commands")
        assert "f7 " in screen_text(pilot)


def test_two_bindings_on_one_key_are_told():
    _, notices = keymap({"chat.new": "ctrl+r"})
    assert notices == ["keys: ctrl+r is both chat.retry and chat.new; the first counts"]


async def test_hostile_texts_in_the_settings_are_shown_not_obeyed():
    settings_text(
        'theme = "[bold]\\u001b[2J"\nsystem = "x [/] \\u001b[2J"\n[systems]\n"x [/] \\u001b[2J" = "[/]\\u001b[2J"\n'
        '[presets."[red on \\u202e"]\ntemperature = 1\n[keys]\n"[/]\\u001b" = "f3"\n'
    )
    async with Models().app().run_test(size=(100, 30), notifications=True) as pilot:
        await ready(pilot)
        for command in ("/system", "/set", HOSTILE.replace("x", "/set")):
            await send(pilot, command)
            await pilot.pause()
            assert "\x1b" not in screen_text(pilot)
            assert "\u202e" not in screen_text(pilot)
            await pilot.press("escape")
            composer(pilot).clear()


async def test_on_a_narrow_screen_sizes_and_what_is_to_fetch_are_still_seen():
    async with Models().app().run_test(size=(40, 12)) as pilot:
        await ready(pilot)
        await send(pilot, "/model")
        await sees(pilot, "↓ smollm2-360m-instruct")
        await sees(pilot, "271 MB")
        await pilot.resize_terminal(100, 30)
        await sees(pilot, "to fetch")


async def test_the_palette_finds_a_command_by_its_name_and_by_what_it_does():
    async with Models().app().run_test(size=(80, 24)) as pilot:
        await ready(pilot)
        for words in ("export", "write this chat"):
            await pilot.press("ctrl+p", *words)
            await sees(pilot, "export: write this chat to a file here")
            await pilot.press("escape")
            await wait_until(pilot, lambda: pilot.app.screen is chat(pilot))


def test_a_change_is_readable_where_there_are_sixteen_colours():
    shown = diff("a\nold\n", "a\nnew\n", tinted=False)
    assert {str(span.style) for span in shown.spans} >= {"ansi_red", "ansi_green"}
    assert not any(" on " in str(span.style) for span in shown.spans)
