"""What the page of figures says, part by part: from counts and times to words and charts of a width.

Knows no widget, and imports nothing of the history that would load numpy.
"""

from collections import Counter
from collections.abc import Sequence
from datetime import date
from typing import TYPE_CHECKING

from textual.content import Content

from spectra_local.byte_size import byte_size
from spectra_local.history.savings import Tried
from spectra_local.printable import printable_line
from spectra_local.protocol import Timings
from spectra_local.speed import speed
from tui.charts import Bar, bars, columns
from tui.tint import style_of_source

if TYPE_CHECKING:
    from spectra_local.history.statistics import Statistics

MOST_PERIODS = 12  # weeks or months that are shown, the newest ones
MOST_LAYERS = 8
STAIRCASE_WIDTHS = 32  # tokens in a pass: drafts are rarely longer
STAIRCASE_ROWS = 6
_LAYER_STYLES = ("$primary", "$secondary", "$accent", "$success")  # the user's own first, then imports
_NAME_CELLS = 14
_NOTHING = Content.styled("Nothing yet.", "$text-muted")


def this_conversation(answers: Sequence[Timings]) -> Content:
    """Totals over the answers of this conversation that were written since the program began."""
    n, milliseconds = sum(t.predicted_n for t in answers), sum(t.predicted_ms for t in answers)
    if not n or not milliseconds:
        return Content("Nothing has been answered yet.")
    plain_ms = sum(t.predicted_ms * t.speedup_estimate for t in answers)
    guessing = sum(t.draft_ms for t in answers) / milliseconds
    share = f"; guessing took {guessing:.1%} of the time" if guessing else ""
    drafted, accepted = sum(t.draft_n for t in answers), sum(t.draft_n_accepted for t in answers)
    return Content(
        f"{n:,} tokens in {sum(t.steps for t in answers):,} passes of the model\n"
        f"{accepted:,} of {drafted:,} guesses came true{share}\n"
        f"{speed(1000 * n / milliseconds)} tok/s, about {plain_ms / milliseconds:.1f} times plain decoding"
    )


def tried_in(answers: Sequence[Timings]) -> dict[str, Tried]:
    """Guesses by source, the source that was right most often first."""
    accepted: Counter[str] = Counter()
    rejected: Counter[str] = Counter()
    for timings in answers:
        accepted.update(timings.accepted_by_source)
        rejected.update(timings.rejected_by_source)
    order = sorted(accepted | rejected, key=lambda source: -accepted[source])
    return {source: Tried(accepted[source], rejected[source]) for source in order}


def by_source(tried: dict[str, Tried], width: int) -> Content:
    """For each source the share of its guesses that came true, in the colour it has in answers."""
    rows = [
        Bar(
            _name(source),
            ((each.accepted / max(1, each.accepted + each.rejected), style_of_source(source)),),
            f"{each.accepted:,} of {each.accepted + each.rejected:,}",
        )
        for source, each in tried.items()
        if each.accepted + each.rejected
    ]
    return bars(rows, width, full=1.0) if rows else _NOTHING


def staircase(cost: Sequence[float], device: str, width: int) -> Content:
    """What a pass over 1, 2, ... tokens costs, in passes over one."""
    if not cost:
        return Content.styled("This model is decoded one token a pass.", "$text-muted")
    shown = cost[:STAIRCASE_WIDTHS]
    at = min(8, len(shown))
    words = (
        f"A pass over {at} tokens costs {shown[at - 1]:.1f} times one over a single token ({printable_line(device)})."
    )
    return Content.assemble(columns(shown, width, STAIRCASE_ROWS, style="$primary"), "\n", (words, "$text-muted"))


def time_saved(found: "Statistics", width: int) -> Content:
    """By week, newest last. A week that was slower for it has no bar and says so."""
    weeks = list(found.saved_by_week.items())[-MOST_PERIODS:]
    rows = []
    for week, saved in weeks:
        words = f"{duration(saved.saved_ms / 1000)} in {_n(saved.answers, 'answer')}"
        rows.append(Bar(_day(week), ((max(0.0, saved.saved_ms), "$success"),), words))
    return bars(rows, width) if rows else _NOTHING


def growth(found: "Statistics", width: int) -> Content:
    """Tokens kept, by month and layer, then each layer with its size."""
    styles = {
        layer.name: _LAYER_STYLES[min(number, len(_LAYER_STYLES) - 1)] for number, layer in enumerate(found.layers)
    }
    # By week while that tells more: a history of a few months has few bars otherwise.
    by_week = len({each.period for each in found.months}) <= 2
    periods: dict[str, dict[str, int]] = {}
    for each in found.weeks if by_week else found.months:
        periods.setdefault(each.period, {})[each.layer] = each.tokens
    rows = [
        Bar(
            _day(period) if by_week else period,
            tuple((layers[name], style) for name, style in styles.items() if name in layers),
            f"{sum(layers.values()):,} tokens",
        )
        for period, layers in list(periods.items())[-MOST_PERIODS:]
    ]
    if not rows:
        return _NOTHING
    lines = [bars(rows, width), Content("")]
    for number, layer in enumerate(found.layers[:MOST_LAYERS]):
        name = _name(layer.name) if number else "yours"
        off = "" if layer.enabled else ", off"
        words = (
            f"{layer.turns:,} turn{'s' * (layer.turns != 1)}, {layer.tokens:,} tokens, {byte_size(layer.bytes)}{off}"
        )
        lines.append(Content.assemble(("━ ", styles[layer.name]), f"{name}  ", (words, "$text-muted")))
    if (more := len(found.layers) - MOST_LAYERS) > 0:
        lines.append(Content.styled(f"and {more} more: spectra-chat history layers", "$text-muted"))
    return Content("\n").join(lines)


def totals(found: "Statistics") -> Content:
    """What guessing saved since the history began, and what it takes on the disk."""
    saved = found.saved
    if not saved.answers:
        return Content.styled(f"Nothing has been answered yet; {byte_size(found.n_bytes)} on disk.", "$text-muted")
    rate = f" ({saved.accepted_n / saved.draft_n:.0%})" if saved.draft_n else ""
    rows = [
        ("answers", f"{saved.answers:,}, {saved.predicted_n:,} tokens in {saved.steps:,} passes"),
        ("drafted", f"{saved.draft_n:,}"),
        ("accepted", f"{saved.accepted_n:,}{rate}, {saved.from_history:,} foreseen by earlier sessions"),
        ("saved", f"{found.passes_saved:,} passes of the model, about {duration(saved.saved_ms / 1000)}"),
        ("on disk", f"{byte_size(found.n_bytes)} of at most {byte_size(found.cap)}"),
    ]
    return Content("\n").join(Content.assemble((f"{name:<10}", "$text-muted"), words) for name, words in rows)


def duration(seconds: float) -> str:
    """As short as it is understood."""
    for unit, length in (("h", 3600.0), ("min", 60.0)):
        if abs(seconds) >= length:
            return f"{seconds / length:,.1f} {unit}"
    return f"{seconds:.0f} s"


def _name(name: str) -> str:
    shown = printable_line(name)
    return shown if len(shown) <= _NAME_CELLS else f"{shown[: _NAME_CELLS - 1]}…"


def _day(iso: str) -> str:
    """The Monday of a week, e.g. 16 Nov; what is no date stays as it is."""
    try:
        return f"{date.fromisoformat(iso):%d %b}"
    except ValueError:
        return printable_line(iso)


def _n(n: int, thing: str) -> str:
    return f"{n:,} {thing}{'s' * (n != 1)}"
