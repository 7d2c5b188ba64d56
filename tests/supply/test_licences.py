"""What a user installs with the program may be used and passed on with it."""

import re
from importlib.metadata import Distribution, distribution
from pathlib import Path

from packaging.requirements import Requirement
from packaging.utils import canonicalize_name

# Permissive ones, and the Mozilla licence, which asks nothing of programs that only import.
ACCEPTED = re.compile(
    r"MIT|MIT License|Apache|BSD|ISC|PSF|Python Software Foundation|MPL|Mozilla Public|Unlicense|Zlib|CC0|0BSD", re.I
)
REFUSED = re.compile(r"\bA?GPL|General Public License(?! v2 or later \(LGPL)", re.I)


def runtime() -> dict[str, Distribution]:
    """Everything that the program and its extras for users need here, by name."""
    found: dict[str, Distribution] = {}
    wanted = [("spectra-chat", frozenset({"server", "lsp"}))]
    while wanted:
        name, extras = wanted.pop()
        if canonicalize_name(name) in found:
            continue
        found[canonicalize_name(name)] = package = distribution(name)
        for text in package.requires or ():
            requirement = Requirement(text)
            environments = [{"extra": extra} for extra in extras] or [{"extra": ""}]
            if requirement.marker is None or any(requirement.marker.evaluate(each) for each in environments):
                wanted.append((requirement.name, frozenset(requirement.extras)))
    return found


def licence_of(package: Distribution) -> str:
    about = package.metadata
    classifiers = [text.split(" :: ")[-1] for text in about.get_all("Classifier", []) if text.startswith("License ::")]
    stated = about.get("License-Expression") or "; ".join(classifiers) or (about.get("License") or "").split("\n")[0]
    if stated:
        return str(stated)
    files = [file for file in package.files or () if Path(file).name.lower().startswith(("licen", "copying"))]
    return Path(str(package.locate_file(files[0]))).read_text("utf-8")[:200] if files else ""


def test_every_licence_is_known_and_accepted() -> None:
    packages = runtime()
    assert {"llama-cpp-python", "textual", "starlette", "pygls"} <= set(packages)
    licences = {name: licence_of(package) for name, package in packages.items()}
    assert not {name: text for name, text in licences.items() if not ACCEPTED.search(text) or REFUSED.search(text)}


def test_a_licence_that_asks_for_more_would_be_refused() -> None:
    for text in ("GPL-3.0-only", "AGPL-3.0-or-later", "GNU General Public License v3 (GPLv3)"):
        assert REFUSED.search(text)
