"""What is made of many values is made by their names: one that is added must not take another's place."""

import dataclasses
import pkgutil
from collections.abc import Iterator
from importlib import import_module

import spectra_local
import tui

MOST = 4  # values by position
HOT = {"Candidate"}  # made at each node of a draft
NO_MODULES = {"spectra_local.cli.native_child", "tui.__main__"}  # programs


def made_of_many() -> Iterator[tuple[str, list[str]]]:
    for package in (spectra_local, tui):
        for module in pkgutil.walk_packages(package.__path__, f"{package.__name__}."):
            if module.name in NO_MODULES or module.name.endswith("__main__"):
                continue
            for name, cls in vars(import_module(module.name)).items():
                if isinstance(cls, type) and dataclasses.is_dataclass(cls) and cls.__module__ == module.name:
                    yield name, [field.name for field in dataclasses.fields(cls) if field.init and not field.kw_only]


def test_no_public_dataclass_takes_many_values_by_position() -> None:
    found = dict(made_of_many())
    assert "CompletionRequest" in found
    assert not {n: names for n, names in found.items() if len(names) > MOST and n not in HOT and not n.startswith("_")}
