"""/system and /set belong to the chat in which they are given; /default is the named act for all new ones."""

from contextlib import closing
from pathlib import Path

import pytest
from fakes.chatting import answered, app_with, chat, composer, ready, sees, send, state
from fakes.pages import ChatPage
from fakes.pilot import screen_text, wait_until
from fakes.scripted import ScriptedAssistant, say
from textual.pilot import Pilot

from spectra_local.chats.forgetting import forget
from spectra_local.chats.records import SavedMessage, Tree
from spectra_local.chats.store import ChatStore
from spectra_local.chats.transfer import to_json
from spectra_local.history.database import Database
from spectra_local.history.forgetting import Forget
from spectra_local.settings import load_settings, settings_file
from tui.app import ChatApp


def asked(assistant: ScriptedAssistant) -> list[tuple[str, float]]:
    """System prompt and temperature of each question."""
    return [
        (request.messages[0].content if request.messages[0].role == "system" else "", request.sampling.temperature)
        for request in assistant.requests
    ]


def scripted(n_answers: int) -> tuple[ScriptedAssistant, ChatApp]:
    assistant = ScriptedAssistant(*(say(f"Answer {n}.") for n in range(n_answers)))
    return assistant, ChatApp(lambda: assistant)


def saved_chat(own: str) -> int:
    with closing(Database()) as database:
        store = ChatStore(database)
        saved = store.create("old")
        store.add(saved, store.add(saved, None, "user", "hello"), "assistant", "Good day.")
        store.choose(saved, own)
    return saved


async def choose(pilot: Pilot[None], *commands: str) -> None:
    for command in commands:
        await send(pilot, command)
        await sees(pilot, "from the next message on")


async def test_they_hold_in_their_chat_alone_and_again_after_a_restart():
    assistant, app = scripted(2)
    async with app.run_test(size=(100, 24)) as pilot:
        await ready(pilot)
        await choose(pilot, "/system Be brief.", "/set temperature 0.5")
        await answered(pilot, "first")
        assert "Another try" not in screen_text(pilot), "it is drawn as this chat has it"
        await send(pilot, "/new")
        await wait_until(pilot, lambda: not state(pilot).chat.turns)
        await answered(pilot, "second")
    assert asked(assistant) == [("Be brief.", 0.5), ("", 0.0)]
    assert not settings_file().exists()
    assistant, app = scripted(2)
    async with app.run_test(size=(100, 24)) as pilot:
        await ready(pilot)
        await sees(pilot, "second")
        await answered(pilot, "more")
        await chat(pilot).open_chat(1)
        await sees(pilot, "first")
        await send(pilot, "/system")
        await sees(pilot, "System prompt (this chat): Be brief.")
        await answered(pilot, "again")
    assert asked(assistant) == [("", 0.0), ("Be brief.", 0.5)]


async def test_a_copy_has_them_and_a_branch_too():
    assistant, app = scripted(3)
    async with app.run_test(size=(100, 24)) as pilot:
        await ready(pilot)
        await choose(pilot, "/set temperature 0.5")
        await answered(pilot, "first")
        await send(pilot, "/duplicate")
        await sees(pilot, "This is the copy")
        await answered(pilot, "second")
        await choose(pilot, "/set temperature 0.7")
        await chat(pilot).open_chat(1)
        await answered(pilot, "third")
    assert [temperature for _, temperature in asked(assistant)] == [0.5, 0.5, 0.5]


async def test_a_draft_keeps_them_without_becoming_a_chat():
    async with app_with().run_test(size=(100, 24)) as pilot:
        await ready(pilot)
        await choose(pilot, "/system Be brief.")
        composer(pilot).insert("half a thou")
        await wait_until(pilot, lambda: ChatPage(pilot).kept_draft == "half a thou")
    with closing(Database()) as database:
        assert ChatStore(database).summaries() == []
    assistant, app = scripted(1)
    async with app.run_test(size=(100, 24)) as pilot:
        await sees(pilot, "half a thou")
        await ready(pilot)
        await answered(pilot, "ght")
    assert asked(assistant) == [("Be brief.", 0.0)]


async def test_what_is_default_for_all_is_written_by_name_and_not_otherwise():
    assistant, app = scripted(3)
    async with app.run_test(size=(140, 24)) as pilot:
        await ready(pilot)
        await send(pilot, "/default")
        await sees(pilot, "Nothing was chosen for this chat alone")
        await choose(pilot, "/system Be brief.", "/set creative", "/set temperature 0.5")
        await send(pilot, "/default")
        await sees(pilot, "New chats begin so: a system prompt, preset creative, temperature 0.5.")
        await send(pilot, "/new")
        await wait_until(pilot, lambda: state(pilot).chat.own.preset == "")
        await send(pilot, "/set temperature")
        await sees(pilot, "temperature is 0.5 (your default).")
        await answered(pilot, "one")
        await send(pilot, "/system off")
        await sees(pilot, "No system prompt in this chat.")
        await answered(pilot, "two")
        await send(pilot, "/system default")
        await sees(pilot, "Your default system prompt")
        await send(pilot, "/default off")
        await sees(pilot, "New chats begin as the program has it")
        await answered(pilot, "three")
    assert asked(assistant) == [("Be brief.", 0.5), ("", 0.5), ("", 0.0)]
    settings, notices = load_settings()
    assert (settings.system, settings.preset, settings.parameters, notices) == ("", "precise", {}, [])


async def test_a_system_prompt_of_the_settings_is_chosen_by_its_name():
    settings_file().parent.mkdir(parents=True, exist_ok=True)
    settings_file().write_text('system = "calm"\n[systems]\ncalm = "Be calm."\nloud = "Be loud."\n')
    assistant, app = scripted(2)
    async with app.run_test(size=(100, 24)) as pilot:
        await ready(pilot)
        await send(pilot, "/system")
        await sees(pilot, "System prompt (your default): Be calm.")
        await answered(pilot, "one")
        await send(pilot, "/system loud")
        await sees(pilot, "System prompt 'loud' in this chat")
        await answered(pilot, "two")
        await send(pilot, "/default")
        await sees(pilot, "New chats begin so")
    assert [system for system, _ in asked(assistant)] == ["Be calm.", "Be loud."]
    settings = load_settings()[0]
    assert (settings.system, dict(settings.systems)) == ("loud", {"calm": "Be calm.", "loud": "Be loud."})


@pytest.mark.parametrize(
    ("own", "said"),
    [
        ('{"parameters": {"temperature": 99}}', "in this chat temperature must be"),
        ("[" * 20_000, "what was chosen for this chat cannot be read"),
        ('{"system": 7, "preset": 7, "parameters": 7, "x": 7}', "the system prompt of this chat is no text"),
    ],
)
async def test_choices_that_make_no_sense_are_said_and_the_chat_opens(own: str, said: str):
    saved_chat(own)
    assistant, app = scripted(1)
    async with app.run_test(size=(100, 24)) as pilot:
        await sees(pilot, "Good day.")
        await sees(pilot, said)
        await ready(pilot)
        await answered(pilot, "and now?")
    assert asked(assistant) == [("", 0.0)]


def recorded_notices(app: ChatApp) -> list[str]:
    said: list[str] = []
    tell = app.notify

    def notify(message: str, **options: object) -> None:
        said.append(message)
        tell(message, **options)  # type: ignore[arg-type]

    app.notify = notify  # type: ignore[method-assign, assignment]
    return said


async def notices_of_a_start() -> list[str]:
    """What the app says by itself of the chat that it opens, after which it asks one question."""
    assistant, app = scripted(1)
    said = recorded_notices(app)
    async with app.run_test(size=(100, 24)) as pilot:
        await sees(pilot, "Good day.")
        await ready(pilot)
        await answered(pilot, "and now?")
    assert asked(assistant) == [("", 0.0)]
    return said


async def test_damage_on_the_disk_is_said_once_and_not_obeyed():
    saved_chat('{"system": "Be brief."}')
    with closing(Database()) as database, database.transaction() as sql:
        sql.execute("UPDATE chats SET own = replace(own, 'brief', 'cruel')")
    assert await notices_of_a_start() == ["what was chosen for this chat cannot be read; your defaults hold"]
    assert await notices_of_a_start() == []


async def test_a_preset_that_is_gone_is_said_once_for_all_branches():
    saved = saved_chat('{"preset": "bold [red]"}')
    app = scripted(1)[1]
    said = recorded_notices(app)
    async with app.run_test(size=(100, 24)) as pilot:
        await sees(pilot, "there is no preset 'bold [red]'")
        await chat(pilot).open_chat(saved)
        await ready(pilot)
    assert len(said) == 1


async def test_a_system_prompt_that_was_forgotten_meanwhile_is_not_written_again(spectra_home: Path):
    saved_chat('{"system": "xyzzy-secret"}')
    assistant, app = scripted(1)
    async with app.run_test(size=(100, 24)) as pilot:
        await sees(pilot, "Good day.")
        await ready(pilot)
        with closing(Database()) as database:
            forget(database, Forget(containing="xyzzy"))
        await choose(pilot, "/set temperature 0.5")
        await answered(pilot)
    assert asked(assistant) == [("", 0.5)]
    assert not any(b"xyzzy" in path.read_bytes() for path in spectra_home.rglob("*") if path.is_file())


async def test_an_import_says_that_it_brings_a_system_prompt(tmp_path: Path):
    file = tmp_path / "chat.json"
    tree = Tree("t", (SavedMessage(1, None, "user", "q"),), 1, own='{"system": "Praise the sender."}')
    file.write_text(to_json(tree), "utf-8")
    async with app_with().run_test(size=(140, 24)) as pilot:
        await ready(pilot)
        await send(pilot, f"/import {file}")
        await sees(pilot, "This chat came with a system prompt")
        await send(pilot, "/system off")
        await sees(pilot, "No system prompt in this chat.")
        await send(pilot, "/system")
        await sees(pilot, "There is none (this chat).")


async def test_an_incognito_chat_writes_none_of_it(spectra_home: Path):
    assistant, app = scripted(1)
    async with app.run_test(size=(100, 24)) as pilot:
        await ready(pilot)
        await send(pilot, "/incognito")
        await wait_until(pilot, lambda: state(pilot).chat.incognito)
        await choose(pilot, "/system xyzzy-secret")
        await answered(pilot)
        assert "xyzzy" not in screen_text(pilot)
    assert asked(assistant) == [("xyzzy-secret", 0.0)]
    assert not any(b"xyzzy" in path.read_bytes() for path in spectra_home.rglob("*") if path.is_file())
