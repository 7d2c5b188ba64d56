"""The steps that make the database's tables, and whether a file has them. Runs no statement on a user's file."""

import re
import sqlite3
from collections.abc import Iterator, Mapping
from functools import cache
from importlib.resources import files

from spectra_local.history.pairs import pairs

_MADE = re.compile(r"CREATE (?:VIRTUAL )?(TABLE|INDEX) (\w+)")
_ADDED = re.compile(r"ALTER TABLE (\w+) ADD COLUMN ([^;]*);")


@cache
def migrations() -> dict[int, str]:
    """SQL by number."""
    folder = files("spectra_local.history").joinpath("migrations")
    return {int(f.name[:4]): f.read_text("utf-8") for f in folder.iterdir() if f.name.endswith(".sql")}


def statements(sql: str) -> Iterator[str]:
    """One by one; what is said before one belongs to it."""
    statement = ""
    for line in sql.splitlines(keepends=True):
        statement += line
        if line.split("--")[0].rstrip().endswith(";") and sqlite3.complete_statement(statement):
            yield statement
            statement = ""


def schema_of(connection: sqlite3.Connection) -> dict[str, str]:
    """SQL by name, of all that is no part of something else."""
    return dict(connection.execute("SELECT name, sql FROM sqlite_schema WHERE sql IS NOT NULL").fetchall())


def fresh() -> sqlite3.Connection:
    """A database as it is begun today, in memory."""
    connection = sqlite3.connect(":memory:", isolation_level=None)
    define_functions(connection)
    for _, sql in sorted(migrations().items()):
        connection.executescript(sql)
    return connection


@cache
def current_schema() -> dict[str, str]:
    """That of a file begun today."""
    connection = fresh()
    try:
        return schema_of(connection)
    finally:
        connection.close()


def define_functions(connection: sqlite3.Connection) -> None:
    """Those that the steps call."""
    connection.create_function("text_pairs", 1, pairs, deterministic=True)


def has_schema(connection: sqlite3.Connection, steps: Mapping[int, str]) -> bool:
    """Whether all that ``steps`` make is there as they say it; SQLite takes another name for another table. Raises
    sqlite3.Error where the schema cannot be read."""
    query = "SELECT name, type, tbl_name, sql FROM sqlite_schema"
    there = {name: (kind, table, sql or "") for name, kind, table, sql in connection.execute(query).fetchall()}
    return all(
        there.get(name, ("", "", ""))[:2] == (kind, table) and all(part in there[name][2] for part in parts)
        for name, (kind, table, parts) in _made(tuple(sorted(steps.items()))).items()
    )


@cache
def _made(steps: tuple[tuple[int, str], ...]) -> dict[str, tuple[str, str, list[str]]]:
    """By name: its type, its table, and texts that SQLite keeps as they stand in a step."""
    made: dict[str, tuple[str, str, list[str]]] = {}
    for _, sql in steps:
        for statement in statements(sql):
            if found := _MADE.search(statement):
                words = statement[found.start() : statement.rindex(")")]
                on = re.search(r"\bON (\w+)", words)
                kind, name = found[1].lower(), found[2]
                made[name] = (kind, on[1] if kind == "index" and on else name, [words])
            elif added := _ADDED.search(statement):
                made[added[1]][2].append(added[2].strip())
    return made
