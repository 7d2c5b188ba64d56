"""Opens a model file and checks its header against the bytes that are there; every refusal is a ModelFileError.

Knows the container and how such files go wrong (cut short, another format); not what the header's keys mean.
"""

import errno
import stat
from io import FileIO
from pathlib import Path

from spectra_local.byte_size import byte_size
from spectra_local.errors import ModelFileError
from spectra_local.llama.gguf_layout import BeyondEndError, Layout, MalformedError, parse
from spectra_local.printable import printable_line

# Read, not mapped: a file that shrinks under a mapping ends the process with SIGBUS. Most headers fit into the first
# read (Llama 3's takes 7.8 MB); a larger one is parsed again, up to 128 MB (the largest known has 16 MB).
_FIRST_READ = 8 << 20
_READ_GROWTH = 4
_MAX_HEADER = 128 << 20

_KINDS = (
    (b"", "an empty file"),
    (b"PK\x03\x04", "a PyTorch or zip archive; convert it to GGUF first"),
    (b"\x80\x02", "a PyTorch (pickle) file; convert it to GGUF first"),
    (b"lmgg", "an old GGML file from before GGUF; download it as GGUF"),
    (b"tjgg", "an old GGML file from before GGUF; download it as GGUF"),
    (b"fmgg", "an old GGML file from before GGUF; download it as GGUF"),
    (b"version https://git-lfs", "a Git LFS pointer, not the model itself; run `git lfs pull`"),
    (b"SQLite format 3", "an SQLite database"),
    (b"\x1f\x8b", "a gzip archive; unpack it first"),
    (b"\x28\xb5\x2f\xfd", "a zstd archive; unpack it first"),
    (b"<!DOCTYPE", "a web page, as a failed download leaves it"),
    (b"<html", "a web page, as a failed download leaves it"),
)
_REASONS = {errno.ENOENT: "does not exist", errno.ENOTDIR: "does not exist", errno.EACCES: "may not be read"}


def file_error(path: Path, problem: str) -> ModelFileError:
    """The one line that says what is wrong with which file."""
    return ModelFileError(f"{printable_line(str(path))} {problem}")


def read_layout(path: Path) -> tuple[Layout, int]:
    """The checked layout of one GGUF file, and the file's size in bytes. Raises ModelFileError."""
    try:
        return _read_layout(path)
    except MalformedError as error:
        raise file_error(path, f"is damaged: {error}") from None
    except OSError as error:
        raise file_error(path, _REASONS.get(error.errno or 0, f"cannot be read: {error.strerror or error}")) from None
    except ValueError:  # a NUL in it
        raise file_error(path, "is not a path") from None


def _read_layout(path: Path) -> tuple[Layout, int]:
    status = path.stat()
    if stat.S_ISDIR(status.st_mode):
        raise file_error(path, "is a folder, not a model file")
    if not stat.S_ISREG(status.st_mode):  # opening a pipe would wait for its other end
        raise file_error(path, "is not a regular file")
    size = status.st_size
    with path.open("rb", buffering=0) as file:
        data = _read_on(file, b"", min(_FIRST_READ, size))
        if data[:4] != b"GGUF":
            raise file_error(path, f"is not a GGUF model but {_kind(data)}")
        while True:
            try:
                layout = parse(data)
                break
            except BeyondEndError as error:
                if len(data) == size:
                    raise _cut_short(path, size, error.needed, "at least ") from None
                if len(data) == _MAX_HEADER:
                    raise MalformedError(f"its header is larger than {byte_size(_MAX_HEADER)}") from None
            data = _read_on(file, data, min(len(data) * _READ_GROWTH, _MAX_HEADER, size))
    if layout.data_stop > size:
        raise _cut_short(path, size, layout.data_stop)
    return layout, size


def _read_on(file: FileIO, data: bytes, size: int) -> bytes:
    """``data`` and what follows it in the file, ``size`` bytes in all."""
    pieces = [data]
    missing = size - len(data)
    while missing:
        piece = file.read(missing)
        if not piece:
            raise OSError(errno.EIO, "it shrank while it was read")
        pieces.append(piece)
        missing -= len(piece)
    return b"".join(pieces)


def _cut_short(path: Path, size: int, needed: int, at_least: str = "") -> ModelFileError:
    missing = needed - size
    if missing > 1 << 50:  # no download stopped a petabyte early
        return file_error(path, "is damaged: a length in its header is larger than any file")
    return file_error(path, f"is cut short: {size:,} bytes are there, {at_least}{missing:,} are missing")


def _kind(data: bytes) -> str:
    """What a file that is no GGUF most likely is."""
    for magic, kind in _KINDS:
        if data.startswith(magic) if magic else not data:
            return kind
    if data[8:10] in (b'{"', b"{ ") and int.from_bytes(data[:8], "little") < _MAX_HEADER:
        return "a safetensors file; convert it to GGUF first"
    sample = data[:4096]
    if b"\0" not in sample and all(byte >= 32 or byte in b"\t\n\r\f" for byte in sample):
        return "a text file"
    return "a file of another kind"
