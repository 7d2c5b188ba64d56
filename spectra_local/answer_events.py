"""What a decoder's passes brought, as events of the protocol. Knows no requests."""

from spectra_local.answer_text import AnswerText
from spectra_local.llama.model import Model
from spectra_local.protocol import OTHER_SOURCE, OWN, SOURCE_CODES, Text, Timings
from spectra_local.speculation.decoder import Counts, Step


def piece_of(step: Step, text: AnswerText, model: Model, cost: float) -> Text:
    """What one pass brought; a token that shows nothing yet counts with it."""
    shown, sources, n = "", "", 0
    for token, source in zip(step.tokens, step.sources, strict=True):
        piece = text.feed(model.piece(token))
        shown += piece
        sources += SOURCE_CODES.get(source, OTHER_SOURCE) * len(piece)
        n += 1
        if text.stopped:
            break
    return Text(shown, n, sources if sources.strip(OWN) else "", cost)


def timings_of(counts: Counts, n_predicted: int, seconds: float) -> Timings:
    """Counts of one answer that took ``seconds``, prefill included."""
    n_free = counts.n_free  # tokens drawn from the prefill's logits
    return Timings(
        prompt_n=counts.prefilled,
        prompt_ms=1000 * counts.prefill_s,
        cache_n=counts.reused,
        predicted_n=n_predicted,
        predicted_ms=1000 * max(0.0, seconds - counts.prefill_s),
        draft_n=counts.draft_n,
        draft_n_accepted=counts.draft_n_accepted,
        steps=counts.steps,
        draft_ms=1000 * counts.drafting_s,
        speedup_estimate=(n_predicted - n_free) / counts.whole_cost if counts.cost else 1.0,
        accepted_by_source=counts.accepted_by_source,
        rejected_by_source=counts.rejected_by_source,
    )
