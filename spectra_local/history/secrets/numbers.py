"""Numbers of people and their machines that show what they are without a word before them."""

import re
from collections.abc import Iterator
from ipaddress import AddressValueError, IPv4Address, IPv6Address

from spectra_local.history.secrets.secret import Recogniser, Secret, whole

_GAP = r"[ ./_–—·\u00a0\u2009\u202f-]"  # what people put between groups of digits

# Nine digits and more are a telephone, a card, an account or a person far oftener than a constant worth guessing.
_LEAST_DIGITS = 9
_DIGITS = re.compile(
    rf"(?<![\w.,/])[+(]{{0,2}}\d{{1,20}}(?:[()]?{_GAP}{{1,2}}\(?\d{{1,20}}|\)\d{{1,20}}){{0,20}}(?!\w)"
)
_NO_NUMBER = re.compile(
    r"[12]\d{3}[-./]\d\d[-./]\d\d(?:[ _-]\d\d.*)?|\d\d[-./]\d\d[-./]\d{4} \d\d|\d+\.\d+|1?0+|(\d)\1*|[12]\d{3}(?:[-–— /]{1,3}[12]\d{3})+"
    r"|\d{1,3}(?: \d{1,3}){0,2}|\d(?:[ ./_-]{1,3}\d)*|1234567890?"
)
_SPACED_CARD = re.compile(r"(?<![\d.])\d(?:[ -]?\d){12,18}(?!\d)")
_IBAN = re.compile(rf"(?<![A-Za-z0-9])[A-Z]{{2}}\d{{2}}(?:{_GAP}?[A-Z0-9]){{11,30}}(?![A-Za-z0-9])", re.IGNORECASE)
_DOCUMENT = re.compile(
    r"(?<![A-Za-z0-9_])(?:[A-Z]{1,3}\d{6,12}[A-Z0-9]{0,2}|\d{8}[- ]?[A-Z]|\d{2}[A-Z]{2}\d{5}|[A-Z]{6}\d\d[A-EHLMPR-T]\d\d[A-Z]\d{3}[A-Z]"
    r"|[A-Z]{2}(?: ?\d\d){3} ?[A-D]|\d{2} ?\d{6} ?[A-Z] ?\d{3}|[XYZ]-?\d{7}-?[A-Z]|[A-Z]\d{2}[A-Z]\d{2}[A-Z]\d{2}"
    r"|\d{1,2}\.\d{3}\.\d{3}-[\dkK]|\d{17}[\dXx]|(?=[A-HJ-NPR-Z]{0,16}\d)[A-HJ-NPR-Z0-9]{17})(?![A-Za-z0-9_])"
)
_LOCAL_PHONE = re.compile(
    r"(?<![\w.+/-])(?:\+\d{1,3}[ .-]?(?:\(\d{1,4}\)[ .-]?)?\d{1,4}(?:[ .-]?\d{2,4}){1,4}|\(\d{2,5}\)[ -]?\d{3,5}[ .-]?\d{2,5}"
    r"|0\d{1,5}[ /-]{1,3}\d{2,4}(?:[ -]?\d{2,4}){1,4})(?!\w)"
)
_SOCIAL_SECURITY = re.compile(r"(?<![\d-])\d{3}-\d{2}-\d{4}(?![\d-])")
_MAC = re.compile(
    r"(?<![0-9A-Za-z:.-])(?:[0-9a-f]{2}(?:(?::[0-9a-f]{2}){5,7}|(?:-[0-9a-f]{2}){5,7})|[0-9a-f]{4}(?:\.[0-9a-f]{4}){2})(?![0-9A-Za-z:-])",
    re.IGNORECASE,
)
_IPV6 = re.compile(
    r"(?<![0-9A-Za-z:.])(?=[0-9a-f]{0,4}:)[0-9a-f:]{6,39}(?:\d{1,3}(?:\.\d{1,3}){3})?(?![0-9A-Za-z:])", re.IGNORECASE
)
_IPV4 = re.compile(r"(?<![\w.])\d{1,3}(?:\.\d{1,3}){3}(?![\w.]?\d)")


def _long_numbers(text: str) -> Iterator[Secret]:
    for match in _DIGITS.finditer(text):
        value = match.group()
        if sum(c.isdigit() for c in value) >= _LEAST_DIGITS and not _NO_NUMBER.fullmatch(value):
            yield Secret(match.start(), match.end(), "long number")


def _cards(text: str) -> Iterator[Secret]:
    for match in _SPACED_CARD.finditer(text):
        digits = [int(c) for c in match.group() if c.isdigit()]
        if len(set(digits)) > 1 and _luhn(digits):
            yield Secret(match.start(), match.end(), "card number")


def _luhn(digits: list[int]) -> bool:
    """The check digit of ISO/IEC 7812."""
    doubled = [d * 2 - 9 * (d > 4) for d in digits[-2::-2]]
    return (sum(digits[-1::-2]) + sum(doubled)) % 10 == 0


def _ibans(text: str) -> Iterator[Secret]:
    for match in _IBAN.finditer(text):
        # The words that follow may have been taken along: up to the last group with a digit, and its check digits or not.
        last = max(i for i, c in enumerate(match.group()) if c.isdigit())
        n_digits = sum(c.isdigit() for c in match.group()[4:])
        if n_digits >= 9:
            end = match.end() if " " not in match.group()[last:] else match.start() + last + 1
            yield Secret(match.start(), end, "bank account")


def _addresses_of_machines(text: str) -> Iterator[Secret]:
    for match in _IPV6.finditer(text):
        if sum(c != ":" for c in match.group()) >= 5 and _is_valid(IPv6Address, match.group()):
            yield Secret(match.start(), match.end(), "network address")
    for match in _IPV4.finditer(text):
        if _is_valid(IPv4Address, match.group()) and IPv4Address(match.group()).is_global:
            yield Secret(match.start(), match.end(), "network address")


def _is_valid(kind: type[IPv4Address] | type[IPv6Address], text: str) -> bool:
    try:
        kind(text)
    except AddressValueError:
        return False
    return True


RECOGNISERS: tuple[Recogniser, ...] = (
    _long_numbers,
    _cards,
    _ibans,
    whole(_DOCUMENT, "identity document"),
    whole(_LOCAL_PHONE, "phone number"),
    whole(_SOCIAL_SECURITY, "tax number"),
    whole(_MAC, "MAC address"),
    _addresses_of_machines,
)
