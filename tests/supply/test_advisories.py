"""No known vulnerability in what is locked, in the oldest that the bounds allow, nor in what is installed here."""

import tomllib
from datetime import date
from importlib.metadata import distributions
from pathlib import Path

import pytest
from packaging.specifiers import SpecifierSet
from packaging.utils import canonicalize_name
from packaging.version import Version

HERE = Path(__file__).parents[2] / "requirements"
ADVISORIES = tomllib.loads((HERE / "advisories.toml").read_text("utf-8"))


def locked(file: str) -> dict[str, Version]:
    pairs = (line.split(";")[0].rstrip(" \\").split("==") for line in (HERE / file).read_text("utf-8").splitlines()
             if "==" in line and not line.lstrip().startswith(("#", "--")))  # fmt: skip
    return {canonicalize_name(name): Version(version.strip()) for name, version in pairs}


def installed() -> dict[str, Version]:
    return {canonicalize_name(each.name): Version(each.version) for each in distributions()}


@pytest.mark.parametrize("versions", [locked("development.txt"), locked("lowest.txt"), installed()],
                         ids=["development", "lowest", "installed"])  # fmt: skip
def test_none_reaches_us(versions: dict[str, Version]) -> None:
    assert "jinja2" in versions
    hit = [
        f"{each['id']}: {each['package']} {versions[each['package']]}: {each['about']}"
        for each in ADVISORIES["advisory"]
        if each["package"] in versions and not each.get("accepted")
        and versions[each["package"]] in SpecifierSet(each["affected"], prereleases=True)
    ]  # fmt: skip
    assert not hit, "\n".join(hit)


def test_the_check_would_find_one() -> None:
    ranges = {each["id"]: SpecifierSet(each["affected"]) for each in ADVISORIES["advisory"]}
    assert "0.49.0" in ranges["CVE-2025-62727"]
    assert "0.49.1" not in ranges["CVE-2025-62727"]


def test_what_is_accepted_is_still_there_and_still_unmended() -> None:
    """Otherwise the line has to go."""
    versions = locked("development.txt")
    for each in ADVISORIES["advisory"]:
        if each.get("accepted"):
            assert versions[each["package"]] in SpecifierSet(each["affected"])


def test_each_is_named_once_and_concerns_what_we_depend_on() -> None:
    ids = [each["id"] for each in ADVISORIES["advisory"]]
    assert len(ids) == len(set(ids))
    assert {each["package"] for each in ADVISORIES["advisory"]} <= set(locked("development.txt"))
    assert isinstance(ADVISORIES["read_on"], date)
