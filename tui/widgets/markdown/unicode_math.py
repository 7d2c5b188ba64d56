"""A formula of LaTeX as one line of Unicode, or not at all: a formula half understood is a wrong one. Pure."""

import re
from dataclasses import dataclass
from functools import lru_cache
from typing import Literal

from tui.widgets.markdown.math_symbols import (
    ACCENTS,
    BETWEEN,
    BIG,
    BIG_WORDS,
    DELIMITERS,
    ESCAPED,
    LETTERS,
    SILENT,
    SPACES,
    SUBSCRIPTS,
    SUPERSCRIPTS,
    WORDS,
    letter,
)

_MOST_CHARACTERS = 2_000
_DEEPEST = 20
_TOKEN = re.compile(r"\\([A-Za-z]+|.)|(\d+(?:\.\d+)?)|(\s+)|(.)", re.DOTALL)
_PLAIN = frozenset("+-=<>()[],.;:!?/|*")
_LONE = re.compile(r"(?:\d+(?:\.\d+)?|[^\W\d_]|∞|∂|∇|…)[\u0302-\u0308\u20d7]*\Z")
_SMALL = "".join({*SUPERSCRIPTS.values(), *SUBSCRIPTS.values()} - {"′"})
_TERM = re.compile(rf"(?:\d+(?:\.\d+)?|[^\W\d_]|∞)[{re.escape(_SMALL)}]*\Z")  # what needs no parentheses in a fraction
_BEFORE_TERM = frozenset("+-=<>([{,;:±∓≤≥≠≡≈∼≃≅∝∈∉→←⇒⇐⇔⟹⟺↦|")
_AFTER_TERM = frozenset("+-=<>)]},;:.!?±∓≤≥≠≡≈∼≃≅∝∈∉→←⇒⇐⇔⟹⟺↦|") - {"!"}

Kind = Literal["symbol", "word", "big", "between", "space", "fraction", "root", "group"]


class _UnknownError(Exception):
    """Something has no faithful form here."""


@dataclass(slots=True)
class _Atom:
    text: str
    kind: Kind = "symbol"
    bare: str = ""  # of a root: what stands under it, where that needs no parentheses


@lru_cache(maxsize=512)
def to_unicode(source: str) -> str | None:
    """What stands between the delimiters, as text; None where a part of it is not known or would read differently."""
    if len(source) > _MOST_CHARACTERS:
        return None
    try:
        reader = _Reader(source)
        text = reader.sequence()
    except (_UnknownError, RecursionError):
        return None
    return text if text and reader.at == len(reader.tokens) else None


class _Reader:
    def __init__(self, source: str) -> None:
        self.tokens = [match.groups() for match in _TOKEN.finditer(source)]
        self.at = 0
        self.depth = 0

    def _peek(self) -> str:
        """The next character if it is one by itself, else ""."""
        return self.tokens[self.at][3] or "" if self.at < len(self.tokens) else ""

    def _skip_spaces(self) -> None:
        while self.at < len(self.tokens) and self.tokens[self.at][2]:
            self.at += 1

    def sequence(self, end: str = "") -> str:
        """All up to ``end``, which is taken too."""
        self.depth += 1
        if self.depth > _DEEPEST:
            raise _UnknownError
        atoms: list[_Atom] = []
        open_pairs = 0
        while self.at < len(self.tokens):
            if end and self._peek() == end:
                self.at += 1
                break
            command = self.tokens[self.at][0]
            if command in ("left", "right"):
                open_pairs += 1 if command == "left" else -1
                if open_pairs < 0:
                    raise _UnknownError
                atoms.append(self._delimiter())
                if command == "right":
                    atoms[-1] = self._scripted(atoms[-1])
                continue
            atoms.append(self._scripted(self._atom()))
        else:
            if end:
                raise _UnknownError
        if open_pairs:
            raise _UnknownError
        self.depth -= 1
        return _joined(atoms)

    def _delimiter(self) -> _Atom:
        self.at += 1
        self._skip_spaces()
        if self.at >= len(self.tokens):
            raise _UnknownError
        command, _, _, character = self.tokens[self.at]
        self.at += 1
        if command in DELIMITERS:
            return _Atom(DELIMITERS[command])
        if character and character in "()[]|/<>.":
            return _Atom({"<": "⟨", ">": "⟩", ".": ""}.get(character, character))
        raise _UnknownError

    def _atom(self) -> _Atom:
        command, number, space, character = self.tokens[self.at]
        if character in ("^", "_"):  # before a symbol, as of isotopes
            return _Atom("")
        self.at += 1
        if command:
            return self._command(command)
        if number:
            return _Atom(number)
        if space:
            return _Atom(" ", "space")
        if character == "{":
            text = self.sequence("}")
            return _Atom(text, "symbol" if _LONE.match(text) else "group")
        if character == "'":
            return _Atom("′")
        if character == "~":
            return _Atom(" ", "space")
        if character in _PLAIN or character.isalpha() or (not character.isascii() and character.isprintable()):
            return _Atom(character)
        raise _UnknownError

    def _command(self, name: str) -> _Atom:
        if name in LETTERS:
            return _Atom(LETTERS[name])
        if name in BETWEEN:
            return _Atom(BETWEEN[name], "between")
        if name in BIG or name in BIG_WORDS:
            return _Atom(BIG.get(name, name), "big")
        if name in WORDS:
            return _Atom(name, "word")
        if name in DELIMITERS:
            return _Atom(DELIMITERS[name])
        if name in ESCAPED:
            return _Atom(name)
        if name in SPACES:
            return _Atom(SPACES[name], "space")
        if name in SILENT:
            return _Atom("", "space")
        if name in ("frac", "dfrac", "tfrac"):
            return _fraction(self._argument(), self._argument())
        if name == "sqrt":
            return self._root()
        if name in ACCENTS:
            return _accented(self._argument(), ACCENTS[name])
        if name in ("mathbb", "mathbf", "mathcal"):
            return _Atom("".join(letter(name, each) or _unknown() for each in self._argument()))
        if name in ("text", "mathrm", "operatorname", "textrm", "mathit"):
            return _Atom(self._verbatim(keep_spaces=name.startswith("text")), "word")
        if name == "pmod":
            return _Atom(f" (mod {self._argument()})", "group")
        raise _UnknownError

    def _argument(self) -> str:
        """A group, or the one thing that follows."""
        self._skip_spaces()
        if self.at >= len(self.tokens):
            raise _UnknownError
        command, number, _, character = self.tokens[self.at]
        self.at += 1
        if character == "{":
            return self.sequence("}")
        if number:  # LaTeX takes one digit; what is left is a number of its own
            if len(number) > 1:
                self.tokens[self.at - 1] = (None, number[1:], None, None)
                self.at -= 1
            return number[0]
        if command and command in LETTERS:
            return LETTERS[command]
        if character and character.isalpha():
            return character
        if character and character in "*+-":
            return character
        raise _UnknownError

    def _verbatim(self, *, keep_spaces: bool) -> str:
        """The words of a group that holds nothing else."""
        self._skip_spaces()
        if self._peek() != "{":
            raise _UnknownError
        self.at += 1
        words: list[str] = []
        while self.at < len(self.tokens):
            command, number, space, character = self.tokens[self.at]
            self.at += 1
            if character == "}":
                return "".join(words)
            if command or (character and character in "{$^_\\&#%"):
                raise _UnknownError
            words.append(number or character or (" " if space and keep_spaces else ""))
        raise _UnknownError

    def _root(self) -> _Atom:
        sign = "√"
        if self._peek() == "[":
            self.at += 1
            sign = {"3": "∛", "4": "∜"}.get(self.sequence("]"), "")
            if not sign:
                raise _UnknownError
        under = self._argument()
        if not under:
            raise _UnknownError
        return _Atom(f"{sign}({under})", "root", bare=f"{sign}{under}" if _LONE.match(under) else "")

    def _scripted(self, base: _Atom) -> _Atom:
        """``base`` with what stands above and below it."""
        marks: dict[str, str] = {}
        at = self.at
        while True:
            self._skip_spaces()
            mark = self._peek()
            if mark not in ("^", "_"):
                break
            self.at += 1
            if mark in marks or base.kind in ("space", "between"):
                raise _UnknownError
            marks[mark] = self._script(mark)
            at = self.at
        self.at = at  # spaces that no script followed are kept
        if not marks:
            return base
        if base.kind in ("group", "fraction", "root"):
            raise _UnknownError
        return _Atom(base.text + _scripts(base, marks), base.kind)

    def _script(self, mark: str) -> str:
        self._skip_spaces()
        if mark == "^" and self.at < len(self.tokens):
            following = self.tokens[self.at][0]
            if following == "circ":
                self.at += 1
                return "°"
            if self.tokens[self.at : self.at + 3] == [(None, None, None, "{"), ("circ", None, None, None),
                                                      (None, None, None, "}")]:  # fmt: skip
                self.at += 3
                return "°"
        if self.at < len(self.tokens) and len(self.tokens[self.at][1] or "") > 1:
            raise _UnknownError  # x^10 without braces: LaTeX raises the 1 alone, its writer hardly meant that
        if not (text := self._argument()):
            raise _UnknownError
        return text


def _unknown() -> str:
    raise _UnknownError


def _scripts(base: _Atom, marks: dict[str, str]) -> str:
    small = {mark: _small(text, SUPERSCRIPTS if mark == "^" else SUBSCRIPTS) for mark, text in marks.items()}
    if all(small.values()):
        return "".join(small[mark] or "" for mark in ("_", "^") if mark in small)
    if base.kind != "big":
        raise _UnknownError
    limits = ((mark, marks[mark]) for mark in ("_", "^") if mark in marks)
    return "".join(f"{mark}{text}" if _LONE.match(text) else f"{mark}({text})" for mark, text in limits) + " "


def _small(text: str, table: dict[str, str]) -> str | None:
    if text == "°":
        return text
    found = [table.get(character) for character in text if character != " "]
    return "".join(each for each in found if each) if all(found) else None


def _fraction(above: str, below: str) -> _Atom:
    if not above or not below:
        raise _UnknownError
    if _LONE.match(above) and _LONE.match(below):
        return _Atom(f"{above}⁄{below}", "fraction")
    over, under = (each if _TERM.match(each) else f"({each})" for each in (above, below))
    return _Atom(f"{over}/{under}", "fraction")


def _accented(text: str, mark: str) -> _Atom:
    if not text or not text.isalpha() or (len(text) > 1 and mark != ACCENTS["overline"]):
        raise _UnknownError
    return _Atom("".join(character + mark for character in text))


def _joined(atoms: list[_Atom]) -> str:
    """The text of a row: a fraction or a root with a factor beside it is put in parentheses, lest it take that in."""
    text = ""
    for index, atom in enumerate(atoms):
        before = text.rstrip()[-1:]
        following = next((each.text for each in atoms[index + 1 :] if each.text.strip()), "").lstrip()[:1]
        match atom.kind:
            case "fraction":
                if before.isdigit() and atom.text[:1].isdigit():  # one and a half, or a product
                    raise _UnknownError
                alone = (not before or before in _BEFORE_TERM) and (not following or following in _AFTER_TERM)
                text += atom.text if alone else f"({atom.text})"
            case "root":
                alone = not following or following in _AFTER_TERM or not _touches(atoms, index)
                text += atom.bare if atom.bare and alone else atom.text
            case "between":
                text += f" {atom.text} "
            case "word" | "big":
                apart = before.isalnum() and text[-1:] == before
                text += f" {atom.text}" if apart else atom.text
                if following.isalnum() and atom.text[-1:].isalnum() and _touches(atoms, index):
                    text += " "
            case _:
                text += atom.text
    return re.sub(r" {2,}", " ", text).strip()


def _touches(atoms: list[_Atom], index: int) -> bool:
    return index + 1 < len(atoms) and atoms[index + 1].kind not in ("space", "between")
