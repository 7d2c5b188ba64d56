"""The fields of a JSON request, checked: a wrong type is an error that names the field; unknown fields are ignored."""

import json
import math
from collections.abc import Mapping
from typing import Any


class RequestError(Exception):
    """What the client sent cannot be answered; ``status`` is the HTTP status that says so."""

    def __init__(self, message: str, *, status: int = 400, field: str | None = None, code: str | None = None) -> None:
        """``code``: a name that programs know the error by, where there is one."""
        super().__init__(message)
        self.status = status
        self.field = field
        self.code = code


class Fields:
    """A JSON object. ``null`` counts as absent, as OpenAI's clients send it. Every method raises RequestError."""

    def __init__(self, values: Mapping[str, Any], path: str = "") -> None:
        self._values = values
        self._path = path

    @classmethod
    def parse(cls, body: bytes) -> "Fields":
        """The object that ``body`` holds."""
        try:
            values = json.loads(body, parse_constant=_refuse_constant)
        except (ValueError, RecursionError) as error:
            raise RequestError(f"the body is not JSON: {error}") from error
        if not isinstance(values, dict):
            raise RequestError("the body must be a JSON object")
        return cls(values)

    def name(self, field: str) -> str:
        """The field's full name, e.g. messages[2].content."""
        return f"{self._path}.{field}" if self._path else field

    def has(self, field: str) -> bool:
        """Whether the field is given and not null."""
        return self._values.get(field) is not None

    def asks(self, field: str) -> bool:
        """Whether the field holds anything: programs send the empty text, list or object for nothing."""
        return self._values.get(field) not in (None, "", [], {})

    def is_on(self, field: str) -> bool:
        """Whether the field holds anything but false, 0 and nothing."""
        return bool(self._values.get(field))

    def text(self, field: str, default: str | None = None) -> str:
        """A string; without ``default`` it must be given."""
        return _encodable(self._typed(field, str, "a string", default), self.name(field))

    def plain_text(self, field: str, default: str | None = None) -> str:
        """A string as it stands in a text file: without NUL, by which binary files are known."""
        text = self.text(field, default)
        if "\0" in text:
            raise RequestError(f"{self.name(field)} holds a NUL character: that is no text", field=self.name(field))
        return text

    def flag(self, field: str, default: bool = False) -> bool:
        """True or false."""
        return bool(self._typed(field, bool, "true or false", default))

    def number(self, field: str, default: float) -> float:
        """A finite number."""
        value = self._typed(field, (int, float), "a number", default)
        try:
            number = float(value)
        except OverflowError as error:  # JSON's whole numbers have no end
            raise self._wrong(field, "a number that is not so large") from error
        if isinstance(value, bool) or not math.isfinite(number):
            raise self._wrong(field, "a number")
        return number

    def integer(self, field: str, default: int, largest: int = 1 << 53) -> int:
        """A whole number, also written as 3.0."""
        value = self.number(field, default)
        given = self._values.get(field)
        whole = given if isinstance(given, int) else int(value)  # a float would round large ones
        if not value.is_integer() or abs(whole) > largest:
            raise self._wrong(field, "a whole number")
        return whole

    def names(self) -> list[str]:
        """The fields that are given."""
        return [name for name in self._values if self.has(name)]

    def texts(self, field: str, most: int) -> tuple[str, ...]:
        """One string or a list of at most ``most``; empty ones are left out."""
        value = self._values.get(field)
        items = [value] if isinstance(value, str) else [] if value is None else value
        if not isinstance(items, list) or not all(isinstance(item, str) for item in items):
            raise self._wrong(field, "a string or a list of strings")
        if len(items) > most:
            raise RequestError(f"{self.name(field)} holds {len(items)} strings, at most {most} are allowed")
        return tuple(_encodable(item, self.name(field)) for item in items if item)

    def items(self, field: str) -> list[Any]:
        """A list of anything; empty where it is not given."""
        return list(self._typed(field, list, "a list", []))

    def is_list(self, field: str) -> bool:
        """Whether the field is a list, where something else could stand too."""
        return isinstance(self._values.get(field), list)

    def objects(self, field: str) -> list["Fields"]:
        """A list of objects; empty where it is not given."""
        value = self._typed(field, list, "a list", [])
        if not all(isinstance(item, dict) for item in value):
            raise self._wrong(field, "a list of objects")
        return [Fields(item, f"{self.name(field)}[{i}]") for i, item in enumerate(value)]

    def object(self, field: str) -> "Fields | None":
        """An object, None where it is not given."""
        value = self._typed(field, dict, "an object", {}) if self.has(field) else None
        return None if value is None else Fields(value, self.name(field))

    def is_text(self, field: str) -> bool:
        """Whether the field is a string, where a list could stand too."""
        return isinstance(self._values.get(field), str)

    def _typed(self, field: str, kind: type | tuple[type, ...], words: str, default: Any) -> Any:
        value = self._values.get(field)
        if value is None:
            if default is None:
                raise RequestError(f"{self.name(field)} is missing", field=self.name(field))
            return default
        if not isinstance(value, kind):
            raise self._wrong(field, words)
        return value

    def _wrong(self, field: str, words: str) -> RequestError:
        return RequestError(f"{self.name(field)} must be {words}", field=self.name(field))


def _refuse_constant(name: str) -> float:
    raise ValueError(f"{name} is not a JSON value")


def _encodable(text: str, name: str) -> str:
    try:
        text.encode()
    except UnicodeEncodeError as error:
        raise RequestError(f"{name} holds a lone surrogate, which is no character", field=name) from error
    return text
