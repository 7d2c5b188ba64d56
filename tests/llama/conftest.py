from collections.abc import Iterator
from pathlib import Path

import pytest

from spectra_local.llama import native
from spectra_local.llama.attention import NEVER
from spectra_local.llama.context import ALWAYS, Context
from spectra_local.llama.model import Model

STORY = "<|im_start|>user\nWrite a short story about a cat.<|im_end|>\n<|im_start|>assistant\n"


@pytest.fixture(scope="session")
def smollm2(smollm2_path: Path) -> Iterator[Model]:
    """The real model, loaded once."""
    model = Model(smollm2_path)
    yield model
    model.close()


@pytest.fixture
def abort() -> native.AbortFlag:
    return native.AbortFlag()


@pytest.fixture(params=[ALWAYS, NEVER], ids=["flash", "plain"])
def context(smollm2: Model, abort: native.AbortFlag, request: pytest.FixtureRequest) -> Iterator[Context]:
    """With each kind of attention."""
    context = Context(smollm2, abort, n_ctx=8192, n_threads=2, flash_cells=request.param)
    yield context
    context.close()


@pytest.fixture
def story(smollm2: Model) -> list[int]:
    """A prompt in the model's own chat format."""
    return smollm2.tokenize(STORY, special=True)
