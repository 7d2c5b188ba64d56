"""What a user chose, in one TOML file that people may edit: read with care, changed line by line.

A value that makes no sense is one notice and the default; the file is never rewritten as a whole, so comments and
what other versions wrote stay. Knows nothing of screens: which keys and themes there are, the app says.
"""

import json
import re
from collections.abc import Iterable, Mapping
from dataclasses import KW_ONLY, dataclass, field, fields
from pathlib import Path
from typing import Any

from spectra_local.completion.learning import LearningRules
from spectra_local.errors import SpectraError, UsageError
from spectra_local.locations import NoHomeError, config_dir
from spectra_local.printable import printable_line
from spectra_local.private_file import write_private

_MAX_BYTES = 1 << 20  # a larger file is not ours
_BARE_KEY = re.compile(r"[A-Za-z0-9_-]+")

_LONGEST_NOTICE = 600  # characters; all valid names of one kind take less

# Least and most of each number that decides how tokens are drawn.
SAMPLING_RANGES: Mapping[str, tuple[float, float]] = {
    "temperature": (0.0, 5.0),
    "top_k": (0, 100_000),
    "top_p": (0.01, 1.0),
    "min_p": (0.0, 1.0),
    "repeat_penalty": (0.5, 2.0),
    "repeat_last_n": (0, 100_000),
    "dry_multiplier": (0.0, 10.0),
    "seed": (0, 2**32 - 2),
}
_WHOLE_NUMBERS = frozenset({"top_k", "repeat_last_n", "seed"})

Parameters = Mapping[str, float]  # some fields of Sampling by name

PRESETS: Mapping[str, Parameters] = {
    "precise": {},
    "balanced": {"temperature": 0.7, "top_p": 0.95, "min_p": 0.05},
    "creative": {"temperature": 1.0, "min_p": 0.05},
}
DEFAULT_PRESET = "precise"


@dataclass(frozen=True, slots=True)
class Settings:
    """All there is to choose. Names that a table must hold ("" : none) are checked when the file is read."""

    model: str = ""  # name or path; "": the best of the offers that is on the disk
    theme: str = ""  # "": what suits the terminal
    send: str = "enter"  # the key that sends; ctrl+j then always breaks the line
    tint: bool = False  # colours accepted guesses by where they came from
    _: KW_ONLY
    preset: str = DEFAULT_PRESET
    system: str = ""  # name of the system prompt in use
    parameters: Parameters = field(default_factory=dict)  # over those of the preset
    presets: Mapping[str, Parameters] = field(default_factory=lambda: PRESETS)
    systems: Mapping[str, str] = field(default_factory=dict)  # system prompts by name
    keys: Mapping[str, str] = field(default_factory=dict)  # binding id -> keys
    completion: LearningRules = field(default_factory=LearningRules)  # what completing and rewriting teaches

    @property
    def system_prompt(self) -> str:
        """The text of the system prompt in use, "" for none."""
        return self.systems.get(self.system, "")


def settings_file() -> Path:
    """Where the settings are; it need not exist."""
    return config_dir() / "settings.toml"


def load_settings() -> tuple[Settings, list[str]]:
    """The settings, and one line for each value that could not be used. Raises NoHomeError alone."""
    try:
        return _checked(_table(_text()))
    except NoHomeError:
        raise
    except SpectraError as error:
        return Settings(), [f"{error}. The defaults are in use; the file stays as it is."]


def change_setting(path: tuple[str, ...], value: str | float | bool | None) -> None:
    """Writes one value, e.g. ``("keys", "chat.new")``; None takes it away. Raises SpectraError, changing nothing."""
    text = _text()
    before = _table(text)
    after = _edited(text, path, value)
    expected = _with(before, path, value)
    try:
        whole = _table(after) == expected
    except SpectraError:
        whole = False
    if not whole:
        raise SpectraError(f"{settings_file()} is written in a way that cannot be changed here; edit it by hand")
    _write(after)


def checked_parameter(name: str, text: str) -> float:
    """The number in ``text`` for a sampling parameter. Raises UsageError with the range."""
    try:
        number: object = float(text)
    except ValueError:
        number = text
    return checked_number(name, number)


def checked_number(name: str, value: object) -> float:
    """``value`` as the sampling parameter takes it. Raises UsageError with the range."""
    if name not in SAMPLING_RANGES:
        raise UsageError(f"there is no parameter '{printable_line(name)}'; there are {', '.join(SAMPLING_RANGES)}")
    if isinstance(value, bool) or not isinstance(value, int | float):
        raise UsageError(_range_words(name))
    try:
        return _number(name, value)
    except ValueError:
        raise UsageError(_range_words(name)) from None


# --- checking ----------------------------------------------------------------------------------------------------


def _checked(table: dict[str, Any]) -> tuple[Settings, list[str]]:
    notices: list[str] = []
    presets = dict(PRESETS)
    for name, values in _subtable(table, "presets", notices).items():
        if isinstance(values, dict):
            presets[name] = _parameters(values, f"presets.{name}", notices)
        else:
            notices.append(f"presets.{name} is no table")
    strings: dict[str, Any] = {
        kind: _strings(_subtable(table, kind, notices), kind, notices) for kind in ("systems", "keys")
    }
    rules = _learning_rules(_subtable(table, "completion", notices), notices)
    parameters = _parameters(_subtable(table, "parameters", notices), "parameters", notices)
    found: dict[str, Any] = {}
    known = {each.name for each in fields(Settings)}
    for key, value in table.items():
        if key not in known:
            notices.append(_no_such("setting", key, [each.name for each in fields(Settings)]))
        elif not isinstance(value, dict):
            if type(value) is type(getattr(_DEFAULTS, key)):
                found[key] = value
            else:
                kind = "true or false" if isinstance(getattr(_DEFAULTS, key), bool) else "text in quotes"
                notices.append(f"{key} must be {kind}")
    for key, kind, there in (("preset", "preset", presets), ("system", "system prompt", strings["systems"])):
        if found.get(key) and found[key] not in there:
            notices.append(_no_such(kind, found.pop(key), there))
    settings = Settings(**found, parameters=parameters, presets=presets, completion=rules, **strings)
    return settings, [printable_line(f"{settings_file().name}: {_shortened(notice)}") for notice in notices]


def _shortened(notice: str) -> str:
    """With the middle left out where a name or a value in the file would fill the screen."""
    if len(notice) <= _LONGEST_NOTICE:
        return notice
    return f"{notice[: _LONGEST_NOTICE // 2]} … {notice[-_LONGEST_NOTICE // 2 :]}"


def _no_such(kind: str, name: str, there: Iterable[str]) -> str:
    return f"there is no {kind} '{name}'; there are {', '.join(there) or 'none'}"


_DEFAULTS = Settings()


def _subtable(table: dict[str, Any], name: str, notices: list[str]) -> dict[str, Any]:
    value = table.get(name, {})
    if isinstance(value, dict):
        return value
    notices.append(f"{name} is no table")
    table.pop(name)
    return {}


def _strings(values: dict[str, Any], table: str, notices: list[str]) -> dict[str, str]:
    notices += [f"{table}.{name} must be text in quotes" for name, value in values.items() if type(value) is not str]
    return {name: value for name, value in values.items() if type(value) is str}


def _learning_rules(values: dict[str, Any], notices: list[str]) -> LearningRules:
    """A rule that cannot be read switches learning off: it was meant to keep something private."""
    learn, not_from = values.get("learn", True), values.get("not_from", [])
    rules = ("learn", "not_from")
    notices += [_no_such("setting", f"completion.{name}", rules) for name in values if name not in rules]
    if not isinstance(learn, bool):
        notices.append("completion.learn must be true or false; nothing is learned from completions")
        learn = False
    if not isinstance(not_from, list) or not all(isinstance(rule, str) for rule in not_from):
        notices.append("completion.not_from must be a list of texts; nothing is learned from completions")
        learn, not_from = False, []
    return LearningRules(learn, tuple(not_from))


def _parameters(values: dict[str, Any], table: str, notices: list[str]) -> dict[str, float]:
    found = {}
    for name, value in values.items():
        try:
            if isinstance(value, bool) or not isinstance(value, (int, float)):
                raise ValueError
            found[name] = _number(name, value)
        except KeyError:
            notices.append(_no_such("parameter", f"{table}.{name}", SAMPLING_RANGES))
        except ValueError:
            notices.append(f"{table}: {_range_words(name)}" if name in SAMPLING_RANGES else f"{table}.{name} is none")
    return found


def _number(name: str, value: float) -> float:
    least, most = SAMPLING_RANGES[name]
    if not least <= value <= most or (name in _WHOLE_NUMBERS and value != int(value)):
        raise ValueError
    return int(value) if name in _WHOLE_NUMBERS else float(value)


def _range_words(name: str) -> str:
    least, most = SAMPLING_RANGES[name]
    kind = "a whole number" if name in _WHOLE_NUMBERS else "a number"
    return f"{name} must be {kind} from {least:g} to {most:g}"


# --- the file ----------------------------------------------------------------------------------------------------


def _text() -> str:
    path = settings_file()
    try:
        if path.stat().st_size > _MAX_BYTES:
            raise SpectraError(f"{path} is too large to be a settings file")
        return path.read_text("utf-8")
    except FileNotFoundError:
        return ""
    except (OSError, ValueError) as error:
        raise SpectraError(f"{path} cannot be read ({getattr(error, 'strerror', None) or 'no text'})") from error


def _table(text: str) -> dict[str, Any]:
    import tomllib  # the command line starts without it

    try:
        return tomllib.loads(text)
    except (tomllib.TOMLDecodeError, RecursionError) as error:
        raise SpectraError(f"{settings_file()} is no valid TOML: {printable_line(str(error))}") from error


def _with(table: dict[str, Any], path: tuple[str, ...], value: object) -> dict[str, Any]:
    """``table`` with the value in it; used to verify what the editing of lines has made."""
    key, rest = path[0], path[1:]
    if rest:
        inner = table.get(key)
        return {**table, key: _with(inner if isinstance(inner, dict) else {}, rest, value)}
    if value is None:
        return {name: kept for name, kept in table.items() if name != key}
    return {**table, key: value}


def _edited(text: str, path: tuple[str, ...], value: str | float | bool | None) -> str:
    from spectra_local.text_file import lines_of  # only who changes a setting needs it

    lines = lines_of(text)
    if lines and not lines[-1].endswith("\n"):
        lines[-1] += "\n"
    *tables, key = path
    header = f"[{'.'.join(map(_key, tables))}]" if tables else ""
    start, end = _section(lines, tuple(tables))
    if start is None:
        lines += ["\n"] * bool(lines) + [f"{header}\n"]
        start = end = len(lines)
    new = [] if value is None else [f"{_key(key)} = {_value(value)}\n"]
    for index in range(start, end):
        if _begins(lines[index], key):
            stop = _end_of_value(lines, index, end)
            return "".join([*lines[:index], *new, *lines[stop:]])
    while end > start and not lines[end - 1].strip():
        end -= 1
    return "".join([*lines[:end], *new, *lines[end:]])


def _section(lines: list[str], tables: tuple[str, ...]) -> tuple[int | None, int]:
    """First line and end of a table's own lines; None where there is no such table. () is the top of the file."""
    start: int | None = None if tables else 0
    index = 0
    while index < len(lines):
        if (name := _header(lines[index])) is not None:
            if start is not None:
                return start, index
            if name == tables:
                start = index + 1
            index += 1
        else:
            index = _end_of_value(lines, index, len(lines))
    return start, len(lines)


def _header(line: str) -> tuple[str, ...] | None:
    """The table that a line opens; None for any other line."""
    if not line.lstrip().startswith("["):
        return None
    try:
        table, names = _table(line), []
    except SpectraError:
        return None
    while isinstance(table, dict) and len(table) == 1:
        name = next(iter(table))
        names.append(name)
        table = table[name]
    return tuple(names)


def _begins(line: str, key: str) -> bool:
    name = re.match(r"""\s*("(?:[^"\\]|\\.)*"|'[^']*'|[A-Za-z0-9_-]+)\s*=""", line)
    return name is not None and name[1] in (key, f"'{key}'", json.dumps(key), _value(key))


def _end_of_value(lines: list[str], index: int, end: int) -> int:
    """The line after a value that begins at ``index``: the first at which what stands there is whole."""
    for stop in range(index + 1, end + 1):
        try:
            _table("".join(lines[index:stop]))
        except SpectraError:
            continue
        return stop
    return index + 1


def _key(name: str) -> str:
    return name if _BARE_KEY.fullmatch(name) else _value(name)


def _value(value: str | float | bool) -> str:
    if isinstance(value, str):  # JSON's escapes are TOML's, but for DEL and lone surrogates
        return json.dumps(value.encode("utf-8", "replace").decode(), ensure_ascii=False).replace("\x7f", "\\u007f")
    return json.dumps(value)


def _write(text: str) -> None:
    path = settings_file()
    target = path.resolve()  # a link into a folder of dotfiles stays one
    try:
        write_private(target, text.encode(), durable=True)
    except OSError as error:
        raise SpectraError(f"cannot write {path}: {error.strerror}") from error
