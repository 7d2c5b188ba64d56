"""Headers of model files that need not exist: for what only looks at a header."""

from dataclasses import replace
from functools import cache
from pathlib import Path
from tempfile import TemporaryDirectory

from fakes.gguf_writer import small_model

from spectra_local.llama.gguf import GgufHeader, read_header


@cache
def _written() -> GgufHeader:
    with TemporaryDirectory() as folder:
        return read_header(small_model().write(Path(folder) / "model.gguf"))


def header_of(template="", *, name="A Model", bos="<s>", eos="</s>", control=(), user=()) -> GgufHeader:
    """A header with this chat template and these tokens."""
    return replace(
        _written(),
        path=Path("model.gguf"),
        name=name,
        chat_template=template,
        token_texts={"bos": bos, "eos": eos},
        control_tokens=frozenset({bos, eos, *control}),
        user_tokens=frozenset(user),
    )
