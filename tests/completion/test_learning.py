"""Which files completions may be learned from."""

from pathlib import Path

import pytest

from spectra_local.completion.learning import LearningRules


@pytest.mark.parametrize(
    ("rule", "path", "allowed"),
    [
        ("*.env", "/work/a.env", False),
        ("*.py", "/work/a.md", True),
        ("/work/client", "/work/client/deep/a.py", False),
        ("/work/client", "/work/clients/a.py", True),
        ("~/secret/", "~/secret/a.py", False),
    ],
)
def test_a_rule_names_a_folder_or_a_pattern_of_file_names(rule: str, path: str, allowed: bool) -> None:
    assert LearningRules(not_from=(rule,)).allow(Path(path).expanduser()) is allowed


def test_a_link_into_a_folder_is_in_it(tmp_path: Path) -> None:
    (tmp_path / "secret").mkdir()
    (tmp_path / "secret" / "a.py").write_text("")
    (tmp_path / "b.py").symlink_to(tmp_path / "secret" / "a.py")
    assert not LearningRules(not_from=(f"{tmp_path}/secret",)).allow(tmp_path / "b.py")


def test_the_switch_holds_for_texts_without_a_path_too() -> None:
    assert LearningRules().allow(None)
    assert not LearningRules(learn=False).allow(None)
    assert LearningRules(not_from=("*",)).allow(None)
