"""A download in a thread of its own, as numbers that a screen can look at; knows nothing of widgets."""

import threading
from dataclasses import KW_ONLY, dataclass
from time import monotonic

from spectra_local.catalogue.download import pull
from spectra_local.catalogue.entries import Entry
from spectra_local.catalogue.licences import accept_licence
from spectra_local.catalogue.progress import PullCancelledError
from spectra_local.errors import SpectraError
from spectra_local.printable import printable_line

_RATE_AFTER_S = 1.0  # before that a rate jumps about


@dataclass(slots=True)
class FetchState:
    """Bytes that arrived and that will, words for the user, and how it ended."""

    done: int = 0
    total: int = 0
    rate: float = 0.0  # bytes a second, 0 while not known
    notice: str = ""
    _: KW_ONLY
    ended: bool = False
    cancelled: bool = False
    error: str = ""


class Fetch:
    """Fetches one model of the catalogue. Its licence counts as accepted: the screen has shown it."""

    def __init__(self, entry: Entry) -> None:
        self.state = FetchState(total=entry.n_bytes or 0)
        self._entry = entry
        self._stop = threading.Event()
        self._first: tuple[float, int] | None = None  # what an earlier try left does not count for the rate
        threading.Thread(target=self._work, name="fetch", daemon=True).start()

    def cancel(self) -> None:
        """Ends it soon; what arrived is kept for the next time."""
        self._stop.set()

    def _work(self) -> None:
        state = self.state
        try:
            accept_licence(self._entry)
            pull(self._entry, self._progress, self._stop.is_set, self._notice)
        except PullCancelledError:
            state.cancelled = True
        except SpectraError as error:
            state.error = printable_line(str(error))
        except Exception as error:
            state.error = printable_line(f"{type(error).__name__}: {error}")
        state.ended = True

    def _progress(self, done: int, total: int) -> None:
        now, state = monotonic(), self.state
        if self._first is None or done < self._first[1]:
            self._first = now, done
        seconds = now - self._first[0]
        state.done, state.total = done, total
        state.rate = (done - self._first[1]) / seconds if seconds >= _RATE_AFTER_S else 0.0

    def _notice(self, line: str) -> None:
        self.state.notice = printable_line(line)
