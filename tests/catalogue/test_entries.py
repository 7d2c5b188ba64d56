"""models.toml: every line of it makes sense."""

import re
import subprocess
import sys

from spectra_local.catalogue.entries import entries, entry_named
from spectra_local.catalogue.offers import OFFERED


def test_names_and_files_are_unique_and_printable():
    names = [entry.name for entry in entries()]
    files = [entry.file.lower() for entry in entries()]
    assert len(set(names)) == len(names)
    assert len(set(files)) == len(files)
    assert all(re.fullmatch(r"[a-z0-9][a-z0-9.-]*", name) for name in names)
    assert all(re.fullmatch(r"[\w.-]+\.gguf", file) for file in files)


def test_every_entry_can_be_fetched_and_checked():
    for entry in entries():
        assert re.fullmatch(r"[\w.-]+/[\w.-]+", entry.repository), entry.name
        assert entry.sha256 is None or re.fullmatch(r"[0-9a-f]{64}", entry.sha256), entry.name
        assert entry.context >= 2048, entry.name
        assert entry.licence.url.startswith("https://"), entry.name
        assert entry.n_bytes is None or 50e6 < entry.n_bytes < 50e9, entry.name


def test_no_two_entries_share_a_checksum():
    sums = [entry.sha256 for entry in entries() if entry.sha256]
    assert len(set(sums)) == len(sums)


def test_what_is_offered_comes_first_asks_for_no_licence_and_has_packages_to_fall_back_on():
    assert tuple(entry.name for entry in entries()[: len(OFFERED)]) == OFFERED
    for entry in entries()[: len(OFFERED)]:
        assert entry.parts, entry.name
        assert not entry.licence.must_accept, entry.name


def test_the_pieces_of_packages_make_up_a_file_whose_checksum_is_pinned():
    for entry in entries():
        if entry.parts:
            assert sum(part.holds for part in entry.parts) == entry.n_bytes, entry.name
            assert entry.sha256, entry.name
            assert len({part.package for part in entry.parts}) == len(entry.parts), entry.name
            assert all(0.5 < part.n_bytes / part.holds <= 1.01 for part in entry.parts), entry.name


def test_the_coder_models_come_from_their_publisher():
    for name in OFFERED[:2]:
        entry = entry_named(name)
        assert entry is not None
        assert entry.repository.startswith("Qwen/")


def test_llama_models_ask_for_their_licence():
    for entry in entries():
        assert entry.licence.must_accept == (entry.family in ("llama2", "llama3", "codellama")), entry.name


def test_rounded_sizes_are_marked():
    tinyllama = entry_named("TinyLlama-1.1B-Chat")
    assert tinyllama is not None
    assert tinyllama.n_bytes == 669_000_000
    assert not tinyllama.exact_size


def test_naming_a_model_loads_nothing_heavy():
    code = (
        "import sys, spectra_local.catalogue as c; from spectra_local.catalogue.on_disk import find_all; "
        "find_all()\ntry: c.resolve('no such model')\nexcept Exception: pass\n"
        "heavy = {'huggingface_hub', 'numpy', 'llama_cpp', 'httpx', 'httpx2', 'textual', 'click', 'socket'}\n"
        "sys.exit(' '.join(heavy & set(sys.modules)) or 0)"
    )
    result = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, timeout=60)
    assert (result.returncode, result.stderr) == (0, "")
