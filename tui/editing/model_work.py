"""What the editor has the model do, as work for the session's thread. Knows no widgets."""

from collections.abc import Generator

from spectra_local.completion.completer import Completer, CompletionRequest
from spectra_local.completion.rewrite import RewriteRequest, rewrite
from spectra_local.protocol import Assistant, FillIn, Sampling

UNASKED_MS = 1500.0  # of generating, for what nobody asked for: then what there is at a line's end is shown


class ModelWork:
    """Makes jobs' work; keeps the completer of the model that is loaded, with the prompt of the gap in its cache."""

    def __init__(self) -> None:
        self._completer: Completer | None = None
        self._completes: Assistant | None = None

    def suggest(self, assistant: Assistant, gap: FillIn, *, asked: bool) -> Generator[object, None, None]:
        """Pieces and one Suggestion. ``asked``: by a key, so it may take its time."""
        return self._completer_of(assistant).complete(CompletionRequest(gap, max_ms=None if asked else UNASKED_MS))

    def another(self, assistant: Assistant, gap: FillIn, number: int) -> Generator[object, None, None]:
        """The suggestion that is known, then one more, drawn. ``number``: which one, from 1."""
        request = CompletionRequest(gap, count=2, sampling=Sampling(seed=number))
        return self._completer_of(assistant).complete(request)

    def rewrite(self, assistant: Assistant, request: RewriteRequest) -> Generator[object, None, None]:
        """Progress, then Rewritten."""
        return rewrite(assistant, request)

    def _completer_of(self, assistant: Assistant) -> Completer:
        if self._completer is None or assistant is not self._completes:
            self._completer, self._completes = Completer(assistant), assistant
        return self._completer
