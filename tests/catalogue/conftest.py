"""A small hub and an entry that it serves."""

import hashlib
from collections.abc import Iterator

import pytest
from fakes.gguf import gguf_bytes
from fakes.hub import FakeHub

from spectra_local.catalogue.entries import Entry, Licence


@pytest.fixture
def hub(monkeypatch: pytest.MonkeyPatch) -> Iterator[FakeHub]:
    """A hub that serves 2 MB, eight of the client's chunks."""
    with FakeHub(gguf_bytes(size=2 << 20)) as hub:
        monkeypatch.setenv("HF_ENDPOINT", hub.url)
        monkeypatch.setenv("NO_PROXY", "127.0.0.1")
        monkeypatch.setattr("spectra_local.catalogue.hub.PAUSE", 0.01)
        yield hub


@pytest.fixture
def entry(hub: FakeHub) -> Entry:
    """What that hub serves, pinned."""
    return Entry(
        name="tiny",
        family="llama3",
        repository="someone/Tiny-GGUF",
        file="Tiny-Q4_K_M.gguf",
        n_bytes=len(hub.content),
        exact_size=True,
        sha256=hashlib.sha256(hub.content).hexdigest(),
        licence=Licence("apache-2.0", "Apache License 2.0", "https://www.apache.org/licenses/LICENSE-2.0"),
        context=2048,
    )
