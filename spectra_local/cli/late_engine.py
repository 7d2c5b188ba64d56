"""An engine whose model is looked for, and fetched where that was asked for, only when it is loaded.

For a program that must answer before it has a model: an editor waits for the first answer before it shows a text.
"""

import threading
from collections.abc import Generator, Iterator
from pathlib import Path
from queue import SimpleQueue

from spectra_local.catalogue import NoModelError, resolve
from spectra_local.catalogue.offers import Choice
from spectra_local.cli.opening import how_to_answer
from spectra_local.cli.options import WantedModel
from spectra_local.errors import SpectraError
from spectra_local.protocol import EngineOptions, Event, LoadProgress, ModelInfo, Request
from spectra_local.worker import EngineProcess


class LateEngine:
    """See ``spectra_local.protocol.Assistant``."""

    def __init__(self, model: WantedModel, options: EngineOptions) -> None:
        """Nobody can be asked: what is missing is fetched only where ``model`` says so."""
        self._model = model
        self._options = options
        self._engine: EngineProcess | None = None
        self._cancelled = threading.Event()

    def load(self) -> Iterator[LoadProgress]:
        """Raises SpectraError; ``cancel`` ends it with one, and keeps what arrived of a file."""
        self._cancelled.clear()
        return self._loading()

    def _loading(self) -> Iterator[LoadProgress]:
        if self._engine is None:
            try:
                path = resolve(self._model.name)
            except NoModelError as error:
                if not self._model.yes:
                    raise how_to_answer(error) from error
                path = yield from self._taken(error.choices[0])
            self._engine = EngineProcess(path, self._options)
        loading = self._engine.load()
        if self._cancelled.is_set():  # before there was an engine to hear it
            self._engine.cancel()
        yield from loading

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

    def _taken(self, choice: Choice) -> Generator[LoadProgress, None, Path]:
        """The file, fetched if it must be; the fetching itself is in a thread, and what it tells is yielded here."""
        entry = choice.entry
        if entry is None:
            assert choice.path is not None  # a choice is on the disk or in the catalogue
            return choice.path
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
