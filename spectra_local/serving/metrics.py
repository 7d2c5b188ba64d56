"""Counters in Prometheus' text format. Knows nothing of requests' contents.

See https://prometheus.io/docs/instrumenting/exposition_formats/
"""

from collections import Counter

from spectra_local.completion.offers import Outcomes
from spectra_local.protocol import Done

CONTENT_TYPE = "text/plain; version=0.0.4; charset=utf-8"

_HELP = {
    "spectra_requests_total": ("counter", "Requests answered, by endpoint and HTTP status."),
    "spectra_answers_total": ("counter", "Answers generated, by how they ended."),
    "spectra_prompt_tokens_total": ("counter", "Prompt tokens evaluated."),
    "spectra_prompt_cached_tokens_total": ("counter", "Prompt tokens reused from the KV cache."),
    "spectra_prompt_seconds_total": ("counter", "Time spent evaluating prompts."),
    "spectra_predicted_tokens_total": ("counter", "Tokens generated."),
    "spectra_predicted_seconds_total": ("counter", "Time spent generating."),
    "spectra_draft_tokens_total": ("counter", "Tokens drafted."),
    "spectra_draft_accepted_tokens_total": ("counter", "Drafted tokens that the model accepted."),
    "spectra_suggestions_total": ("counter", "Suggestions offered to an editor, and what became of them."),
    "spectra_suggested_characters_total": ("counter", "Characters of suggestions, offered and accepted."),
    "spectra_requests_processing": ("gauge", "Requests being answered."),
    "spectra_requests_waiting": ("gauge", "Requests whose turn has not come."),
}


class Metrics:
    """What happened since the server started; requests counted in the event loop, answers in the engine's thread."""

    def __init__(self) -> None:
        self._values: Counter[tuple[str, str]] = Counter()  # by name and labels

    def count_request(self, endpoint: str, status: int) -> None:
        """One more request was answered with ``status``."""
        self._values["spectra_requests_total", f'{{endpoint="{endpoint}",status="{status}"}}'] += 1

    def count_answer(self, done: Done) -> None:
        """One more answer was generated."""
        timings = done.timings
        self._values["spectra_answers_total", f'{{finish_reason="{done.finish_reason}"}}'] += 1
        for name, amount in (
            ("spectra_prompt_tokens_total", timings.prompt_n),
            ("spectra_prompt_cached_tokens_total", timings.cache_n),
            ("spectra_prompt_seconds_total", timings.prompt_ms / 1000),
            ("spectra_predicted_tokens_total", timings.predicted_n),
            ("spectra_predicted_seconds_total", timings.predicted_ms / 1000),
            ("spectra_draft_tokens_total", timings.draft_n),
            ("spectra_draft_accepted_tokens_total", timings.draft_n_accepted),
        ):
            self._values[name, ""] += amount  # type: ignore[assignment]  # seconds are fractions

    def exposition(self, outcomes: Outcomes, *, processing: int, waiting: int) -> str:
        """All of it as text; the arguments are the gauges' values now."""
        values = {
            **self._values,
            **{
                ("spectra_suggestions_total", f'{{outcome="{name}"}}'): getattr(outcomes, name)
                for name in ("offered", "accepted", "partly_accepted", "rejected")
            },
            ("spectra_suggested_characters_total", '{outcome="offered"}'): outcomes.offered_chars,
            ("spectra_suggested_characters_total", '{outcome="accepted"}'): outcomes.accepted_chars,
            ("spectra_requests_processing", ""): processing,
            ("spectra_requests_waiting", ""): waiting,
        }
        lines: list[str] = []
        for name, (kind, help_text) in _HELP.items():
            lines += [f"# HELP {name} {help_text}", f"# TYPE {name} {kind}"]
            lines += [f"{n}{labels} {value:.12g}" for (n, labels), value in sorted(values.items()) if n == name]
        return "\n".join(lines) + "\n"
