"""Fill-in prompts as token ids, per family of models: what the model was trained to complete.

Control tokens are given as ids, found in the model's own vocabulary; every text is tokenised as text, so that nothing
in a file can become a control token. Bavarian et al. 2022 (arXiv 2207.14255) named the orders: prefix-suffix-middle
(PSM) and suffix-prefix-middle (SPM). Knows neither editors nor how answers are cut.
"""

from collections.abc import Mapping, Sequence
from dataclasses import KW_ONLY, dataclass
from typing import Protocol

from spectra_local.completion.window import ON_GPU, Window
from spectra_local.llama.gguf import GgufHeader
from spectra_local.llama.prompt_spans import Span, broken_up
from spectra_local.llama.token_count import Tokenize, at_least
from spectra_local.protocol import ExtraFile, FillIn

_SUFFIX_SHARE = 4  # of what fits, a quarter goes to the suffix, as in llama-server's /infill
_STEPS = 8  # a prefix that is too long is cut in steps of an eighth of what fits: each cut costs a whole prefill
_ANCHOR = "\u263a"  # a character that merges with nothing, see Meta's codellama/llama/tokenizer.py


@dataclass(frozen=True, slots=True)
class Family:
    """How one family of models writes a gap. Which control tokens it has is the vocabulary's to say."""

    name: str
    marker: str  # text of the token that begins the prefix: how the family is known
    suffix_first: bool = False
    bare_suffix: bool = False  # the suffix is encoded without the space that SentencePiece puts in front of a text
    _: KW_ONLY
    repository_end: str = "\n"  # after a repository's name
    file_line: str = "# {name}\n"  # in front of a file where the vocabulary has no token for that


# The texts are those of the vocabularies; the layouts are the makers' own.
FAMILIES = (
    Family("qwen", "<|fim_prefix|>"),  # Qwen2.5-Coder technical report, arXiv 2409.12186; CodeGemma too
    Family("codellama", "\u2581<PRE>", bare_suffix=True),  # Code Llama, arXiv 2308.12950, its own reference code
    Family("codellama", "<PRE>", bare_suffix=True),
    Family("starcoder", "<fim_prefix>", repository_end=""),  # StarCoder 1 and 2, arXiv 2402.19173; Granite Code
    Family("starcoder", "<fim-prefix>", repository_end=""),  # SantaCoder
    Family("deepseek", "<\uff5cfim\u2581begin\uff5c>", file_line="#{name}\n"),  # DeepSeek-Coder, arXiv 2401.14196
    Family("glm", "<|code_prefix|>"),  # GLM-4.5 and CodeGeeX4
    Family("seed-coder", "<[fim-prefix]>", suffix_first=True),  # Seed-Coder, arXiv 2506.03524, section on FIM
    Family("codestral", "[PREFIX]", suffix_first=True, file_line="+++++ {name}\n"),  # mistral-common
)
_UNKNOWN = Family("other", "")


class Vocabulary(Protocol):
    """What is needed of a loaded model."""

    header: GgufHeader
    bos: int
    add_bos: bool

    def fim_tokens(self) -> Mapping[str, int]:
        """Ids of pre, suf, mid, rep, sep: those there are."""
        ...

    def tokenize(self, text: str, *, special: bool = False) -> list[int]:
        """Token ids of ``text``."""
        ...


def find_fill_in_prompt(model: Vocabulary) -> "FillInPrompt | None":
    """The fill-in prompt of ``model``; None where its vocabulary has no tokens for it."""
    control = model.fim_tokens()
    family = _family_of(model, control)
    if family is None:
        return None
    return FillInPrompt(family, control, (model.bos,) if model.add_bos else (), _text_tokenizer(model))


def _family_of(model: Vocabulary, control: Mapping[str, int]) -> Family | None:
    if not {"pre", "suf"} <= control.keys():
        return None
    for family in FAMILIES:
        if model.tokenize(family.marker, special=True) == [control["pre"]]:
            return family if family.suffix_first or "mid" in control else None
    return _UNKNOWN if "mid" in control else None


def _text_tokenizer(model: Vocabulary) -> Tokenize:
    """Tokenises text as text, also for files that declare their markers USER_DEFINED: those are found in plain text."""
    known = {family.marker for family in FAMILIES}
    hidden = {token for token in model.header.user_tokens if token in known or _reads_like_a_marker(token)}

    def tokenize(text: str) -> list[int]:
        if not hidden:
            return model.tokenize(text)
        return [token for span in broken_up([Span(text, False)], hidden) for token in model.tokenize(span.text)]

    return tokenize


def _reads_like_a_marker(token: str) -> bool:
    inner = token[1:-1].strip("|[]").replace("-", "_")
    return (token[:1], token[-1:]) in {("<", ">"), ("[", "]")} and (
        token[1:2] == "|" or inner.startswith("fim") or inner in {"repo_name", "reponame", "file_sep", "filename"}
    )


class FillInPrompt:
    """Turns gaps into token ids for one model."""

    def __init__(self, family: Family, control: Mapping[str, int], bos: Sequence[int], tokenize: Tokenize) -> None:
        """``control``: ids of pre and suf, and of mid, rep and sep where there are such."""
        self.name = family.name
        self._family = family
        self._control = control
        self._bos = list(bos)
        self._tokenize = tokenize

    def tokens(self, fill_in: FillIn, budget: int, window: Window = ON_GPU) -> list[int]:
        """At most about ``budget`` tokens; what is far from the gap is left out, extra files before all.

        Nor more of prefix, suffix and extra files than ``window`` takes. The middle does not count there: what is typed
        into it must not move the cuts, after which all would be read anew.
        """
        middle = self._tokenize(fill_in.middle)
        most = max(0, budget - len(middle) - len(self._control) - len(self._bos))
        room = min(most, window.tokens)
        suffix = self._suffix(fill_in.suffix)
        prefix = self._tokenize(fill_in.prefix)
        suffix = suffix[: max(room // _SUFFIX_SHARE, room - len(prefix))]
        prefix = _end_within(prefix, room - len(suffix))
        before, inside = self._context(fill_in, min(most - len(prefix) - len(suffix), window.extra_tokens))
        control = self._control
        begin, hole = [control["pre"], *inside, *prefix], [control["suf"], *suffix]
        gap = [*hole, *begin] if self._family.suffix_first else [*begin, *hole]
        if "mid" in control:
            gap.append(control["mid"])
        return [*self._bos, *before, *gap, *middle]

    def _suffix(self, text: str) -> list[int]:
        if not self._family.bare_suffix or not text:
            return self._tokenize(text)
        anchor, anchored = self._tokenize(_ANCHOR), self._tokenize(_ANCHOR + text)
        n = len(anchor)
        return anchored[n:] if anchored[:n] == anchor else self._tokenize(text)

    def _context(self, fill_in: FillIn, room: int) -> tuple[list[int], list[int]]:
        """What stands before the gap's own tokens, and what stands inside its prefix."""
        if not fill_in.extra:
            return [], []  # a lone file is what all these models have seen most: no header
        here = self._file(ExtraFile(fill_in.path or "untitled", ""))
        project = self._repository(fill_in.repository)
        room -= len(here) + len(project)
        kept: list[list[int]] = []
        for file in reversed(fill_in.extra):
            if at_least(file.text, self._tokenize, room + 1) > room or len(piece := self._file(file)) > room:
                break
            room -= len(piece)
            kept.insert(0, piece)
        if not kept:
            return [], []
        context = [token for piece in (project, *kept, here) for token in piece]
        return (context, []) if "sep" in self._control else ([], context)

    def _repository(self, name: str) -> list[int]:
        if not {"rep", "sep"} <= self._control.keys():
            return []
        return [self._control["rep"], *self._tokenize((name or "project") + self._family.repository_end)]

    def _file(self, file: ExtraFile) -> list[int]:
        text = file.text if not file.text or file.text.endswith("\n") else file.text + "\n"
        if "sep" in self._control:
            return [self._control["sep"], *self._tokenize(f"{file.name}\n{text}")]
        return self._tokenize(self._family.file_line.format(name=file.name) + text)


def _end_within(tokens: list[int], room: int) -> list[int]:
    """The end of ``tokens``, cut where it stays cut while some more are appended."""
    if len(tokens) <= room:
        return tokens
    step = max(1, room // _STEPS)
    cut = -(-(len(tokens) - room) // step) * step
    return tokens[cut:]
