"""Finds what must not leave the machine: keys, passwords, addresses and numbers of people, strings without meaning.

Works on text alone and knows nothing of tokens, stores or files. It errs towards finding too much: a line of code too
many that stays at home costs a guess, a key that leaves costs its owner. The shapes of provider keys are those that
gitleaks and detect-secrets publish; random strings are told from names by how often letters, capitals and digits
alternate, which needs no dictionary.
"""

import re
from collections.abc import Callable, Iterator
from itertools import pairwise
from math import log2
from typing import NamedTuple


class Secret(NamedTuple):
    """``text[start:end]`` is a secret of some ``kind``; only a ``certain`` one is worth looking for elsewhere."""

    start: int
    end: int
    kind: str
    certain: bool = True


_LONGEST_PEM = 20_000
_NOT_BEFORE = r"(?<![A-Za-z0-9])"


_PROVIDER_KEYS = re.compile(
    _NOT_BEFORE
    + "(?:"
    + "|".join(
        [
            r"(?:AKIA|ASIA|AROA|AIDA|AGPA|ANPA|ABIA|ACCA|A3T[A-Z0-9])[A-Z0-9]{12,}",  # AWS key ids
            r"gh[pousr]_[A-Za-z0-9]{16,}|github_pat_\w{20,}",
            r"glpat-[\w-]{16,}|gldt-[\w-]{16,}|glrt-[\w-]{16,}",
            r"sk-[A-Za-z0-9_-]{16,}",  # OpenAI (sk-proj-, sk-svcacct-), Anthropic (sk-ant-), others
            r"xox[abeoprs]-[\w-]{8,}|xapp-[\w-]{8,}",  # Slack
            r"AIza[\w-]{20,}|ya29\.[\w-]{16,}|GOCSPX-[\w-]{16,}",  # Google
            r"(?:sk|pk|rk)_(?:live|test)_\w{8,}|whsec_\w{16,}",  # Stripe
            r"SG\.[\w-]{16,}\.[\w-]{16,}",  # SendGrid
            r"npm_\w{20,}|pypi-[\w-]{20,}|dop_v1_\w{20,}|hf_\w{20,}|hvs\.[\w-]{20,}|shpat_\w{16,}",
            r"(?:AC|SK)[0-9a-f]{32}|key-[0-9a-f]{32}|EAA[A-Za-z0-9]{30,}",  # Twilio, Mailgun, Facebook
            r"\d{8,10}:[\w-]{35}",  # Telegram bots
            r"eyJ[\w-]{6,}\.[\w-]{6,}(?:\.[\w-]*)?",  # JWT
            r"AGE-SECRET-KEY-1[A-Z0-9]{20,}",
        ]
    )
    + ")"
)
_WEBHOOK = re.compile(
    r"https://(?:hooks\.slack\.com|discord(?:app)?\.com/api/webhooks|[\w.-]+\.webhook\.office\.com)/(\S+)"
)
_PEM = re.compile(
    rf"-----BEGIN [A-Z0-9 ]{{0,40}}PRIVATE KEY[A-Z ]{{0,12}}-----"
    rf"(?:.{{0,{_LONGEST_PEM}}}?-----END [A-Z0-9 ]{{0,40}}PRIVATE KEY[A-Z ]{{0,12}}-----|.{{0,{_LONGEST_PEM}}})",
    re.DOTALL,
)
_EMAIL = re.compile(r"[\w.+%-]{1,64}@[\w-]{1,63}(?:\.[\w-]{1,63}){1,8}")
_URL_PASSWORD = re.compile(r"[a-z][a-z0-9+.-]{1,20}://[^\s/@:'\"]{0,200}:([^\s/@'\"]{1,200})@", re.IGNORECASE)
_NAMES = (
    r"(?:pass(?:word|phrase|wd|code)?|pwd|secret|token|api[_-]?key|access[_-]?key|private[_-]?key|auth[_-]?key"
    r"|encryption[_-]?key|credentials?|client[_-]?secret|bearer|pin|otp|kennwort|passwort)"
)
_ASSIGNED = re.compile(
    rf"(?<![A-Za-z])(?:[\w.-]{{0,40}}[_.-])?{_NAMES}s?(?![A-Za-z])[\w-]{{0,30}}[\"'\]]{{0,2}}"
    rf"(?:\s{{0,3}}(?::=|=>|==|=|:)\s{{0,3}}|\s{{1,3}}(?:is|was|ist|to)\s{{1,3}}(?:now\s|set\sto\s)?|\s{{1,2}}(?=[\"'`]))"
    rf"(?:(?:[brfu]{{0,2}}([\"'`]))((?:(?!\1)[^\n\\]|\\.){{3,200}})\1|(?:Bearer\s+|Basic\s+)?([^\s\"'`,;(){{}}<>\[\]]{{4,200}}))",
    re.IGNORECASE,
)
_BEARER = re.compile(r"\b(?:Bearer|Basic|Token)\s+([A-Za-z0-9._~+/=-]{12,500})")
_OPTION = re.compile(r"(?<!\S)--?(?:password|passwd|pass|token|secret|api-key)[= ]\s{0,2}([^\s\"'`-][^\s\"'`]{3,200})")
_PHRASE = re.compile(
    r"(?:seed|recovery|backup|mnemonic)[ _-]?(?:phrase|words?|codes?)?\s{0,2}(?:is|are)?\s{0,2}[:=]?\s{0,3}"
    r"[\"'`]?((?:[a-z]{3,8} ){8,23}[a-z]{3,8})",
    re.IGNORECASE,
)
_CARD = re.compile(r"(?<![\d.])\d(?:[ -]?\d){12,18}(?![\d])")
_IBAN = re.compile(r"\b[A-Z]{2}\d{2}(?: ?[A-Z0-9]{4}){2,7}(?: ?[A-Z0-9]{1,4})?\b")
_PHONE = re.compile(
    r"(?<![\w.+])(?:\+\d{1,3}[ .-]?(?:\(\d{1,4}\)[ .-]?)?\d{1,4}(?:[ .-]?\d{2,4}){2,4}"
    r"|\(\d{3}\) ?\d{3}[ .-]\d{4}|\d{3}[.-]\d{3}[.-]\d{4})(?!\w)"
)
_SOCIAL_SECURITY = re.compile(r"(?<![\d-])\d{3}-\d{2}-\d{4}(?![\d-])")
_WORDLIKE = re.compile(r"[A-Za-z0-9_+/=~-]{16,}")

# Words that stand where a secret would, in code and in advice about it: no secrets, and not to be looked for elsewhere.
_PLACEHOLDERS = frozenset(
    (  # noqa: SIM905 - forty quoted words are harder to read
        "none null true false string str int bytes bool optional required self undefined password passwd "
        "secret token user username value input prompt change changeme example default empty missing wrong "
        "invalid incorrect not the that this your correct valid stored hashed encrypted sent used needed "
        "required generated given"
    ).split()
)
_CERTAIN_LENGTH = 12  # a word this long after "password =" is no type, no placeholder
_ESCAPED = re.compile(r"\$\{[^}]*\}|\{\{[^}]*\}\}|%\([^)]*\)s|<[^>]*>|\{\w*\}")


def scan(text: str) -> list[Secret]:
    """All secrets in ``text``, by place; overlapping ones are not merged."""
    return sorted(secret for rule in _RULES for secret in rule(text))


def _whole(pattern: re.Pattern[str], kind: str) -> Callable[[str], Iterator[Secret]]:
    def rule(text: str) -> Iterator[Secret]:
        for match in pattern.finditer(text):
            yield Secret(match.start(), match.end(), kind)

    return rule


def _groups(pattern: re.Pattern[str], kind: str) -> Callable[[str], Iterator[Secret]]:
    def rule(text: str) -> Iterator[Secret]:
        for match in pattern.finditer(text):
            for group in range(1, pattern.groups + 1):
                if value := match.group(group):
                    yield Secret(match.start(group), match.end(group), kind, _is_certain(value, quoted=False))

    return rule


def _assigned(text: str) -> Iterator[Secret]:
    for match in _ASSIGNED.finditer(text):
        group = 2 if match.group(2) is not None else 3
        value = match.group(group)
        if value.lower().rstrip(".:!?") in _PLACEHOLDERS or _ESCAPED.fullmatch(value):
            continue
        yield Secret(match.start(group), match.end(group), "password", _is_certain(value, quoted=group == 2))


def _is_certain(value: str, *, quoted: bool) -> bool:
    mixed = any(c.isdigit() for c in value) and any(c.isalpha() for c in value)
    called = "(" in value or value.isidentifier() or "." in value.strip(".")  # code: a name, a call, an attribute
    one_case = len(value) >= 16 and value.isalpha() and (value.islower() or value.isupper())  # too long for a word
    return len(value) >= 6 and (mixed or quoted or one_case or (len(value) >= _CERTAIN_LENGTH and not called))


def _cards(text: str) -> Iterator[Secret]:
    for match in _CARD.finditer(text):
        digits = [int(c) for c in match.group() if c.isdigit()]
        if len(set(digits)) > 1 and _luhn(digits):
            yield Secret(match.start(), match.end(), "card number")


def _luhn(digits: list[int]) -> bool:
    """The check digit of ISO/IEC 7812."""
    doubled = [d * 2 - 9 * (d > 4) for d in digits[-2::-2]]
    return (sum(digits[-1::-2]) + sum(doubled)) % 10 == 0


def _ibans(text: str) -> Iterator[Secret]:
    for match in _IBAN.finditer(text):
        compact = match.group().replace(" ", "")
        if 15 <= len(compact) <= 34 and int("".join(str(int(c, 36)) for c in compact[4:] + compact[:4])) % 97 == 1:
            yield Secret(match.start(), match.end(), "bank account")


def _random_strings(text: str) -> Iterator[Secret]:
    for match in _WORDLIKE.finditer(text):
        if _looks_random(match.group()):
            yield Secret(match.start(), match.end(), "random string")


# Share of neighbours of different class (small, capital, digit): random base64 has 0.6, random hexadecimal 0.47, names
# in code 0.05 to 0.25. Bits a character: names repeat their letters.
_LEAST_CHANGES, _LEAST_BITS = 0.27, 3.0
_HEX = re.compile(r"[0-9a-f]{24,}|[0-9A-F]{24,}")
_LONGEST_CONSONANTS = 7  # "lengths", "rhythms": six in a row is English, seven is not
_CONSONANTS = re.compile(rf"[bcdfghjklmnpqrstvwxz]{{{_LONGEST_CONSONANTS},}}", re.IGNORECASE)


def _looks_random(word: str) -> bool:
    if _HEX.search(word) and any(c.isdigit() for c in word):
        return True
    for part in re.split(r"[_/=~-]+", word):
        if len(part) >= 16 and _bits(part) >= _LEAST_BITS:
            if _changes(part) >= _LEAST_CHANGES and any(c.isdigit() for c in part):
                return True
            if _CONSONANTS.search(part):
                return True
    return _bits(word) >= 3.5 and _changes(word) >= 0.4 and any(c.isdigit() for c in word)


def _changes(word: str) -> float:
    classes = [0 if c.islower() else 1 if c.isupper() else 2 if c.isdigit() else 3 for c in word]
    return sum(a != b for a, b in pairwise(classes)) / (len(word) - 1)


def _bits(word: str) -> float:
    counts = [word.count(c) for c in set(word)]
    return -sum(n / len(word) * log2(n / len(word)) for n in counts)


_RULES: tuple[Callable[[str], Iterator[Secret]], ...] = (
    _whole(_PROVIDER_KEYS, "key"),
    _groups(_WEBHOOK, "key"),
    _whole(_PEM, "private key"),
    _whole(_EMAIL, "e-mail address"),
    _groups(_URL_PASSWORD, "password"),
    _assigned,
    _groups(_BEARER, "key"),
    _groups(_OPTION, "password"),
    _groups(_PHRASE, "recovery phrase"),
    _cards,
    _ibans,
    _whole(_PHONE, "phone number"),
    _whole(_SOCIAL_SECURITY, "social security number"),
    _random_strings,
)
