"""An engine whose model is looked for, and the default one fetched where it is missing, only when it is loaded.

For a program that must answer before it has a model: an editor waits for the first answer before it shows a text.
"""

import threading
from collections.abc import Generator, Iterator
from pathlib import Path
from queue import SimpleQueue

from spectra_local.catalogue import DEFAULT_MODEL, ModelNotPulledError, resolve
from spectra_local.catalogue.entries import Entry
from spectra_local.errors import SpectraError
from spectra_local.protocol import EngineOptions, Event, LoadProgress, ModelInfo, Request
from spectra_local.worker import EngineProcess


class LateEngine:
    """See ``spectra_local.protocol.Assistant``."""

    def __init__(self, model: str | None, options: EngineOptions) -> None:
        """``model``: a name or a path, None for the default."""
        self._model = model
        self._options = options
        self._engine: EngineProcess | None = None
        self._cancelled = threading.Event()

    def load(self) -> Iterator[LoadProgress]:
        """Raises SpectraError; ``cancel`` ends it with one, and keeps what arrived of a file."""
        self._cancelled.clear()
        if self._engine is None:
            try:
                path = resolve(self._model)
            except ModelNotPulledError as error:
                if error.entry.name != DEFAULT_MODEL:  # gigabytes are fetched when asked for, not by the way
                    raise
                path = yield from self._fetched(error.entry)
            self._engine = EngineProcess(path, self._options)
        yield from self._engine.load()

    @property
    def info(self) -> ModelInfo:
        """The loaded model. Raises SpectraError before ``load`` has ended."""
        return self._loaded().info

    def generate(self, request: Request) -> Generator[Event, None, None]:
        """As Engine.generate."""
        return self._loaded().generate(request)

    def cancel(self) -> None:
        """Ends the running request, the load or the fetching, soon."""
        self._cancelled.set()
        if self._engine:
            self._engine.cancel()

    def close(self) -> None:
        """Frees the model."""
        self._cancelled.set()
        if self._engine:
            self._engine.close()

    def _loaded(self) -> EngineProcess:
        if self._engine is None:
            raise SpectraError("no model is loaded")
        return self._engine

    def _fetched(self, entry: Entry) -> Generator[LoadProgress, None, Path]:
        """The fetched file; the fetching itself is in a thread, and what it tells is yielded here."""
        from spectra_local.catalogue.download import pull

        told: SimpleQueue[LoadProgress | Path | Exception] = SimpleQueue()

        def fetch() -> None:
            def report(done: int, total: int) -> None:
                told.put(LoadProgress(done / total if total else 0.0, doing))

            try:
                told.put(pull(entry, report, self._cancelled.is_set))
            except Exception as error:  # one that is ours or a defect: the one who waits must hear of it
                told.put(error)

        doing = f"fetching {entry.name}"
        yield LoadProgress(0.0, doing)
        threading.Thread(target=fetch, name="fetch", daemon=True).start()
        while not isinstance(item := told.get(), Path):
            if isinstance(item, Exception):
                raise item
            yield item
        return item
