"""Rows read from the pages of a SQLite file without SQLite: whatever else is damaged, a row whose own bytes are whole
is found. Knows the format (https://sqlite.org/fileformat2.html) and shapes of tables, not what a row means.
"""

import mmap
import struct
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any, NamedTuple

PAGE = 4096  # SQLite's default since 2016, and what this program's files have
_LEAF = 0x0D  # of a table
_MOST_LOCAL = PAGE - 35  # bytes of a row that lie in its leaf
_LEAST_LOCAL = (PAGE - 12) * 32 // 255 - 23
_WAL_HEADER, _FRAME_HEADER = 32, 24
_FIXED = {0: 0, 1: 1, 2: 2, 3: 3, 4: 4, 5: 6, 6: 8, 7: 8, 8: 0, 9: 0}  # bytes of a value by its serial type


class Column(NamedTuple):
    """As the schema declares it. ``is_id``: another name of the row's number, which the record leaves out."""

    name: str
    kind: str
    required: bool  # NOT NULL
    default: object
    may_lack: bool  # in rows from before it was added
    is_id: bool


@dataclass(frozen=True, slots=True)
class _Cell:
    """One row where it was found."""

    identity: int
    types: tuple[int, ...]
    body: bytes
    size: int  # bytes in the leaf
    overflow: tuple[int, ...]  # numbers of its other pages


class _DamagedError(Exception):
    """These bytes are no row."""


def rows(path: Path, tables: Mapping[str, Sequence[Column]]) -> dict[str, list[dict[str, Any]]]:
    """Every row of those tables that can be read, by table; a number may come twice, that of an orderly page first.

    What is in the log (``-wal``) counts. Raises OSError.
    """
    pages = _Pages(path)
    found: dict[str, dict[int, list[dict[str, Any]]]] = {table: {} for table in tables}
    doubtful, taken = list[int](), set[int]()
    for number in range(1, pages.count + 1):
        page = pages[number]
        cells, orderly = _leaf(pages, page, 100 if number == 1 else 0)
        for cell in cells:
            taken.update(cell.overflow)
            _keep(cell, tables, found)
        if not orderly and page.count(0) < len(page):
            doubtful.append(number)
    for number in doubtful:
        if number not in taken:
            for cell in _anywhere(pages, pages[number]):
                _keep(cell, tables, found)
    return {table: [row for identity in sorted(by_id) for row in by_id[identity]] for table, by_id in found.items()}


class _Pages:
    """The pages of a file, those of its log in place of older ones."""

    def __init__(self, path: Path) -> None:
        with path.open("rb") as file:
            size = file.seek(0, 2)
            self._file = mmap.mmap(file.fileno(), 0, access=mmap.ACCESS_READ) if size else b""
        self._logged = dict(_logged(path.with_name(f"{path.name}-wal")))
        self.count = max(-(-size // PAGE), *self._logged, 0) if self._logged else -(-size // PAGE)

    def __getitem__(self, number: int) -> bytes:
        return self._logged.get(number) or bytes(self._file[(number - 1) * PAGE : number * PAGE])


def _logged(path: Path) -> Iterator[tuple[int, bytes]]:
    """Pages by number, as far as they were committed."""
    try:
        log = path.read_bytes()
    except FileNotFoundError:
        return
    salts, waiting = log[16:24], list[tuple[int, bytes]]()
    for at in range(_WAL_HEADER, len(log) - _FRAME_HEADER - PAGE + 1, _FRAME_HEADER + PAGE):
        number, committed = struct.unpack_from(">II", log, at)
        if log[at + 8 : at + 16] != salts:  # left over from before the log began anew
            return
        waiting.append((number, log[at + _FRAME_HEADER : at + _FRAME_HEADER + PAGE]))
        if committed:
            yield from waiting
            waiting = []


def _leaf(pages: _Pages, page: bytes, start: int) -> tuple[list[_Cell], bool]:
    """The rows of a leaf of a table, and whether they fill it as its header says."""
    if len(page) < PAGE or page[start] != _LEAF:
        return [], False
    free, n_cells, content, fragments = struct.unpack_from(">HHHB", page, start + 1)
    cells, orderly = list[_Cell](), start + 8 + 2 * n_cells <= content
    for at in range(start + 8, min(start + 8 + 2 * n_cells, PAGE - 1), 2):
        try:
            cells.append(_cell(pages, page, int.from_bytes(page[at : at + 2], "big")))
        except _DamagedError:
            orderly = False
    used = sum(max(4, cell.size) for cell in cells) + fragments
    while content <= free <= PAGE - 4:
        following, size = struct.unpack_from(">HH", page, free)
        used += size
        if following <= free:
            break
        free = following
    return cells, orderly and used == PAGE - content


def _anywhere(pages: _Pages, page: bytes) -> Iterator[_Cell]:
    for at in range(len(page) - 4):
        try:
            cell = _cell(pages, page, at)
        except _DamagedError:
            continue
        yield cell


def _cell(pages: _Pages, page: bytes, at: int) -> _Cell:
    """Raises _DamagedError."""
    start = at
    length, at = _varint(page, at)
    identity, at = _varint(page, at)
    local = length
    if length > _MOST_LOCAL:
        local = _LEAST_LOCAL + (length - _LEAST_LOCAL) % (PAGE - 4)
        local = local if local <= _MOST_LOCAL else _LEAST_LOCAL
    end = at + local
    if length < 2 or end + (4 if local < length else 0) > PAGE or length > pages.count * PAGE:
        raise _DamagedError
    types, body_at = _types(page, at, length)
    if local == length:
        return _Cell(identity, types, page[body_at:end], end - start, ())
    overflow = list[int]()
    parts, missing = [page[body_at:end]], length - local
    number = int.from_bytes(page[end : end + 4], "big")
    while missing > 0:
        if not 0 < number <= pages.count or len(overflow) > pages.count:
            raise _DamagedError
        other = pages[number]
        overflow.append(number)
        parts.append(other[4 : 4 + min(missing, PAGE - 4)])
        missing -= PAGE - 4
        number = int.from_bytes(other[:4], "big")
    return _Cell(identity, types, b"".join(parts), end + 4 - start, tuple(overflow))


def _types(page: bytes, at: int, length: int) -> tuple[tuple[int, ...], int]:
    """The serial types of a record, and where its values begin; they must fill it."""
    begin = at
    header, at = _varint(page, at)
    end = begin + header
    if not 1 < header <= min(length, 200) or end > len(page):
        raise _DamagedError
    types, total = list[int](), header
    while at < end:
        kind, at = _varint(page, at)
        if kind in (10, 11):
            raise _DamagedError
        types.append(kind)
        total += _FIXED[kind] if kind < 10 else (kind - 12) // 2
    if at != end or total != length:
        raise _DamagedError
    return tuple(types), end


def _varint(page: bytes, at: int) -> tuple[int, int]:
    value = 0
    for byte in page[at : at + 8]:
        at += 1
        value = value << 7 | byte & 0x7F
        if byte < 0x80:
            return value, at
    if at >= len(page):
        raise _DamagedError
    return value << 8 | page[at], at + 1


def _keep(
    cell: _Cell, tables: Mapping[str, Sequence[Column]], found: Mapping[str, dict[int, list[dict[str, Any]]]]
) -> None:
    for table, columns in tables.items():
        if _fits(cell.types, columns):
            try:
                row = _row(cell, columns)
            except UnicodeDecodeError:
                continue
            others = found[table].setdefault(cell.identity, [])
            if row not in others:
                others.append(row)
            return


def _fits(types: Sequence[int], columns: Sequence[Column]) -> bool:
    least = len(columns)
    while least and columns[least - 1].may_lack:
        least -= 1
    return least <= len(types) <= len(columns) and all(map(_fits_column, types, columns))


def _fits_column(kind: int, column: Column) -> bool:
    if column.is_id or kind == 0:
        return kind == 0 and (column.is_id or not column.required)
    number = kind < 10 and kind != 7
    return {
        "INTEGER": number,
        "REAL": kind < 10,
        "TEXT": kind > 12 and kind % 2 == 1,
        "BLOB": kind >= 12 and kind % 2 == 0,
    }[column.kind]


def _row(cell: _Cell, columns: Sequence[Column]) -> dict[str, Any]:
    """Raises UnicodeDecodeError."""
    values, at = dict[str, Any](), 0
    for kind, column in zip(cell.types, columns, strict=False):
        size = _FIXED[kind] if kind < 10 else (kind - 12) // 2
        values[column.name] = cell.identity if column.is_id else _value(kind, cell.body[at : at + size], column)
        at += size
    return values | {column.name: column.default for column in columns[len(cell.types) :]}


def _value(kind: int, data: bytes, column: Column) -> object:
    if kind == 0:
        return None
    if kind >= 12:
        return data.decode() if kind % 2 else data
    value = (
        struct.unpack(">d", data)[0]
        if kind == 7
        else kind - 8
        if kind > 7
        else int.from_bytes(data, "big", signed=True)
    )
    return float(value) if column.kind == "REAL" else value
