"""Keys that their makers gave a shape, what a protocol puts before a secret, and strings without meaning.

The shapes of provider keys are those that gitleaks and detect-secrets publish; random strings are told from names by
how often letters, capitals and digits alternate, which needs no dictionary.
"""

import re
from collections.abc import Iterator
from itertools import pairwise
from math import log2

from spectra_local.history.secrets.secret import Recogniser, Secret, groups, whole

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
            r"AGE-SECRET-KEY-1[A-Z0-9]{20,}|A3-[A-Z0-9]{6}(?:-[A-Z0-9]{5,11}){4,5}|ops_eyJ[\w+/=-]{20,}",  # age, 1Password
            r"LTAI[A-Za-z0-9]{12,}|AKID[A-Za-z0-9]{20,}|AKC[pP]\w{20,}|ATATT3[\w=-]{20,}|ATCTT3[\w=-]{20,}",  # clouds, Atlassian
            r"(?:gsk|r8|lin_api|figd|ghs|dckr_pat|dapi|sbp|rnd|nvapi|pplx|tvly|fw|xai|csk|co|phc|phx|sntrys|sntryu|glsa|glc"
            r"|rubygems|shpss|shpca|shppa|pat|sq0atp|sq0csp|secret|ntn|PMAK|NRAK|doo_v1|dor_v1|EZAK|tfp|fio-u|CFPAT|key|sess)"
            r"[_-](?=[A-Za-z_-]{0,19}[0-9A-Z])[\w-]{20,}",  # Groq, Replicate, Linear, Figma, Docker, Databricks, Supabase and others
            r"[A-Za-z0-9_~.]{3}\dQ~[\w~.-]{31,}|[MNO][\w-]{23,27}\.[\w-]{6}\.[\w-]{27,40}",  # Azure, Discord
            r"xprv[A-Za-z0-9]{50,}|[5KL][1-9A-HJ-NP-Za-km-z]{50,51}|nsec1[a-z0-9]{50,}",  # wallets
            r"(?<!-)(?:[A-Z0-9]{4,6}-){3,8}[A-Z0-9]{4,6}(?![A-Za-z0-9-])",  # licence keys
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
_URL_PASSWORD = re.compile(
    r"[a-z][a-z0-9+.-]{1,20}://([^\s/@:'\"]{0,200}:[^\s'\"]{1,200})@(?=[^\s@]{1,200})", re.IGNORECASE
)
_BEARER = re.compile(r"\b(?:Bearer|Basic|Token)\s+([A-Za-z0-9._~+/=-]{12,500})")
_HEADER = re.compile(
    r"\b(?:Authorization|(?:Set-)?Cookie|X-[\w-]{0,20}(?:Key|Token|Auth))[\"']?: ?([^\n\"']{6,2000})", re.IGNORECASE
)
_OPTION = re.compile(
    r"(?<!\S)(?:--?(?:password|passwd|pass|token|secret|api-key|passphrase)[= ]\s{0,2}([^\s\"'`-][^\s\"'`]{2,200})"
    r"|(?:mysql|mysqldump|mariadb|sshpass|mongosh?)\b[^\n]{0,80}?\s-p ?[\"']?([^\s\"'`-][^\s\"'`]{1,200})"
    r"|(?:curl|wget|http)\b[^\n]{0,80}?\s(?:-u|--user) ?[\"']?([^\s:\"'`]{1,80}:[^\s\"'`]{1,200}))"
)
_UUID = re.compile(r"(?<![0-9A-Za-z-])[0-9a-f]{8}(?:-[0-9a-f]{4}){3}-[0-9a-f]{12}(?![0-9A-Za-z-])", re.IGNORECASE)
_WORDLIKE = re.compile(r"[A-Za-z0-9_+/=~-]{16,}")


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


RECOGNISERS: tuple[Recogniser, ...] = (
    whole(_PROVIDER_KEYS, "key"),
    groups(_WEBHOOK, "key"),
    whole(_PEM, "private key"),
    groups(_URL_PASSWORD, "password"),
    groups(_BEARER, "key"),
    groups(_HEADER, "cookie"),
    groups(_OPTION, "password"),
    whole(_UUID, "key"),
    _random_strings,
)
