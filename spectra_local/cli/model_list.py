"""The rows of ``models list``: the catalogue and the disk side by side, as a table or as JSON."""

from spectra_local.byte_size import byte_size
from spectra_local.catalogue.listing import ModelRow
from spectra_local.catalogue.offers import choice_of

_HEAD = ("", "NAME", "SIZE", "WHERE", "CONTEXT", "LICENCE", "FILL-IN")
_NOT_HERE = "-"


def as_table(found: list[ModelRow], default: ModelRow | None) -> list[str]:
    """Aligned lines, the head first."""
    table = [_HEAD, *(_cells(row, is_default=row is default) for row in found)]
    widths = [max(len(row[column]) for row in table) for column in range(len(_HEAD))]
    right = {_HEAD.index("SIZE"), _HEAD.index("CONTEXT")}
    return [
        " ".join(
            (cell.rjust if column in right else cell.ljust)(width) + " "
            for column, (cell, width) in enumerate(zip(row, widths, strict=True))
        ).rstrip()
        for row in table
    ]


def _cells(row: ModelRow, *, is_default: bool) -> tuple[str, ...]:
    entry = row.entry
    mark = ("*" if is_default else "") + ("!" if row.fits_in_memory is False else "")
    return (
        mark,
        row.name,
        byte_size(row.on_disk.n_bytes) if row.on_disk else choice_of(entry).size if entry else "unknown",
        f"{row.on_disk.where}: {row.on_disk.kind}".removesuffix(": ") if row.on_disk else _NOT_HERE,
        str(entry.context) if entry else "",
        entry.licence.id if entry else "",
        (entry.fim or "") if entry else "",
    )
