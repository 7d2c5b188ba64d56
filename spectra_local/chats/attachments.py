"""Text files that go with a message: read, measured, refused where a model could not use them.

Knows nothing of tokenizers: a count of tokens here is an estimate, and the engine's own check is the exact one.
"""

import re
from pathlib import Path

from spectra_local.byte_size import byte_size
from spectra_local.chats.records import Attachment
from spectra_local.errors import SpectraError
from spectra_local.locations import expanded

MOST_BYTES = 4 << 20  # a million tokens: more than any context here
# Prose and code come to 3.2-4.5 characters a token with the vocabularies of Llama, Qwen and SmolLM.
_CHARACTERS_PER_TOKEN = 3.5
_MENTION = re.compile(r'(?<!\S)@(?:"([^"\n]+)"|(\S+))')


def read_attachment(path: Path, n_ctx: int = 0) -> Attachment:
    """The text in a file. Raises SpectraError: unreadable, binary, huge, or beyond a context of ``n_ctx`` tokens."""
    try:
        if path.is_dir():
            raise SpectraError(f"{path} is a folder: attach files one by one")
        if not path.is_file():
            raise SpectraError(f"there is no file {path}" if not path.exists() else f"{path} is no ordinary file")
        size = path.stat().st_size
        if size > MOST_BYTES:
            raise SpectraError(f"{path.name} has {byte_size(size)}; at most {byte_size(MOST_BYTES)} can be read")
        data = path.read_bytes()
    except OSError as error:
        raise SpectraError(f"cannot read {path}: {error.strerror}") from error
    if b"\0" in data:
        raise SpectraError(f"{path.name} is a binary file: only text can be read")
    try:
        text = data.decode("utf-8-sig").replace("\r\n", "\n")
    except UnicodeDecodeError as error:
        raise SpectraError(f"{path.name} is no UTF-8 text: convert it first") from error
    if n_ctx and estimated_tokens(text) > n_ctx:
        raise SpectraError(
            f"{path.name} has about {estimated_tokens(text):,} tokens; this model's context holds {n_ctx:,}"
        )
    return Attachment(str(path), text)


def mentioned(text: str) -> list[str]:
    """The names after an @ in a message, each once: ``@notes.txt``, ``@"with a space.txt"``."""
    return list(dict.fromkeys(quoted or bare for quoted, bare in _MENTION.findall(text)))


def attach_mentioned(text: str, n_ctx: int = 0) -> tuple[Attachment, ...]:
    """The files that a message names, where they exist; any other @word is a word. Raises SpectraError."""
    paths = [expanded(Path(name)) for name in mentioned(text)]
    files = tuple(read_attachment(path, n_ctx) for path in paths if _exists(path))
    total = sum(estimated_tokens(file.text) for file in files)
    if n_ctx and total > n_ctx:
        raise SpectraError(f"these files have about {total:,} tokens; this model's context holds {n_ctx:,}")
    return files


def with_files(text: str, files: tuple[Attachment, ...]) -> str:
    """What the model is sent: the message, then each file in a fence longer than any in it."""
    parts = [text]
    for file in files:
        fence = "`" * max([3, *(len(run) + 1 for run in re.findall("`{3,}", file.text))])
        parts.append(f"\n\n{file.name}:\n{fence}\n{file.text.rstrip()}\n{fence}")
    return "".join(parts)


def described(file: Attachment) -> str:
    """Name, size and roughly how many tokens."""
    size = byte_size(len(file.text.encode("utf-8", "replace")))
    return f"{file.name} · {size} · about {estimated_tokens(file.text):,} tokens"


def estimated_tokens(text: str) -> int:
    """About how many tokens a text has."""
    return round(len(text) / _CHARACTERS_PER_TOKEN)


def _exists(path: Path) -> bool:
    try:
        return path.exists()
    except (OSError, ValueError):  # a name that is too long, or with a null in it, is a word
        return False
