"""How a download talks to whoever started it: two callbacks and one way to stop."""

from collections.abc import Callable

from spectra_local.errors import DownloadError

Report = Callable[[int, int], None]  # (bytes that arrived, bytes in all), often
Cancelled = Callable[[], bool]  # asked often; True ends the download


class PullCancelledError(DownloadError):
    """The user stopped the download; what arrived from the hub is kept."""

    exit_code = 130

    def __init__(self, name: str) -> None:
        super().__init__(f"fetching {name} was stopped; 'spectra-chat models pull {name}' takes it up again")
