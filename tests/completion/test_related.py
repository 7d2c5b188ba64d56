"""Which files are read beside the one that is being completed."""

from pathlib import Path

import pytest

from spectra_local.completion.related import RelatedFiles, project_root, with_related
from spectra_local.protocol import FillIn

GAP = FillIn("from shapes import Circle\n\ncircle = Circle(radius=2)\narea = ", "\n")


@pytest.fixture
def project(tmp_path: Path) -> Path:
    root = tmp_path / "drawing"
    (root / "app").mkdir(parents=True)
    (root / "pyproject.toml").write_text("")
    (root / "app" / "shapes.py").write_text("class Circle:\n    def area(self): ...\n")
    (root / "app" / "similar.py").write_text("circle = 1\narea = circle\n")
    (root / "app" / "other.py").write_text("zzz = 'nothing in common'\n")
    (root / "app" / "notes.txt").write_text("circle area radius\n")
    (root / "app" / ".hidden.py").write_text("circle area radius\n")
    return root


def names(fill_in: FillIn) -> list[str]:
    return [extra.name for extra in fill_in.extra]


def test_what_is_imported_comes_last_and_what_shares_nothing_is_left_out(project: Path) -> None:
    found = with_related(GAP, project / "app" / "main.py", 10_000)
    assert names(found) == ["app/similar.py", "app/shapes.py"]
    assert (found.path, found.repository) == ("app/main.py", "drawing")
    assert (found.prefix, found.suffix) == (GAP.prefix, GAP.suffix)


def test_the_budget_takes_the_most_helpful_first_and_whole_lines(project: Path) -> None:
    found = with_related(GAP, project / "app" / "main.py", 30)
    assert [(e.name, e.text) for e in found.extra] == [("app/shapes.py", "class Circle:")]


def test_of_a_long_file_the_stretch_is_taken_that_resembles_the_gap(project: Path) -> None:
    lines = [f"filler_{i} = {i}" for i in range(400)]
    lines[300] = "area = circle.radius ** 2"
    (project / "app" / "similar.py").write_text("\n".join(lines))
    extra = with_related(GAP, project / "app" / "main.py", 10_000).extra[0]
    assert "circle.radius" in extra.text
    assert extra.text.count("\n") < 60


def test_an_editors_text_is_newer_than_the_disks(project: Path) -> None:
    opened = {project / "app" / "shapes.py": "class Circle: radius = 0\n"}
    found = with_related(GAP, project / "app" / "main.py", 10_000, opened)
    assert found.extra[-1].text == "class Circle: radius = 0\n"


@pytest.mark.parametrize("data", [b"\xff\xfe\x00", b"x" * 500_000, b""])
def test_a_file_that_is_no_text_is_left_out(project: Path, data: bytes) -> None:
    (project / "app" / "shapes.py").write_bytes(data)
    assert "app/shapes.py" not in names(with_related(GAP, project / "app" / "main.py", 10_000))


def test_a_path_that_is_not_there_has_no_related_files(tmp_path: Path) -> None:
    assert with_related(GAP, tmp_path / "gone" / "main.py", 10_000).extra == ()


def test_the_choice_stays_while_the_gap_is_typed_into(project: Path) -> None:
    related = RelatedFiles()
    path = project / "app" / "main.py"
    first = related.added_to(GAP, path, "CPU")
    (project / "app" / "similar.py").write_text("something else\n")
    typed = FillIn(GAP.prefix + "circle.", GAP.suffix)
    assert related.added_to(typed, path, "CPU").extra == first.extra
    assert related.added_to(FillIn("import other\n" + GAP.prefix), path, "CPU").extra != first.extra


def test_a_project_is_where_its_files_say(project: Path, tmp_path: Path) -> None:
    assert project_root(project / "app" / "main.py") == project
    assert project_root(tmp_path / "lone" / "x.py") == tmp_path / "lone"
