"""Tests ask what anybody may ask: what begins with an underscore is free to change without any of them."""

import ast
from collections.abc import Iterator
from pathlib import Path

import pytest

TESTS = Path(__file__).parent
PUBLIC = {"_replace", "_asdict", "_fields", "_make", "_field_defaults"}  # of namedtuples, documented
PATCHING = {"setattr", "delattr", "getattr", "hasattr", "patch", "object"}

# (file, name): why it cannot be asked otherwise.
EXCEPTIONS = {
    ("fakes/picture.py", "_compositor"): "Textual tells nobody else what it has drawn",
    ("fakes/prices.py", "_refine"): "prices that no machine has a say in: all that is measured is left out",
    ("tui/test_pictures.py", "_toggle_cursor"): "Textual's cursor blinks, and a picture must not",
    ("tui/test_start_cache.py", "_compiler"): "the cache stands in for a part of Python's re and must give it back",
    ("tui/test_clicks_on_removed_widgets.py", "_detach"): "a defect inside Textual, made to happen",
    ("tui/test_clicks_on_removed_widgets.py", "_parent"): "the same",
    ("tui/test_clicks_on_removed_widgets.py", "_forward_event"): "the same",
    ("worker/test_engine_server.py", "_exit"): "os._exit is public in spite of its name",
    ("corpus/test_drafting.py", "_speculation"): "a table is counted in a thread for which no program waits",
    ("corpus/test_drafting.py", "_retrieval"): "the same",
    ("llama/test_likelihood.py", "_context"): "the distribution that the pass left behind, before it is thrown away",
    ("speculation/test_cursor.py", "_pointers"): "what is followed before anybody searches; asking would search",
}


def test_no_test_reaches_into_private_attributes():
    found = {(str(path.relative_to(TESTS)), name) for path in TESTS.rglob("*.py") for name in private(path.read_text())}
    assert not found - EXCEPTIONS.keys(), "ask a public behaviour, or a page of fakes/pages.py"
    assert not EXCEPTIONS.keys() - found, "no longer needed"


@pytest.mark.parametrize(
    "line",
    [
        "app._exit",
        "f(editor)._job = None",
        "from learning import _saved",
        "monkeypatch.setattr(hub, '_PAUSE', 0)",
        "monkeypatch.setattr('hub._PAUSE', 0)",
        "getattr(editor, '_job')",
    ],
)
def test_each_way_of_reaching_in_is_seen(line: str):
    assert list(private(line))


@pytest.mark.parametrize(
    "line", ["self._job", "point._replace(x=1)", "x.__class__", "from __future__ import a", "_own"]
)
def test_what_is_ones_own_or_public_is_not(line: str):
    assert not list(private(line))


def private(source: str) -> Iterator[str]:
    """Names of private attributes of others that a program reads, writes, imports or replaces."""
    for node in ast.walk(ast.parse(source)):
        names: list[str] = []
        match node:
            case ast.Attribute(ast.Name("self" | "cls"), _):
                pass
            case ast.Attribute(_, name):
                names = [name]
            case ast.ImportFrom():
                names = [alias.name for alias in node.names]
            case ast.Call(ast.Name(name) | ast.Attribute(_, name), arguments) if name in PATCHING:
                texts = [each.value for each in arguments[:2] if isinstance(each, ast.Constant)]
                names = [text.rpartition(".")[2] for text in texts if isinstance(text, str)]
        yield from (name for name in names if name[:1] == "_" != name[1:2] and name not in PUBLIC)
