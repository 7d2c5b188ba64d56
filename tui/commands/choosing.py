"""Slash commands about what answers, and how: the model, system prompts, parameters, settings."""

from pathlib import Path
from typing import TYPE_CHECKING

from spectra_local.errors import UsageError
from spectra_local.printable import printable, printable_line
from spectra_local.protocol import Sampling
from spectra_local.settings import SAMPLING_RANGES, Settings, checked_parameter
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
    """A name chooses a prompt of the settings, "off" none, anything else is kept as the prompt "own"."""
    app = _app(chat)
    if not text:
        now = app.settings.system_prompt
        chat.hint(printable(f"System prompt: {now}" if now else "There is no system prompt. /system TEXT sets one."))
    elif text == "off":
        if app.change_setting(("system",), None):
            chat.hint("No system prompt.")
    elif text in app.settings.systems:
        if app.change_setting(("system",), text):
            chat.hint(printable_line(f"System prompt '{text}' from the next message on."))
    elif app.change_setting(("systems", "own"), text) and app.change_setting(("system",), "own"):
        chat.hint("System prompt kept as 'own', from the next message on.")


def _set(chat: "ChatScreen", words: str) -> None:
    """``NAME`` shows a parameter, ``NAME VALUE`` sets it, ``NAME default`` puts it back; a preset's name chooses that,
    in place of what was set one by one; nothing opens the screen."""
    app = _app(chat)
    name, _, value = words.partition(" ")
    if not words:
        app.action_settings()
    elif words in app.settings.presets:
        _choose_preset(chat, words)
    elif name in SAMPLING_RANGES and not value:
        chat.hint(printable_line(f"{name} is {_value(app.settings, name)} ({app.settings.origin(name)})."))
    else:
        try:
            number = None if value == "default" and name in SAMPLING_RANGES else checked_parameter(name, value)
        except UsageError as error:
            chat.hint(printable_line(f"{error}."))
            return
        if app.change_setting(("parameters", name), number):
            words = f"{name} is {_value(app.settings, name)} ({app.settings.origin(name)}) from the next message on."
            chat.hint(printable_line(words))


def _choose_preset(chat: "ChatScreen", preset: str) -> None:
    app = _app(chat)
    replaced = [*app.settings.parameters]
    if all(app.change_setting(("parameters", name), None) for name in replaced) and app.change_setting(
        ("preset",), preset
    ):
        without = f", without the {', '.join(replaced)} that was set" if replaced else ""
        chat.hint(printable_line(f"Preset '{preset}' from the next message on{without}."))


def _value(settings: Settings, name: str) -> str:
    value = getattr(settings.sampling(Sampling()), name)
    return "none" if value is None else f"{value:g}"


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
    return matching(["off", *_app(chat).settings.systems], typed)


def _set_names(chat: "ChatScreen", typed: str) -> list[str]:
    return matching([*_app(chat).settings.presets, *SAMPLING_RANGES], typed)


COMMANDS = (
    Command("model", "choose, switch or unload (off) the model", _model, "[name|off]", values=_model_names),
    Command("system", "show or set the system prompt", _system, "[text|name|off]", values=_system_names),
    Command(
        "tint",
        "colour what was guessed, by source",
        _tint,
        "[on|off]",
        values=lambda _, typed: matching(("on", "off"), typed),
    ),
    Command(
        "set",
        "a sampling parameter, a preset, or all settings",
        _set,
        "[name [value]|preset]",
        values=_set_names,
    ),
)
