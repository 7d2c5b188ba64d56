"""The status line in words: pure, so that every state can be tested without a terminal."""

from dataclasses import KW_ONLY, dataclass

from spectra_local.printable import printable_line
from spectra_local.protocol import LOADING, Timings
from spectra_local.speed import speed
from tui.state import ModelState, Phase, State

METER_CELLS = 8

_DOING = {
    Phase.IDLE: "",
    Phase.ANSWERING: "answering",
    Phase.STOPPING: "stopping",
    Phase.DOWN: "no model",
}
_MARKS = {
    Phase.LOADING: ("◌", "$text-warning"),
    Phase.IDLE: ("●", "$text-success"),
    Phase.READING: ("◐", "$text-primary"),
    Phase.ANSWERING: ("◆", "$text-primary"),
    Phase.STOPPING: ("◇", "$text-warning"),
    Phase.DOWN: ("✕", "$text-error"),
}


@dataclass(frozen=True, slots=True)
class Status:
    """What the status line shows; two that look the same are equal."""

    mark: str = ""
    style: str = ""
    doing: str = ""
    name: str = ""
    _: KW_ONLY
    n_ctx: int = 0
    meter: tuple[int, int] = (0, 0)  # filled and empty cells
    context: str = ""
    short_context: str = ""
    speed: str = ""
    short_speed: str = ""


def status_of(state: State) -> Status:
    """The status line of a state."""
    model = state.model
    mark, style = _MARKS[model.phase]
    share = min(1.0, model.n_past / model.n_ctx) if model.n_ctx else 0.0
    return Status(
        mark=mark,
        style=style,
        doing=_doing(model) or printable_line(state.beside),
        name=printable_line(model.name) if model.info and model.phase is not Phase.DOWN else "",
        n_ctx=model.n_ctx,
        meter=meter(share),
        context=f"{model.n_past:,} of {model.n_ctx:,}",
        short_context=f"{share:.0%}",
        speed=_speed(model, saved=True),
        short_speed=_speed(model, saved=False),
    )


def _doing(model: ModelState) -> str:
    if model.phase is Phase.LOADING:
        if model.load_doing != LOADING:
            return model.load_doing
        return f"loading {model.load_fraction:.0%}" if model.load_fraction else "loading"
    if model.phase is Phase.READING:
        return reading(model)
    return _DOING[model.phase]


def reading(model: ModelState) -> str:
    """How far the prompt has been read."""
    if model.prompt_total <= 0:
        return "reading"
    return f"reading {model.prompt_done:,} of {model.prompt_total:,}"


def meter(share: float, cells: int = METER_CELLS) -> tuple[int, int]:
    """Filled and empty cells of a bar, filled by ``share`` in 0..1; anything at all shows as one cell."""
    filled = min(cells, max(round(share * cells), 1 if share > 0 else 0))
    return filled, cells - filled


def _speed(model: ModelState, *, saved: bool) -> str:
    """Tokens per second; while they come, against plain decoding; then, with guesses taken, what they brought."""
    if model.tokens_per_second <= 0:
        return ""
    learning = _is_learning(model)
    if not saved:
        against = f" {model.speedup:.1f}×" if model.speedup > 0 and not learning else ""
        return f"{speed(model.tokens_per_second)} t/s{against}"
    words = [f"{speed(model.tokens_per_second)} tok/s"]
    if learning:
        words.append("learning this machine")
    elif model.speedup > 0:
        words += [f"plain {speed(model.tokens_per_second / model.speedup)}", f"{model.speedup:.1f}×"]
    elif gain := _gain(model.timings):
        words.append(gain)
    return " · ".join(words)


def _is_learning(model: ModelState) -> bool:
    """Whether a figure below plain decoding's may yet be the price of not knowing this machine: of a first answer, and
    for as long as the measured cost of passes is doubted."""
    timings = model.timings
    at_rest = timings.speedup_estimate if timings is not None and timings.draft_n > 0 else 0.0
    first = model.n_answers == 0 if model.busy else model.n_answers <= 1
    doubted = model.info is not None and not model.info.cost_trusted
    return 0.0 < (model.speedup or (0.0 if model.busy else at_rest)) < 1.0 and (first or doubted)


def _gain(timings: Timings | None) -> str:
    if timings is None or timings.draft_n <= 0:
        return ""
    return f"{timings.draft_n_accepted / timings.draft_n:.0%} accepted · {timings.speedup_estimate:.1f}×"
