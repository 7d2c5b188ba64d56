"""The models that can be fetched by name, read from models.toml; knows nothing of the disk or the network."""

from dataclasses import KW_ONLY, dataclass
from functools import lru_cache
from pathlib import Path
from typing import Any

from spectra_local.errors import SpectraError

_IN_WHEEL = Path(__file__).with_name("models.toml")
_IN_CHECKOUT = Path(__file__).parents[2] / "models.toml"
_UNITS = {"MB": 10**6, "GB": 10**9}


@dataclass(frozen=True, slots=True)
class Licence:
    """The terms a model comes under; some must be accepted before it is fetched."""

    id: str
    name: str
    url: str
    must_accept: bool = False


@dataclass(frozen=True, slots=True)
class Part:
    """A package that carries a piece of the file, or all of it, for where the hub is out of reach."""

    package: str
    version: str
    n_bytes: int  # of the package, as downloaded
    holds: int  # bytes of the model


@dataclass(frozen=True, slots=True)
class Entry:
    """One model of the catalogue and where its file comes from."""

    name: str
    family: str
    repository: str  # on the hub, "owner/name"
    file: str
    _: KW_ONLY
    n_bytes: int | None  # None: not known before it is fetched
    exact_size: bool  # False: ``n_bytes`` is rounded
    sha256: str | None
    licence: Licence
    context: int  # tokens the model was trained for
    fim: str | None = None  # family of its fill-in tokens
    parts: tuple[Part, ...] = ()  # their pieces in this order are the file
    ending: str = ".gguf"  # of the names of the files, in each part, that make up its piece

    def may_have_size(self, n_bytes: int) -> bool:
        """False where the file's exact size is known and is another."""
        return not self.exact_size or self.n_bytes == n_bytes


@lru_cache(maxsize=1)
def entries() -> tuple[Entry, ...]:
    """Every model of the catalogue, in its order: those that are offered first, then by family and size."""
    import tomllib  # the command line starts without it

    source = _IN_WHEEL if _IN_WHEEL.exists() else _IN_CHECKOUT
    try:
        table = tomllib.loads(source.read_text(encoding="utf-8"))
    except (OSError, ValueError) as error:
        raise SpectraError(f"the catalogue {source} cannot be read ({error}); install spectra-chat again") from error
    licences = {key: Licence(id=key, **fields) for key, fields in table["licences"].items()}
    return tuple(_entry(fields, licences) for fields in table["models"])


def entry_named(name: str) -> Entry | None:
    """The entry of that name, whatever its case; None if there is none."""
    return next((entry for entry in entries() if entry.name == name.lower()), None)


def entry_of_file(file: str) -> Entry | None:
    """The entry whose file has that name; None if there is none."""
    return next((entry for entry in entries() if entry.file.lower() == file.lower()), None)


def _entry(fields: dict[str, Any], licences: dict[str, Licence]) -> Entry:
    exact = fields.pop("bytes", None)
    rounded = fields.pop("size", None)
    parts = fields.pop("parts", ())
    return Entry(
        n_bytes=exact if exact is not None else _parse_size(rounded),
        exact_size=exact is not None,
        sha256=fields.pop("sha256", None),
        licence=licences[fields.pop("licence")],
        parts=tuple(Part(part["package"], part["version"], part["bytes"], part["holds"]) for part in parts),
        **fields,
    )


def _parse_size(text: str | None) -> int | None:
    if text is None:
        return None
    number, unit = text.split()
    return round(float(number) * _UNITS[unit])
