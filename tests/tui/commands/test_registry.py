import pytest

from tui.commands import COMMANDS
from tui.commands.registry import Registry, parse
from tui.keymap import key_of
from tui.keys import CHAT_KEYS


def test_a_message_is_no_command():
    for text in ("hello", " /new", "//new", "/new\nand more"):
        assert parse(text) is None


def test_a_command_is_a_name_and_what_follows():
    assert parse("/read  a file.txt ") == ("read", "a file.txt")
    assert parse("/") == ("", "")


@pytest.mark.parametrize(("typed", "meant"), [
    ("qiut", "quit"), ("cop", "copy"), ("HELP", "help"), ("retyr", "retry"), ("serch", "search"), ("modell", "model"),
    ("incgonito", "incognito"), ("hlep", "help"), ("opne", "open"),
])  # fmt: skip
def test_the_nearest_command_is_found(typed: str, meant: str):
    found = COMMANDS.nearest(typed)
    assert found is not None
    assert found.name == meant


def test_nothing_is_near_to_nonsense():
    for typed in ("zzzzqqq", "nonsense", "xyz", "wq", ""):
        assert COMMANDS.nearest(typed) is None, typed


@pytest.mark.parametrize(("typed", "name"), [("exit", "quit"), ("bye", "quit"), ("clear", "new"), ("regen", "retry")])
def test_names_of_other_programs_work(typed: str, name: str):
    command = COMMANDS.get(typed)
    assert command is not None
    assert command.name == name
    assert typed not in [each.name for each in COMMANDS]


def test_two_commands_of_one_name_are_refused():
    command = next(iter(COMMANDS))
    with pytest.raises(ValueError, match="same name"):
        Registry((command, command))


def test_keys_that_do_what_a_command_does_name_one_that_there_is():
    for action in (key.action for key in CHAT_KEYS if key.action.startswith("command(")):
        command = COMMANDS.get(action.split("'")[1])
        assert command is not None, action
        assert not command.needs_argument
    assert key_of("retry", {}) == "ctrl+r"
    assert key_of("retry", {"chat.retry": "f9"}) == "f9"
    assert key_of("export", {}) == ""
