"""What the editor's status line says: the model, what it does here, and what suggestions have brought. Pure."""

from dataclasses import KW_ONLY, dataclass, replace

from spectra_local.protocol import Timings
from spectra_local.speed import speed
from tui.state import ModelState, Phase, State
from tui.status import Status, status_of

NO_CODER = "no coder model"  # no suggestions while typing
_WORKING = ("◆", "$text-primary")


@dataclass(slots=True)
class Figures:
    """Counts since the file was opened."""

    suggested: int = 0
    taken: int = 0  # suggestions of which at least a word was accepted
    predicted_n: int = 0
    predicted_ms: float = 0.0
    _: KW_ONLY
    draft_n: int = 0
    draft_n_accepted: int = 0
    last_per_second: float = 0.0

    def add(self, timings: Timings) -> None:
        """What one request to the model took."""
        self.predicted_n += timings.predicted_n
        self.predicted_ms += timings.predicted_ms
        self.draft_n += timings.draft_n
        self.draft_n_accepted += timings.draft_n_accepted
        self.last_per_second = timings.predicted_per_second or self.last_per_second

    def words(self) -> list[str]:
        """The most telling first; nothing of what has not happened."""
        words = []
        if self.last_per_second:
            words.append(f"{speed(self.last_per_second)} tok/s")
        if self.draft_n:
            words.append(f"{self.draft_n_accepted} of {self.draft_n} guesses accepted")
        if self.suggested:
            words.append(f"{self.taken} of {self.suggested} taken")
        return words


def editor_status(model: ModelState, doing: str, place: tuple[int, int], figures: Figures) -> Status:
    """``doing``: what the model does for the editor, or a word to the user; "" for nothing. ``place`` from (0, 0)."""
    status = status_of(State(model=model))
    if doing and model.phase is Phase.IDLE:
        status = replace(status, mark=_WORKING[0], style=_WORKING[1])
    elif model.info is not None and not model.info.fill_in and model.phase is Phase.IDLE:
        doing = NO_CODER
    row, column = place
    return replace(
        status,
        doing=doing or status.doing,
        n_ctx=0,
        speed=" · ".join([f"{row + 1}:{column + 1}", *figures.words()]),
        short_speed=f"{row + 1}:{column + 1}",
    )
