"""What was chosen for one chat, over what the settings say for all: kept with the chat, as JSON.

Knows nothing of files and of screens. What is kept may come from an import or from a damaged disk: what makes no sense
is one notice, and the settings hold instead.
"""

import json
from dataclasses import KW_ONLY, dataclass, field, replace
from typing import Any

from spectra_local.errors import UsageError
from spectra_local.printable import printable_line
from spectra_local.protocol import Sampling
from spectra_local.settings import Parameters, Settings, checked_number

_NAME_CHARACTERS = 40  # of a parameter that there is not are told

OWN, DEFAULT = "this chat", "your default"  # where a value comes from


@dataclass(frozen=True, slots=True)
class ChatSettings:
    """The choices of one chat. ``system`` is the text of its system prompt: "" none, None as the settings say."""

    system: str | None = None
    preset: str = ""  # "": as the settings say
    _: KW_ONLY
    parameters: Parameters = field(default_factory=dict)  # over those of the preset

    def to_json(self) -> str:
        """With what was chosen alone."""
        chosen: dict[str, Any] = {}
        if self.system is not None:
            chosen["system"] = self.system
        if self.preset:
            chosen["preset"] = self.preset
        if self.parameters:
            chosen["parameters"] = dict(self.parameters)
        return json.dumps(chosen, ensure_ascii=False)

    def with_parameter(self, name: str, value: float | None) -> "ChatSettings":
        """With one parameter set; None puts it back."""
        others = {kept: number for kept, number in self.parameters.items() if kept != name}
        return replace(self, parameters=others if value is None else {**others, name: value})

    def since(self, before: "ChatSettings") -> "ChatSettings":
        """What was chosen after ``before`` alone."""
        return ChatSettings(
            None if self.system == before.system else self.system,
            "" if self.preset == before.preset else self.preset,
            parameters={n: value for n, value in self.parameters.items() if before.parameters.get(n) != value},
        )


def from_json(text: str) -> tuple[ChatSettings, list[str]]:
    """The choices, and one line for each that could not be used."""
    try:
        table = json.loads(text)
    except (ValueError, RecursionError):
        table = None
    if not isinstance(table, dict):
        return ChatSettings(), ["what was chosen for this chat cannot be read; your defaults hold"]
    notices: list[str] = []
    system, preset, numbers = table.get("system"), table.get("preset", ""), table.get("parameters", {})
    if not isinstance(system, str | None):
        notices.append("the system prompt of this chat is no text")
        system = None
    if not isinstance(preset, str):
        notices.append("the preset of this chat is no name")
        preset = ""
    if not isinstance(numbers, dict):
        notices.append("the parameters of this chat are no table")
        numbers = {}
    parameters = {}
    for name, value in numbers.items():
        try:
            parameters[name] = checked_number(name[:_NAME_CHARACTERS], value)
        except UsageError as error:
            notices.append(f"in this chat {error}")
    if system is not None:
        system = system.encode("utf-8", "replace").decode()  # half a surrogate pair is no text that a model can read
    return ChatSettings(system, preset, parameters=parameters), [printable_line(notice) for notice in notices]


@dataclass(frozen=True, slots=True)
class InForce:
    """The settings as they hold in one chat."""

    settings: Settings
    chat: ChatSettings = field(default_factory=ChatSettings)

    @property
    def _has_preset(self) -> bool:
        """Whether the chat chose one that there is; one that is no longer in the settings counts as not chosen."""
        return bool(self.chat.preset) and self.chat.preset in self.settings.presets

    @property
    def preset(self) -> str:
        """Its name, "" for none."""
        return self.chat.preset if self._has_preset else self.settings.preset

    @property
    def notices(self) -> list[str]:
        """One line for each choice of the chat that the settings have nothing for."""
        if self._has_preset or not self.chat.preset:
            return []
        name = self.chat.preset[:_NAME_CHARACTERS]
        return [printable_line(f"there is no preset '{name}', which this chat chose; your defaults hold")]

    @property
    def _layers(self) -> list[tuple[str, Parameters]]:
        """Names of origins, and what each says; a later one wins. A preset that the chat chose replaces the values
        that were set one by one for all chats, as it does those that were set in the chat before."""
        layers = [(f"preset {self.preset}", self.settings.presets.get(self.preset, {}))]
        if not self._has_preset:
            layers.append((DEFAULT, self.settings.parameters))
        return [*layers, (OWN, self.chat.parameters)]

    @property
    def defaults(self) -> Parameters:
        """What was set one by one, here or for all chats."""
        return {**({} if self._has_preset else self.settings.parameters), **self.chat.parameters}

    def sampling(self, base: Sampling) -> Sampling:
        """``base`` with the preset's values, then with those set one by one."""
        changed: dict[str, Any] = {}
        for _, values in self._layers:
            changed |= values
        return replace(base, **changed)

    def origin(self, parameter: str) -> str:
        """Where the value of a sampling parameter comes from, in words."""
        return next((name for name, values in reversed(self._layers) if parameter in values), "built in")

    @property
    def system(self) -> str:
        """The text of the system prompt, "" for none."""
        return self.settings.system_prompt if self.chat.system is None else self.chat.system

    @property
    def system_origin(self) -> str:
        """Where it comes from, in words."""
        if self.chat.system is not None:
            return OWN
        return DEFAULT if self.settings.system_prompt else "built in"
