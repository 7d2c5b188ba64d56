"""The ``.spectra`` file: history on its way to another machine. Knows bytes, not the store it comes from or goes to.

Layout, little endian: 8 bytes magic, u16 version, u32 header length, JSON header, 16 bytes BLAKE2b of all before; then
frames, each u32 compressed length, u32 plain length, 16 bytes BLAKE2b of both lengths and the compressed bytes, and
these; the last frame has no bytes and a digest of all frame digests. A frame is one zlib stream of whole records.

Made to be read from strangers: every length is compared with a cap before memory is taken, a frame unpacks into its
declared length or is refused, and no frame refers to another, so memory stays at some frames' worth.
"""

import json
import struct
import zlib
from collections.abc import Iterable, Iterator
from dataclasses import KW_ONLY, asdict, dataclass, fields
from hashlib import blake2b
from typing import BinaryIO, get_args

from spectra_local.errors import SpectraError
from spectra_local.history.turn import Kind, Origin

MAGIC = b"\x89SPECTRA"
VERSION = 1
SUFFIX = ".spectra"

_MOST_HEADER = 64 << 10
_FRAME = 256 << 10  # plain bytes after which a frame is closed
_MOST_PLAIN = 16 << 20  # of a frame: one long turn may fill it alone
_MOST_TEXT = 8 << 20  # bytes of a record's text
_MOST_TOKENS = 1 << 20  # of a record: more than any context
_MOST_FINGERPRINTS = 64
_MOST_TOTAL = 2 << 30  # plain bytes of a file: four times the store's default size
_DIGEST = 16

_START = struct.Struct("<8sHI")
_FRAME_HEAD = struct.Struct(f"<II{_DIGEST}s")
# run?, origin, kind, tokenizer, conversation, milliseconds since 1970, bytes of text, tokens
_RECORD_HEAD = struct.Struct("<BBBBIqII")
_ORIGINS: tuple[Origin, ...] = get_args(Origin)
_KINDS: tuple[Kind, ...] = get_args(Kind)
_RUN = 1
_MOST_MS = 1 << 43  # year 2248


class TransferFileError(SpectraError):
    """The file is no ``.spectra`` file, is damaged, or was made to hurt."""


@dataclass(frozen=True, slots=True)
class Header:
    """What the file says about itself; the counts are checked against what it holds."""

    program: str
    created: str  # ISO 8601 date
    fingerprints: tuple[str, ...]  # of the tokenizers that made the token ids
    whole_turns: bool  # False: only runs of text that occur in several conversations
    _: KW_ONLY
    n_records: int
    n_tokens: int  # 0 where the file has text only
    n_bytes: int  # of all frames, unpacked


@dataclass(frozen=True, slots=True)
class Record:
    """One turn, or one run that occurs in several. ``text`` or ``tokens`` may be empty, not both."""

    text: str
    tokens: tuple[int, ...] = ()
    is_run: bool = True
    tokenizer: int = 0  # index of the header's fingerprints, where there are tokens
    _: KW_ONLY
    origin: Origin = "model"
    kind: Kind = "chat"
    conversation: int = 0  # numbered within the file
    ms: int = 0  # since 1970


def write(file: BinaryIO, header: Header, records: Iterable[Record]) -> Header:
    """Writes all records; returns the header with the counts that it wrote. ``file`` must be able to seek."""
    frames = blake2b(digest_size=_DIGEST)
    n_records = n_tokens = n_bytes = 0
    room = file.tell() + len(_head(header)) + 3 * 20  # counts grow up to 20 digits
    file.seek(room)
    pending = bytearray()
    for record in records:
        packed = _packed(record)
        if pending and len(pending) + len(packed) > _FRAME:
            _write_frame(file, frames, bytes(pending))
            pending.clear()
        pending += packed
        n_records, n_tokens, n_bytes = n_records + 1, n_tokens + len(record.tokens), n_bytes + len(packed)
        if n_bytes > _MOST_TOTAL:
            raise TransferFileError("there is too much for one file; choose less with --since or --conversation")
    if pending:
        _write_frame(file, frames, bytes(pending))
    file.write(_FRAME_HEAD.pack(0, 0, frames.digest()))
    counted = Header(**(asdict(header) | {"n_records": n_records, "n_tokens": n_tokens, "n_bytes": n_bytes}))
    file.seek(0)
    file.write(_head(counted, room))
    return counted


def read_header(file: BinaryIO) -> Header:
    """Reads and checks the beginning. Raises TransferFileError."""
    start = _exactly(file, _START.size)
    magic, version, length = _START.unpack(start)
    if magic != MAGIC:
        raise TransferFileError("this is no .spectra file")
    if version != VERSION:
        raise TransferFileError(
            f"the file has format {version}, this program reads {VERSION}; use a newer spectra-chat"
        )
    if length > _MOST_HEADER:
        raise _damaged("its header is too long")
    text = _exactly(file, length)
    if _exactly(file, _DIGEST) != blake2b(start + text, digest_size=_DIGEST).digest():
        raise _damaged("the checksum of its header is wrong")
    try:
        return _parsed_header(json.loads(text))
    except (ValueError, TypeError, RecursionError):
        raise _damaged("its header makes no sense") from None


def read_records(file: BinaryIO, header: Header) -> Iterator[Record]:
    """Yields every record after ``read_header``; at the end the counts must agree. Raises TransferFileError."""
    frames = blake2b(digest_size=_DIGEST)
    n_records = n_tokens = n_bytes = 0
    while (plain := _read_frame(file, frames)) is not None:
        n_bytes += len(plain)
        if n_bytes > header.n_bytes:
            raise _damaged("it holds more than its header says")
        for record in _unpacked(plain):
            if record.tokens and record.tokenizer >= len(header.fingerprints):
                raise _damaged("a record's tokenizer is not named")
            n_records, n_tokens = n_records + 1, n_tokens + len(record.tokens)
            yield record
    if (n_records, n_tokens, n_bytes) != (header.n_records, header.n_tokens, header.n_bytes):
        raise _damaged("it holds something else than its header says")
    if file.read(1):
        raise _damaged("something follows its end")


def _head(header: Header, padded_to: int = 0) -> bytes:
    text = json.dumps(asdict(header), ensure_ascii=True, separators=(",", ":")).encode()
    text = text.ljust(padded_to - _START.size - _DIGEST)
    start = _START.pack(MAGIC, VERSION, len(text))
    return start + text + blake2b(start + text, digest_size=_DIGEST).digest()


def _parsed_header(values: object) -> Header:
    if not isinstance(values, dict) or set(values) != {field.name for field in fields(Header)}:
        raise ValueError("other fields")
    if type(values["fingerprints"]) is not list or len(values["fingerprints"]) > _MOST_FINGERPRINTS:
        raise ValueError("absurd fingerprints")
    header = Header(**values | {"fingerprints": tuple(values["fingerprints"])})
    texts = (header.program, header.created, *header.fingerprints)
    counts = (header.n_records, header.n_tokens, header.n_bytes)
    if not all(isinstance(text, str) and len(text) <= 200 for text in texts) or type(header.whole_turns) is not bool:
        raise ValueError("other types")
    if not all(type(count) is int and 0 <= count <= _MOST_TOTAL for count in counts):
        raise ValueError("absurd counts")
    return header


def _packed(record: Record) -> bytes:
    text = record.text.encode("utf-8", "replace")
    if len(text) > _MOST_TEXT or len(record.tokens) > _MOST_TOKENS:
        raise TransferFileError("a turn is too long to be exported")
    head = _RECORD_HEAD.pack(
        _RUN if record.is_run else 0,
        _ORIGINS.index(record.origin),
        _KINDS.index(record.kind),
        record.tokenizer,
        record.conversation,
        record.ms,
        len(text),
        len(record.tokens),
    )
    return head + text + struct.pack(f"<{len(record.tokens)}i", *record.tokens)


def _unpacked(plain: bytes) -> Iterator[Record]:
    at = 0
    while at < len(plain):
        if len(plain) - at < _RECORD_HEAD.size:
            raise _damaged("a record is cut off")
        is_run, origin, kind, tokenizer, conversation, ms, n_text, n_tokens = _RECORD_HEAD.unpack_from(plain, at)
        at += _RECORD_HEAD.size
        if n_text > _MOST_TEXT or n_tokens > _MOST_TOKENS or n_text + 4 * n_tokens > len(plain) - at:
            raise _damaged("a record is longer than its frame")
        if is_run > 1 or origin >= len(_ORIGINS) or kind >= len(_KINDS) or not 0 <= ms <= _MOST_MS:
            raise _damaged("a record makes no sense")
        if not n_text and not n_tokens:
            raise _damaged("a record is empty")
        try:
            text = plain[at : at + n_text].decode()
        except UnicodeDecodeError:
            raise _damaged("a text is no UTF-8") from None
        at += n_text
        tokens = struct.unpack_from(f"<{n_tokens}i", plain, at)
        at += 4 * n_tokens
        yield Record(
            text,
            tokens,
            is_run == _RUN,
            tokenizer,
            origin=_ORIGINS[origin],
            kind=_KINDS[kind],
            conversation=conversation,
            ms=ms,
        )


def _write_frame(file: BinaryIO, frames: "blake2b", plain: bytes) -> None:
    packed = zlib.compress(plain, 6)
    digest = _frame_digest(len(packed), len(plain), packed)
    frames.update(digest)
    file.write(_FRAME_HEAD.pack(len(packed), len(plain), digest) + packed)


def _read_frame(file: BinaryIO, frames: "blake2b") -> bytes | None:
    n_packed, n_plain, digest = _FRAME_HEAD.unpack(_exactly(file, _FRAME_HEAD.size))
    if n_packed == 0 == n_plain:
        if digest != frames.digest():
            raise _damaged("parts of it are missing or changed places")
        return None
    # zlib never needs more than 0.1 % and some bytes above the plain length.
    if not 0 < n_plain <= _MOST_PLAIN or n_packed > n_plain + n_plain // 1000 + 64:
        raise _damaged("a part has an absurd length")
    packed = _exactly(file, n_packed)
    if _frame_digest(n_packed, n_plain, packed) != digest:
        raise _damaged("a checksum is wrong")
    frames.update(digest)
    unpacker = zlib.decompressobj()
    try:
        plain = unpacker.decompress(packed, n_plain + 1)  # never more, whatever the stream unpacks to
    except zlib.error:
        raise _damaged("a part cannot be unpacked") from None
    if len(plain) != n_plain or not unpacker.eof or unpacker.unused_data:
        raise _damaged("a part unpacks to another length")
    return plain


def _frame_digest(n_packed: int, n_plain: int, packed: bytes) -> bytes:
    return blake2b(struct.pack("<II", n_packed, n_plain) + packed, digest_size=_DIGEST).digest()


def _exactly(file: BinaryIO, n: int) -> bytes:
    data = file.read(n)
    if len(data) != n:
        raise _damaged("it ends too early")
    return data


def _damaged(how: str) -> TransferFileError:
    return TransferFileError(f"the file is damaged: {how}; nothing was imported")
