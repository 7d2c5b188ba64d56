"""From which files completions and rewritings may feed the personal history, as the settings say. Knows paths alone."""

from collections.abc import Sequence
from dataclasses import dataclass
from fnmatch import fnmatch
from pathlib import Path

from spectra_local.locations import expanded


@dataclass(frozen=True, slots=True)
class LearningRules:
    """``learn``: at all. ``not_from``: folders (with all below) and patterns of file names, e.g. "~/work", "*.env"."""

    learn: bool = True
    not_from: Sequence[str] = ()

    def allow(self, path: Path | None) -> bool:
        """Whether what happens in the file at ``path`` (None: not known) may be learned."""
        if not self.learn or path is None:
            return self.learn
        return not any(_covers(rule, path.absolute()) for rule in self.not_from)


def _covers(rule: str, path: Path) -> bool:
    if "/" not in rule and rule != "~":
        return fnmatch(path.name, rule)
    folder = expanded(Path(rule))
    return path.is_relative_to(folder) or path.resolve().is_relative_to(folder.resolve())
