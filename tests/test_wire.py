import contextlib
import dataclasses
import json

import pytest
from hypothesis import given
from hypothesis import strategies as st

from spectra_local import protocol, wire
from spectra_local.errors import ContextFullError
from spectra_local.protocol import Done, EngineOptions, Message, Request, Sampling, Text, Timings

VALUES = [
    Request(
        messages=(Message("user", "naïve \x1b[2J \U0001f431"),), sampling=Sampling(temperature=0.8, seed=7), stop=("a",)
    ),
    Request(prompt="raw", prediction="x\ny"),
    EngineOptions(n_ctx=4096),
    Text("… a", 3, "cc ", 1.5),
    Done("stop", Timings(prompt_n=3, accepted_by_source={"core": 2}), 10, 8192),
    {"cancel": 3},
    {"path": "/a b", "options": EngineOptions()},
]


@pytest.mark.parametrize("value", VALUES, ids=lambda v: type(v).__name__)
def test_what_goes_in_comes_out(value: object) -> None:
    line = wire.encode(value)
    assert line.count(b"\n") == 1
    assert wire.decode(line) == value


def test_an_error_arrives_as_itself() -> None:
    error = wire.decode(wire.encode(ContextFullError("full: 10 of 8")))
    assert type(error) is ContextFullError
    assert str(error) == "full: 10 of 8"


def test_an_unknown_type_is_refused() -> None:
    with pytest.raises(ValueError, match="unknown type"):
        wire.decode(b'{"type": "Popen"}')


@given(st.binary(max_size=200))
def test_garbage_raises_nothing_but_value_error(line: bytes) -> None:
    with contextlib.suppress(ValueError):
        wire.decode(line)


MESSAGES = [cls for cls in vars(protocol).values() if isinstance(cls, type) and dataclasses.is_dataclass(cls)]


@pytest.mark.parametrize("name", [*(cls.__name__ for cls in MESSAGES), "SpectraError", "ContextFullError"])
def test_a_field_too_many_raises_value_error(name: str) -> None:
    with pytest.raises(ValueError):
        wire.decode(json.dumps({"type": name, "no_field_of_any": 1}).encode())


@pytest.mark.parametrize("cls", MESSAGES)
def test_a_field_too_few_raises_value_error(cls: type) -> None:
    required = [f.name for f in dataclasses.fields(cls) if f.default is f.default_factory is dataclasses.MISSING]
    for missing in required:
        fields = {name: 1 for name in required if name != missing}
        with pytest.raises(ValueError):
            wire.decode(json.dumps({"type": cls.__name__, **fields}).encode())
