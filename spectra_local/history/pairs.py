"""Text of scripts that write no spaces, as overlapping pairs of characters: what its full-text index is made of.

A run of such characters is one word to FTS5's tokenizers, and its trigram tokenizer finds nothing shorter than three,
where most Chinese words have two. Pairs are the usual answer (Lucene's CJKBigramFilter).
"""

import re

_RUN = re.compile("[\u0e00-\u0eff\u1000-\u109f\u1780-\u17ff\u3040-\u30ff\u3400-\u9fff\uac00-\ud7af\uf900-\ufaff]+")


def has_unspaced(text: str) -> bool:
    """Whether any of the text is in such a script: Thai, Lao, Burmese, Khmer, Chinese, Japanese, Korean."""
    return not text.isascii() and _RUN.search(text) is not None


def pairs(text: str) -> str:
    """``今天天气`` becomes ``今天 天天 天气 气``: a phrase of pairs is a run of characters. "" where there is none."""
    if text.isascii():
        return ""
    return " ".join(run[i : i + 2] for run in _RUN.findall(text) for i in range(len(run)))


def pair_query(text: str) -> str:
    """What FTS5 is asked to find every run of ``text``, wherever in a longer run it stands."""
    found = []
    for run in _RUN.findall(text):
        phrase = " ".join(run[i : i + 2] for i in range(len(run) - 1))
        found.append(f'"{phrase}"' if phrase else f'"{run}"*')
    return " ".join(found)


def without_unspaced(text: str) -> str:
    """The words of the other scripts."""
    return text if text.isascii() else _RUN.sub(" ", text)
