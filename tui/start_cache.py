"""What Python compiles from text at every start, kept compiled: the methods of dataclasses, and regular expressions.

Python keeps modules compiled, but these 400 texts, most of them of Textual and rich, it compiles anew each time: 70 of
450 ms to the first frame. What is not in the file, or stands in a file that is damaged or of another Python, is
compiled as ever. Only the start is affected: ``keep`` ends it. Knows nothing of what the texts are for.

Remove it when Python keeps them itself, or Textual no longer needs them for its first frame.
"""

import dataclasses
import marshal
import re
import sys
import zlib
from contextlib import suppress
from pathlib import Path
from types import CodeType
from typing import TYPE_CHECKING, Any

from spectra_local.locations import NoHomeError, cache_dir

if TYPE_CHECKING:
    from collections.abc import Callable

_DIGEST_BYTES = 4
# Another Python may compile to something else, and marshal reads only what it wrote itself.
MADE_BY = f"{sys.version} {marshal.version}\0".encode()
_COMPILER: Any = re._compiler  # type: ignore[attr-defined]  # the module that ``re.compile`` calls
_DATACLASSES: Any = dataclasses

_Pattern = tuple[str | bytes, int]  # a regular expression and its flags


def start_cache_file() -> Path:
    """One for each version of Python."""
    return cache_dir() / "start" / f"{sys.implementation.cache_tag}.bin"


class StartCache:
    """From ``begin`` to ``keep`` texts are compiled once and for all starts."""

    def __init__(self, path: Path) -> None:
        self._path = path
        self._methods, self._patterns = _read(path)
        self._used: tuple[dict[str, CodeType], dict[_Pattern, tuple[Any, ...]]] = ({}, {})
        self._has_new = False
        self._compile: Callable[[Any, int], Any] = _COMPILER.compile
        self._engine: Any = _COMPILER._sre

    def begin(self) -> None:
        """From now on dataclasses and ``re`` ask here first."""
        _DATACLASSES.exec = self._execute  # shadows the built-in function in that module
        _COMPILER.compile = self._compiled

    def keep(self) -> None:
        """All is as it was; what was used is written for the next start if any of it was new."""
        if _COMPILER.compile != self._compiled:
            return
        del _DATACLASSES.exec
        _COMPILER.compile = self._compile
        if self._has_new and not sys.dont_write_bytecode:
            from spectra_local.private_file import write_private

            with suppress(OSError, ValueError):  # a cache that cannot be written costs some milliseconds
                write_private(self._path, _packed(self._used))

    def _execute(self, text: str, *scopes: dict[str, Any]) -> None:
        code = self._methods.get(text)
        if code is None:
            self._has_new = True
            code = compile(text, "<string>", "exec")
        self._used[0][text] = code
        exec(code, *scopes)  # noqa: S102 - as dataclasses does with the text

    def _compiled(self, pattern: Any, flags: int = 0) -> Any:
        if not isinstance(pattern, str | bytes):
            return self._compile(pattern, flags)
        known = self._patterns.get((pattern, flags))
        if known is not None:
            self._used[1][pattern, flags] = known
            return self._engine.compile(*known)  # checks the code
        self._has_new = True
        recorder = _Recorder(self._engine)
        _COMPILER._sre = recorder
        try:
            made = self._compile(pattern, flags)
        finally:
            _COMPILER._sre = self._engine
        self._used[1][pattern, flags] = recorder.arguments
        return made


class _Recorder:
    """The engine of regular expressions, which remembers what it was given."""

    def __init__(self, engine: Any) -> None:
        self._engine = engine
        self.arguments: tuple[Any, ...] = ()

    def __getattr__(self, name: str) -> Any:
        return getattr(self._engine, name)

    def compile(self, pattern: Any, flags: int, code: list[int], *groups: Any) -> Any:
        self.arguments = pattern, int(flags), [int(one) for one in code], *groups  # plain ones, which marshal knows
        return self._engine.compile(*self.arguments)


def _packed(used: tuple[dict[str, CodeType], dict[_Pattern, tuple[Any, ...]]]) -> bytes:
    content = MADE_BY + marshal.dumps(used)
    return _digest(content) + content


def _read(path: Path) -> tuple[dict[str, CodeType], dict[_Pattern, tuple[Any, ...]]]:
    """What the file has; nothing where it is not whole: marshal may crash on that."""
    try:
        packed = path.read_bytes()
    except OSError:
        return {}, {}
    digest, content = packed[:_DIGEST_BYTES], packed[_DIGEST_BYTES:]
    if digest != _digest(content) or not content.startswith(MADE_BY):
        return {}, {}
    methods, patterns = marshal.loads(content[len(MADE_BY) :])  # noqa: S302 - of this user's own folder, and whole
    return methods, patterns


def _digest(content: bytes) -> bytes:
    return zlib.crc32(content).to_bytes(_DIGEST_BYTES, "little")


_running: StartCache | None = None


def begin() -> None:
    """What is compiled from now on is taken from the cache, or is kept in it for the next start."""
    global _running
    with suppress(NoHomeError):  # who needs a folder says so
        _running = StartCache(start_cache_file())
        _running.begin()


def keep() -> None:
    """The first frame is out: all is as it was. Does nothing where nothing has begun."""
    global _running
    if _running is not None:
        _running.keep()
        _running = None
