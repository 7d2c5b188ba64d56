"""A number of bytes in words: the one place that chooses units, so that no file has two sizes."""

_UNITS = ("kB", "MB", "GB", "TB")  # powers of ten, as download pages and file managers show them


def byte_size(n_bytes: float) -> str:
    """ "512 bytes", "4.2 kB", "98 MB", "4.9 GB": two digits at least, the last one rounded."""
    if abs(n_bytes) < 1000:
        return f"{n_bytes:.0f} byte{'s' * (round(n_bytes) != 1)}"
    value = n_bytes / 1000
    units = iter(_UNITS)
    unit = next(units)
    while abs(value) >= 999.5 and unit != _UNITS[-1]:  # what would be shown as 1000 is one of the next unit
        value, unit = value / 1000, next(units)
    return f"{value:,.{int(abs(value) < 9.95)}f} {unit}"
