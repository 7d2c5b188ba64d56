import pytest

from tui.screens.link import is_openable


@pytest.mark.parametrize("address", ["https://example.org", "http://localhost:8012/x", "HTTPS://EXAMPLE.ORG/a?b#c"])
def test_web_addresses_may_be_opened(address: str):
    assert is_openable(address)


@pytest.mark.parametrize("address", ["file:///etc/passwd", "javascript:alert(1)", "vscode://x/y", "ssh://host", "", "x",
                                     "//host", "https:", "http://[broken", "data:text/html,x"])  # fmt: skip
def test_nothing_else_may(address: str):
    assert not is_openable(address)
