"""Slash commands about what answers, and how: the model, system prompts, parameters, settings."""

from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING

from spectra_local.chat_settings import DEFAULT, OWN, ChatSettings, InForce
from spectra_local.errors import UsageError
from spectra_local.printable import printable, printable_line
from spectra_local.settings import DEFAULT_PRESET, SAMPLING_RANGES, Settings, checked_parameter
from tui.adapter import CHAT_SAMPLING
from tui.candidates import Candidate, matching
from tui.commands.registry import Command

if TYPE_CHECKING:
    from tui.app import ChatApp
    from tui.screens.chat import ChatScreen


def _app(chat: "ChatScreen") -> "ChatApp":
    from tui.app import ChatApp

    assert isinstance(chat.app, ChatApp)
    return chat.app


def _model(chat: "ChatScreen", name: str) -> None:
    if name == "off":
        chat.unload_model()
    elif name:
        use(chat, name)
    else:
        from tui.screens.models import ModelsScreen

        info = chat.state.model.info
        in_use = Path(info.path) if info else None
        chat.app.push_screen(ModelsScreen(in_use), lambda chosen: _chosen(chat, chosen))


def _chosen(chat: "ChatScreen", name: str | None) -> None:
    if name == "":
        chat.unload_model()
    elif name:
        use(chat, name)


def use(chat: "ChatScreen", name: str) -> None:
    """Once it is loaded it is the one to begin with next time."""
    chat.use_model(name, when_loaded=lambda: _app(chat).change_setting(("model",), name))


def _system(chat: "ChatScreen", text: str) -> None:
    """For this chat: a name chooses a prompt of the settings, "off" none, "default" what holds for all chats, anything
    else is the prompt itself."""
    known = _app(chat).settings.systems
    if not text:
        now, origin = chat.in_force.system, chat.in_force.system_origin
        words = f"System prompt ({origin}): {now}" if now else f"There is none ({origin}). /system TEXT sets one."
        chat.hint(printable(words))
        return
    system = None if text == "default" else "" if text == "off" else known.get(text, text)
    chat.choose(replace(chat.state.chat.own, system=system))
    if text in known:
        words = f"System prompt '{text}' in this chat, from the next message on."
    elif system:
        words = "System prompt of this chat, from the next message on."
    elif text == "default" and chat.in_force.system:
        words = "Your default system prompt, from the next message on."
    else:
        words = "No system prompt in this chat."
    chat.hint(printable_line(words))


def _set(chat: "ChatScreen", words: str) -> None:
    """For this chat: ``NAME`` shows a parameter, ``NAME VALUE`` sets it, ``NAME default`` puts it back; a preset's name
    chooses that, in place of what was set one by one; "default" puts all back; nothing opens the screen."""
    app, own = _app(chat), chat.state.chat.own
    name, _, value = words.partition(" ")
    if not words:
        app.action_settings()
    elif words == "default":
        chat.choose(ChatSettings(own.system))
        chat.hint(f"Preset '{printable_line(chat.in_force.preset)}' and your defaults from the next message on.")
    elif words in app.settings.presets:
        replaced = [name for name in SAMPLING_RANGES if chat.in_force.origin(name) in (OWN, DEFAULT)]
        chat.choose(ChatSettings(own.system, words))
        without = f", without the {', '.join(replaced)} that was set" if replaced else ""
        chat.hint(printable_line(f"Preset '{words}' in this chat, from the next message on{without}."))
    elif name in SAMPLING_RANGES and not value:
        chat.hint(printable_line(f"{_shown(chat, name)}."))
    else:
        try:
            number = None if value == "default" and name in SAMPLING_RANGES else checked_parameter(name, value)
        except UsageError as error:
            chat.hint(printable_line(f"{error}."))
            return
        chat.choose(own.with_parameter(name, number))
        chat.hint(printable_line(f"{_shown(chat, name)} from the next message on."))


def _shown(chat: "ChatScreen", name: str) -> str:
    value = getattr(chat.in_force.sampling(CHAT_SAMPLING), name)
    return f"{name} is {'none' if value is None else f'{value:g}'} ({chat.in_force.origin(name)})"


def _default(chat: "ChatScreen", word: str) -> None:
    """What was chosen for this chat holds from now on in all that have no choice of their own; "off": the program's
    own choice."""
    app, chosen = _app(chat), chat.in_force
    if word not in ("", "off"):
        chat.hint("/default takes this chat's choices over; /default off goes back to the program's.")
        return
    if not word and chosen.chat == ChatSettings():
        chat.hint("Nothing was chosen for this chat alone: /set and /system do that.")
        return
    after = InForce(Settings(presets=app.settings.presets)) if word else chosen
    if not all(app.change_setting(path, value) for path, value in _changes(app.settings, after)):
        return
    if word:
        chat.hint("New chats begin as the program has it: no system prompt, nothing set.")
        return
    set_ = [f"{name} {value:g}" for name, value in after.defaults.items()]
    system = ["a system prompt" if after.system else "no system prompt"]
    chat.hint(printable_line(f"New chats begin so: {', '.join([*system, f'preset {after.preset}', *set_])}."))


def _changes(before: Settings, after: InForce) -> Iterator[tuple[tuple[str, ...], str | float | None]]:
    """Settings to write, so that all chats begin as ``after``."""
    name = next((name for name, text in before.systems.items() if text == after.system), "own")
    if after.system and before.systems.get(name) != after.system:
        yield ("systems", name), after.system
    yield ("system",), name if after.system else None
    yield ("preset",), None if after.preset == DEFAULT_PRESET else after.preset
    for name in {**before.parameters, **after.defaults}:
        yield ("parameters", name), after.defaults.get(name)


def _model_names(_: "ChatScreen", typed: str) -> list[Candidate]:
    from spectra_local.catalogue.entries import entries
    from spectra_local.catalogue.listing import rows
    from spectra_local.catalogue.on_disk import chat_models

    found = sorted(rows(entries(), chat_models(), None), key=lambda row: row.on_disk is None)
    where = {row.name: row.on_disk.where if row.on_disk else "to fetch" for row in found}
    where["off"] = "unload the model"
    return [Candidate(name, where[name], final=True) for name in matching(where, typed)]


def _tint(chat: "ChatScreen", word: str) -> None:
    from textual.content import Content

    from spectra_local.protocol import Source
    from tui.tint import style_of_source

    app = _app(chat)
    wanted = {"on": True, "off": False}.get(word.lower(), not app.settings.tint)
    if not app.change_setting(("tint",), wanted or None):
        return
    if wanted:
        names = Content(" ").join(Content.styled(name, style_of_source(name)) for name in Source)
        chat.hint(Content.assemble("Tinted by source: ", names))
    else:
        chat.hint("Answers are no longer tinted.")


def _on_off(_: "ChatScreen", typed: str) -> list[str]:
    return matching(("on", "off"), typed)


def _system_names(chat: "ChatScreen", typed: str) -> list[str]:
    return matching(["off", "default", *_app(chat).settings.systems], typed)


def _set_names(chat: "ChatScreen", typed: str) -> list[str]:
    return matching([*_app(chat).settings.presets, *SAMPLING_RANGES, "default"], typed)


COMMANDS = (
    Command("model", "choose, switch or unload (off) the model", _model, "[name|off]", values=_model_names),
    Command(
        "system",
        "show or set the system prompt of this chat",
        _system,
        "[text|name|off|default]",
        values=_system_names,
    ),
    Command(
        "tint",
        "colour what was guessed, by source",
        _tint,
        "[on|off]",
        values=lambda _, typed: matching(("on", "off"), typed),
    ),
    Command(
        "set",
        "a sampling parameter or preset of this chat, or all settings",
        _set,
        "[name [value]|preset|default]",
        values=_set_names,
    ),
    Command(
        "default",
        "let new chats begin with this one's system prompt and parameters",
        _default,
        "[off]",
        values=lambda _, typed: matching(("off",), typed),
    ),
)
