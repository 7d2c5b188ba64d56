"""Protocol values as lines of JSON and back, for the line between a program and an engine's process. No pickle."""

import dataclasses
import hashlib
import json
from typing import Any

from spectra_local import __version__, errors, protocol

_TYPES: dict[str, type] = {
    cls.__name__: cls for cls in vars(protocol).values() if isinstance(cls, type) and dataclasses.is_dataclass(cls)
}
_ERRORS = {
    cls.__name__: cls for cls in vars(errors).values() if isinstance(cls, type) and issubclass(cls, errors.SpectraError)
}
_TYPE = "type"


def _version() -> str:
    shapes = sorted((name, [field.name for field in dataclasses.fields(cls)]) for name, cls in _TYPES.items())
    return f"{__version__} {hashlib.sha256(repr(shapes).encode()).hexdigest()[:12]}"


VERSION = _version()
"""Two programs with the same one understand each other: it changes with the release and with any field of a message."""


def encode(value: Any) -> bytes:
    """One line for one value of the protocol (or a plain JSON value, or a SpectraError)."""
    return json.dumps(_plain(value), ensure_ascii=True, separators=(",", ":")).encode() + b"\n"


def decode(line: bytes) -> Any:
    """The value of one line. Raises ValueError for anything that ``encode`` did not make."""
    try:
        return json.loads(line, object_hook=_value)
    except (TypeError, KeyError, RecursionError) as error:
        raise ValueError(f"not a message: {error}") from error


def _plain(value: Any) -> Any:
    if isinstance(value, errors.SpectraError):
        return {_TYPE: type(value).__name__, "message": str(value)}
    if dataclasses.is_dataclass(value):
        fields = {f.name: _plain(getattr(value, f.name)) for f in dataclasses.fields(value)}
        return {_TYPE: type(value).__name__, **fields}
    if isinstance(value, dict):
        return {key: _plain(v) for key, v in value.items()}
    return [_plain(v) for v in value] if isinstance(value, (tuple, list)) else value


def _value(fields: dict[str, Any]) -> Any:
    name = fields.pop(_TYPE, None)
    if name is None:
        return fields
    if name in _ERRORS:
        return _ERRORS[name](fields["message"])
    if name not in _TYPES:
        raise ValueError(f"unknown type {name!r}")
    return _TYPES[name](**{key: _frozen(value) for key, value in fields.items()})


def _frozen(value: Any) -> Any:
    return tuple(map(_frozen, value)) if isinstance(value, list) else value
