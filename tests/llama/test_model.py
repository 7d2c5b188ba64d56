"""Opening a model's file: whatever it is called, and however little memory is free."""

import os
from contextlib import closing
from pathlib import Path

import pytest

from spectra_local.errors import ModelTooLargeError
from spectra_local.llama import model as model_module
from spectra_local.llama.model import Model

pytestmark = pytest.mark.model


@pytest.mark.parametrize("name", [b"caf\xe9.gguf", "köttbullar 肉.gguf".encode(), b"a'b$(c)\n.gguf"])
def test_a_file_of_any_name_is_opened(smollm2_path: Path, tmp_path: Path, name: bytes) -> None:
    path = tmp_path / os.fsdecode(name)
    try:
        path.symlink_to(smollm2_path)
    except OSError:
        pytest.skip("this file system takes no such name")
    with closing(Model(path, vocabulary_only=True)) as model:
        assert model.text(model.tokenize("Hello there")) == "Hello there"


def test_more_than_is_free_is_refused_and_run_from_the_disk_where_that_is_wanted(
    smollm2_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(model_module, "available_bytes", lambda: 10_000_000)
    with pytest.raises(ModelTooLargeError, match=r"10 MB are free\. .*--from-disk"):
        Model(smollm2_path, n_gpu_layers=0)
    with closing(Model(smollm2_path, n_gpu_layers=0, from_disk=True)) as model:
        assert model.n_params > 100_000_000
