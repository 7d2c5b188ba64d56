"""Where people are and how they are reached: streets in twelve languages, coordinates, e-mail addresses."""

import re
from collections.abc import Iterator

from spectra_local.history.secrets.secret import Recogniser, Secret, whole

_EMAIL = re.compile(r"(?<![\w.+%-])[\w.+%-]{1,64}@[\w-]{1,63}(?:\.[\w-]{1,63}){1,8}")
_NAME = r"[A-ZÀ-ÞĀ-ŽА-ЯİŞĞÇ][\w.'’-]{0,24}"  # of a street: it begins with a capital
_NUMBER = r"\d{1,5}(?:[ -]?[a-zA-Z](?!\w)|[/-]\d{1,4})?"
_SMALL = r"(?:(?:de la|de las|de los|de l'|de|des|du|del|della|delle|dei|degli|di|da|das|do|dos|la|le|les|los|el|en|of|the|e|y|et|van|der|den|dem|im) ?)"
_TOWN = rf"(?:,? {{0,2}}\d{{4,6}}(?:[ -]?[A-Z]{{2}})?(?: {_NAME})?)?"

_STREETS = [
    # English: the number goes before.
    rf"\d{{1,5}}[a-zA-Z]? (?:(?:{_NAME}|\d{{1,3}}(?:st|nd|rd|th)) ){{1,4}}(?:Street|St|Road|Rd|Avenue|Ave|Lane|Ln|Drive|Dr|Boulevard|Blvd"
    r"|Court|Ct|Way|Place|Pl|Square|Sq|Terrace|Close|Crescent|Cres|Parkway|Pkwy|Highway|Hwy|Circle|Cir|Gardens|Grove|Hill|Mews|Row|Walk|Trail)\b",
    # German, Dutch: one word.
    rf"[A-ZÄÖÜ]?[\w-]{{1,40}}(?:straße|strasse|str\.|weg|gasse|platz|allee|ring|damm|ufer|chaussee|steig|stieg|wall|markt|hof|graben"
    rf"|straat|laan|plein|gracht|kade|dijk|singel|pad|steeg|dreef) ?(?:Nr\.? ?)?{_NUMBER}{_TOWN}",
    rf"(?:{_NAME}[ -]){{1,3}}(?:Straße|Strasse|Str\.|Weg|Gasse|Platz|Allee|Ring|Damm|Ufer|Straat|Laan|Plein) {_NUMBER}{_TOWN}",
    rf"\b(?:[AI]m|An de[rmn]|Auf de[rmn]|Unter de[rmn]|I[mn] de[rmn]|Zu[rm]|Hinter de[rmn]|Vor de[rmn]|Bei de[rmn]) (?:{_NAME} ){{1,3}}{_NUMBER}{_TOWN}",
    # French: the number goes before, the kind too.
    rf"{_NUMBER}(?: (?:bis|ter|quater))?,? (?i:rue|avenue|av\.|boulevard|bd|place|chemin|allée|impasse|quai|route|cours|square|passage)"
    rf" {_SMALL}{{0,2}}{_NAME}(?:[ -]{_SMALL}?{_NAME}){{0,4}}{_TOWN}",
    # Spanish, Italian, Portuguese, Polish, Russian: the kind, the name, the number.
    r"(?<!\w)(?i:calle|c/|avenida|avda\.?|av\.|paseo|plaza|camino|carrera|carretera|ronda|travesía|via|viale|v\.le|piazza|piazzale|corso"
    r"|vicolo|largo|strada|lungomare|rua|r\.|travessa|praça|estrada|alameda|ul\.|ulica|ulicy|al\.|aleja|aleje|alei|os\.|osiedle|plac|pl\."
    r"|ул\.|улица|улице|улицу|проспект|проспекте|пр-т|пр\.|пер\.|переулок|переулке|наб\.|набережная|шоссе|бульвар|бульваре|площадь)"
    rf" ?{_SMALL}{{0,2}}{_NAME}(?: {_SMALL}{{0,2}}{_NAME}){{0,4}},? ?(?:n[.º°]? ?|nr\.? ?|д\.? ?|дом ?)?{_NUMBER}(?:,? (?:кв\.?|m\.|lok\.) ?\d{{1,4}})?{_TOWN}",
    # Turkish: the name, the kind, the number.
    rf"(?:{_NAME} ){{1,4}}(?:Mahallesi|Mah\.|Caddesi|Cad\.|Cd\.|Sokak|Sokağı|Sok\.|Sk\.|Bulvarı|Blv\.) ?(?:No ?[:.]? ?)?{_NUMBER}",
    # Chinese, Japanese.
    r"[\u4e00-\u9fff]{1,12}(?:路|街|大道|巷|弄|胡同|村|小区)[\u4e00-\u9fff]{0,4}\d{1,5}(?:号|號|弄|栋|室|楼|单元|[\u4e00-\u9fff]?\d{1,5}){0,6}",
    r"[\u4e00-\u9fff々ヶケ]{1,12}(?:都|道|府|県|市|区|町|村)[\u3040-\u30ff\u4e00-\u9fff々]{0,12}[0-9０-９]{1,4}(?:[-−ー‐の]|丁目|番地?|号)(?:[0-9０-９]{1,4}(?:[-−ー‐]|番地?|号)?){0,3}",
]  # fmt: skip
_STREET = re.compile(rf"(?<![\w.])(?:{'|'.join(_STREETS)})")
_POSTCODE = re.compile(
    r"(?<!\w)(?:(?:GIR|[A-PR-UWYZ][A-HK-Y]?\d[A-Z\d]?) \d[ABD-HJLNP-UW-Z]{2}|[A-Z]{2} \d{5}(?:-\d{4})?|[A-Z]\d[A-Z] \d[A-Z]\d)(?!\w)"
)

_DEGREES = r"[-+−]?\d{1,3}[.,]\d{3,15}"
_COORDINATES = re.compile(
    rf"(?<![\w.,])(?:{_DEGREES}\s?°?\s?[NSns]?\s{{0,2}}[,;/ ]\s{{0,2}}{_DEGREES}(?:\s?°?\s?[EWOewo]\b|°)?"
    r"|[NS]?\s?\d{1,2}\s?°\s?\d{1,2}(?:[.,]\d+)?\s?['’′]?[^\n]{0,40}?\d{1,3}\s?°\s?\d{1,2}(?:[.,]\d+)?\s?['’′]?(?:\s?\d{1,2}(?:[.,]\d+)?\s?[\"”″])?\s?[EWO]?"
    r"|[23456789CFGHJMPQRVWX]{4,8}\+[23456789CFGHJMPQRVWX]{2,3})(?![\w.])"
)
_WORDS_PLACE = re.compile(r"///[^\W\d_]{3,20}\.[^\W\d_]{3,20}\.[^\W\d_]{3,20}|what3words\.com/\S{5,60}")
_MAP = re.compile(r"(?:geo:|@|[?&](?:q|ll|center|mlat)=)(-?\d{1,3}\.\d{2,15},-?\d{1,3}\.\d{2,15})")

_LINE, _DIGIT = re.compile(r"[^\n]+"), re.compile(r"\d")


def _streets(text: str) -> Iterator[Secret]:
    for line in _LINE.finditer(text):
        if _DIGIT.search(text, line.start(), line.end()):  # most lines have none, and this pattern is slow
            for match in _STREET.finditer(text, line.start(), line.end()):
                yield Secret(match.start(), match.end(), "street address")


RECOGNISERS: tuple[Recogniser, ...] = (
    whole(_EMAIL, "e-mail address"),
    _streets,
    whole(_POSTCODE, "street address"),
    whole(_COORDINATES, "place"),
    whole(_WORDS_PLACE, "place"),
    whole(_MAP, "place"),
)
