"""Files for tests of GGUF headers, and what their refusal says."""

from pathlib import Path

import pytest
from fakes.gguf_writer import GgufWriter

from spectra_local.errors import ModelFileError
from spectra_local.llama.gguf import read_header


def refusal(path) -> str:
    with pytest.raises(ModelFileError) as caught:
        read_header(path)
    message = str(caught.value)
    assert message.isprintable(), message
    assert len(message) < 600
    return message


def written(tmp_path, writer: GgufWriter) -> Path:
    return writer.write(tmp_path / "model.gguf")
