"""Earlier prompts, stepped through as in a shell. Knows nothing of screens and of where prompts are kept."""

from collections.abc import Iterable

MOST_PROMPTS = 500  # more than anybody steps through


class PromptHistory:
    """Oldest first; behind the newest stands what was being typed when the stepping began."""

    def __init__(self, prompts: Iterable[str] = ()) -> None:
        self._prompts = list(prompts)
        self._at = len(self._prompts)
        self._typed = ""

    def begin_with(self, older: Iterable[str]) -> None:
        """Prompts from before those that are known, which could not be read until now."""
        known = self._prompts
        self._prompts = [*(p for p in older if p not in known), *known][-MOST_PROMPTS:]
        self._at = len(self._prompts)

    def add(self, prompt: str) -> None:
        """A prompt was sent: it is the newest, and stepping begins behind it again."""
        if prompt.strip():
            self._prompts = [*(p for p in self._prompts if p != prompt), prompt][-MOST_PROMPTS:]
        self._at = len(self._prompts)

    def step(self, rows: int, typed: str) -> str | None:
        """The prompt before (-1) or after (1) the one shown; None where there is none. ``typed`` stands in the box."""
        at = self._at + rows
        if not 0 <= at <= len(self._prompts):
            return None
        if self._at == len(self._prompts) or typed != self._prompts[self._at]:
            self._typed = typed  # typed, or changed after it was recalled: it waits at the end
        self._at = at
        return self._typed if at == len(self._prompts) else self._prompts[at]
