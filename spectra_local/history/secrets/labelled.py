"""Secrets that a word before them announces: passwords of any shape, and the numbers and dates of people."""

import re
from collections.abc import Callable, Iterator

from spectra_local.history.secrets.labels import Label, labels
from spectra_local.history.secrets.phrases import end_of_phrase
from spectra_local.history.secrets.secret import Secret, is_telling

_REACH = 48  # characters between a label and its secret
_LONGEST = 200  # of a secret

# --- whatever its shape ----------------------------------------------------------------------------------------------

_COPULA = (
    "is|are|was|were|be|to|as|now|ist|war|lautet|lautete|heißt|est|c'est|c’est|était|sera|es|era|será|è|e'|sarà|é|foi|luidt|"
    "jest|brzmi|to|это|есть|был|будет|является"
)
_ANNOUNCED = re.compile(
    r"[^\W\u3040-\u9fff]{0,16}+[\"'`*\])»”]{0,3}"
    r"(?:\s{0,3}(?:[:=]{1,3}>?|[：＝>|]|[-=~]>|→)\s{0,4}"  # right after the label; a line may end here
    rf"|(?:[^\n.:;=?!\"'«„“`|<>(){{}}\[\]]{{0,{_REACH}}}?"  # or some words later
    rf"(?:[ \t]?(?:[:=]{{1,3}}>?|[：＝|]|[-=~]>|→)[ \t]{{0,3}}|[ \t][-–—][ \t]|\s(?:{_COPULA})\s{{1,3}})"
    r"|\s{0,2}(?:是|为|為|は|が)\s?))"
    r"(?:[*_(]{1,3}\s{0,2})?",
    re.IGNORECASE,
)
_QUOTED = re.compile(
    r"[brfu@]{0,2}(?:\"((?:[^\"\n\\]|\\.){1,200})\"?|'((?:[^'\n\\]|\\.){1,200})'?|`([^`\n]{1,200})`?|«\s?([^»\n]{1,200})»?"
    r"|[„“]([^“”\n]{1,200})[“”]?|[「『]([^」』\n]{1,200})[」』]?)"
)
_BARE = re.compile(r"[^\s\"'`<>,;。，、；]{1,200}")
_CLAUSE = re.compile(
    rf"[^\n\"`<>,;!?。，、；！？]{{0,{_LONGEST}}}?(?=[.,;:!?。，、；！？]{{1,3}}(?:\s|$)|[\n\"`<>,;。，、；！？]|\Z)"
)
_CLAUSE_ENDS = re.compile(r"[ \t]{0,3}(?:[.,;!?\n]|\Z)")
_NEXT_QUOTED = re.compile(r"\w{0,8}[ \t]{1,3}(?=[\"'`«„“「『])")
_ADJACENT = re.compile(r"\w{0,8}[\"'*_)]{0,2}[ \t]{1,3}([^\s\"'`<>,;:=(){}\[\]]{2,200})")
_PASS = re.compile(r"\w{0,10}[\"'*]{0,2}(?:\s{0,2}[:=]|\s(?:is|was|for)\b)")  # "pass" is mostly a verb
_GLUED = re.compile(r"\w{0,2}?([^\s,;:。，、；：]{2,60})")  # Chinese and Japanese leave no space
_BEFORE = re.compile(
    r"([^\s\"'`]{2,200})[\"'`»”*]{0,3}\s(?:is|was|as|ist|war|als|est|comme|es|como|è|come|é|jest|to|jako|это|как)\s(?:[^\W\d]+[ '’]){0,3}$",
    re.IGNORECASE,
)
# What stands in code where a secret would, or in advice about it.
_CODE_WORDS = frozenset(
    (  # noqa: SIM905 - shorter than quoted words
        "none null nil true false str string int integer bytes bool boolean float optional any object undefined self "
        "this void char varchar text callable list dict tuple set"
    ).split()
)
_ADVICE = frozenset(
    (  # noqa: SIM905
        "required password passwd secret token user username value input prompt change changeme example default empty missing "
        "wrong invalid incorrect not the that this your correct valid stored hashed encrypted sent used needed given too very "
        "always never only also just still protected generated forgotten expired weak strong long short safe secure same "
        "admin manager reset field from with for and but here there what falsch richtig sicher faux sbagliata errata incorrecta"
    ).split()
)
_CODE_VALUE = re.compile(
    r"[A-Za-z_][\w.]*(?:\(|\[)|(?:self|cls|this|os|args|config|settings|request|process)\.[\w.]+|\$\{|\{\{|%\(|\{\w*\}|\$[A-Z_]+$"
)
_NAME = re.compile(r"[A-Za-z_]+(?:\.[A-Za-z_]+)*")


def _any_shape(text: str, label: Label) -> Iterator[Secret]:
    is_verb = text[label.start : label.end].lower() == "pass" and not _PASS.match(text, label.end)
    if not is_verb and (announced := _ANNOUNCED.match(text, label.end)):
        yield from _value(text, announced.end(), label)
    elif quoted := _NEXT_QUOTED.match(text, label.end):
        yield from _value(text, quoted.end(), label)
    elif adjacent := _ADJACENT.match(text, label.end):
        value = adjacent.group(1).rstrip(".!?")
        ends = text[adjacent.start(1) + len(value) : adjacent.end() + 1].strip(" \t") in (
            "",
            ".",
            "!",
            "?",
            ",",
            ";",
            "\n",
            ".\n",
        )
        if value and (ends or not value.isalpha()) and value.lower() not in _CODE_WORDS:
            yield Secret(adjacent.start(1), adjacent.start(1) + len(value), label.kind, _is_certain(value))
    elif not text[label.end - 1].isascii() and (glued := _GLUED.match(text, label.end)):
        yield Secret(label.end, glued.end(), label.kind, certain=False)
    if before := _BEFORE.search(text, max(0, label.start - 80), label.start):
        yield Secret(before.start(1), before.end(1), label.kind, _is_certain(before.group(1)))


def _value(text: str, start: int, label: Label) -> Iterator[Secret]:
    if quoted := _QUOTED.match(text, start):
        group = quoted.lastindex
        assert group is not None
        if quoted.group(group).lower() not in _CODE_WORDS and not _CODE_VALUE.match(quoted.group(group)):
            yield Secret(quoted.start(group), quoted.end(group), label.kind, len(quoted.group(group)) >= 6)
        return
    bare = _BARE.match(text, start)
    if bare is None:
        return
    first = bare.group().rstrip(".!?:)*_]}")
    if not first or first.lower() in _CODE_WORDS or _CODE_VALUE.match(text, start):
        return
    clause = _CLAUSE.match(text, bare.end())
    end = clause.end() if clause else bare.end()
    yield Secret(start, end, label.kind, certain=False)
    alone = not text[bare.end() : end].strip()
    if (alone and _is_certain(first)) or is_telling(first):
        yield Secret(start, start + len(first), label.kind)


def _is_certain(word: str) -> bool:
    return word.lower() not in _ADVICE and len(word) >= 4


# --- with a digit ----------------------------------------------------------------------------------------------------

_JOINT = r"[ \u00a0\u2009\u202f./_–—·-]"
_NUMBER = re.compile(
    rf"(?:(?<![A-Za-z0-9])[A-Za-z]{{1,4}}{_JOINT})?[A-Za-z0-9]{{0,20}}[0-9][A-Za-z0-9]{{0,34}}"
    rf"(?:[ ()./_–—·\u00a0\u2009\u202f-]{{1,3}}(?:[A-Za-z]{{0,4}}[0-9][A-Za-z0-9]{{0,20}}|[A-Z]{{1,4}}(?![A-Za-z]))){{0,12}}"
)
_LETTERED = re.compile(r"(?<![A-Za-z])(?:[A-Z]{3,6}[ -][A-Z]{3,6}|[a-z]{3,5}-[a-z]{3,5})(?![A-Za-z-])")
_DATE = re.compile(
    r"(?:[^\W\d]{3,10}\.? )?\d{1,4}(?:st|nd|rd|th|er|º|ª|-?го)?"
    r"(?:[./ -]{1,2}\d{1,4}|(?:[ .-]{1,2}(?:of |de |del )?|年|月)[^\W\d]{3,10}|年\d|月\d|日|[年月]\s?\d{1,2}|[ ,]{1,2}(?:de |del )?\d{2,4}){0,3}"
)
_ADDRESS = re.compile(r"[^\n]{0,40}\d[^\n;!?。]{0,60}")


def _number(least_digits: int, reach: int = _REACH) -> Callable[[str, Label], Iterator[Secret]]:
    def after(text: str, label: Label) -> Iterator[Secret]:
        for match in _NUMBER.finditer(text, label.end, min(len(text), label.end + reach + 60)):
            if match.start() > label.end + reach or "\n\n" in text[label.end : match.start()]:
                return
            if sum(c.isdigit() for c in match.group()) >= least_digits:
                yield Secret(match.start(), match.end(), label.kind, len(match.group()) >= 6)
                return

    return after


_short_number, _with_digit = _number(3), _number(2, 32)


def _code(text: str, label: Label) -> Iterator[Secret]:
    if _NOT_SECRET_CODES.search(text, max(0, label.start - 12), label.start):
        return
    yield from _short_number(text, label)
    if lettered := _LETTERED.search(text, label.end, label.end + _REACH):
        yield Secret(lettered.start(), lettered.end(), label.kind, certain=False)
    before = _BEFORE.search(text, max(0, label.start - 80), label.start)
    if before and any(c.isdigit() for c in before.group(1)):
        yield Secret(before.start(1), before.end(1), label.kind, len(before.group(1)) >= 6)


_NOT_SECRET_CODES = re.compile(
    r"(?:status|exit|error|return|http|response|source|country|language|color|colour|uni|op|key|char)[ _-]?$", re.I
)


def _pin(text: str, label: Label) -> Iterator[Secret]:
    yield from _short_number(text, label)
    yield from _any_shape(text, label)


def _key(text: str, label: Label) -> Iterator[Secret]:
    for secret in _any_shape(text, label):
        value = text[secret.start : secret.end].rstrip(".,)")
        if (
            len(value) >= 4
            and " " not in value
            and (not _NAME.fullmatch(value) or is_telling(value) or len(value) >= 20)
        ):
            yield Secret(secret.start, secret.end, label.kind, is_telling(value))


def _date(text: str, label: Label) -> Iterator[Secret]:
    match = _DATE.search(text, label.end, min(len(text), label.end + _REACH + 30))
    if match and "\n\n" not in text[label.end : match.start()]:
        yield Secret(match.start(), match.end(), label.kind, certain=len(match.group()) >= 8)


def _address(text: str, label: Label) -> Iterator[Secret]:
    if match := _ADDRESS.match(text, label.end):
        yield Secret(match.start(), match.end(), label.kind, certain=False)


_SEED = re.compile(
    r"[^\n:]{0,32}?(?:[:：]|\bis\b|\bare\b|是|は|\n)\s{0,3}[\"'`]?((?:[^\W\d_]{1,12}[ ,、　\n]{1,2}){8,23}[^\W\d_]{1,12})"
)


def _seed(text: str, label: Label) -> Iterator[Secret]:
    if match := _SEED.match(text, label.end):
        yield Secret(match.start(1), end_of_phrase(text, *match.span(1)), label.kind)


_FOLLOWS: dict[str, Callable[[str, Label], Iterator[Secret]]] = {
    "password": _any_shape, "PIN": _pin, "card code": _pin, "code": _code, "key": _key, "cookie": _key,
    "recovery phrase": _seed, "birthday": _date, "tax number": _number(5), "insurance number": _number(5),
    "identity document": _number(5), "bank account": _number(5), "card number": _number(8), "phone number": _number(6),
    "street address": _address, "place": _number(5),
}  # fmt: skip


def labelled(text: str) -> Iterator[Secret]:
    """What follows a label, or in some languages goes before it."""
    found = list(labels(text))
    repeated = {(label.start, label.kind) for label in found}
    for label in found:
        if (label.end, label.kind) in repeated:
            continue  # the same word twice: the last announces it
        yield from _FOLLOWS[label.kind](text, label)
