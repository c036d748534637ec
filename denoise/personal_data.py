"""Personal data that has a form: e-mail addresses, phone, card, account and social-security numbers, IP addresses.

What can be checked is: Luhn's sum of cards, the remainder of IBANs, areas and prefixes of numbers. Names and postal
addresses have no form and are not looked for.
"""

from __future__ import annotations

import ipaddress
import re
from collections.abc import Callable, Iterator
from dataclasses import dataclass

KINDS = ("email", "iban", "card", "ssn", "ip", "phone")  # where two overlap the earlier one counts

# RE2: texts worth a closer look, a small part of most sets
CANDIDATES = (
    r"@|[0-9](?:[^\p{L}\p{N}]{0,3}[0-9]){6}|[0-9]\.[0-9]{1,3}\.[0-9]|[0-9A-Fa-f]?:[0-9A-Fa-f]*:|[A-Za-z]{2} ?[0-9]{2}"
)


@dataclass(frozen=True, order=True)
class Span:
    """Characters `start` to `end` of a text."""

    start: int
    end: int
    kind: str


def find_personal(text: str) -> list[Span]:
    """Spans in their order, none overlapping another."""
    found: list[Span] = []
    for kind in KINDS:
        for start, end in _FINDERS[kind](text):
            if all(end <= other.start or start >= other.end for other in found):
                found.append(Span(start, end, kind))
    return sorted(found)


_EMAIL = re.compile(
    r"(?<![\w.+%-])[A-Za-z0-9_%+-]+(?:\.[A-Za-z0-9_%+-]+)*@(?:[A-Za-z0-9](?:[A-Za-z0-9-]*[A-Za-z0-9])?\.)+[A-Za-z]{2,24}(?![\w-])"
)
_IBAN = re.compile(r"(?<![A-Za-z0-9])[A-Za-z]{2}[0-9]{2}(?:[ -]?[A-Za-z0-9]){11,30}")
_CARD = re.compile(r"(?<![0-9.,$£€-])(?<![0-9] )[0-9](?:[ -]?[0-9]){12,18}(?![0-9]|[.,-][0-9])")
_SSN = re.compile(r"(?<![0-9-])(?!000|666|9)([0-9]{3})([- ])(?!00)[0-9]{2}\2(?!0000)[0-9]{4}(?![0-9]|-[0-9])")
_NINO = re.compile(  # the United Kingdom's: prefixes that are never given out are left out
    r"\b(?!BG|GB|NK|KN|TN|NT|ZZ)[A-CEGHJ-PR-TW-Z][A-CEGHJ-NPR-TW-Z] ?[0-9]{2} ?[0-9]{2} ?[0-9]{2} ?[A-D]\b"
)
_IPV4 = re.compile(r"(?<![\w.:-])[0-9]{1,3}(?:\.[0-9]{1,3}){3}(?![\w-]|\.[0-9])")
_IPV6 = re.compile(r"(?<![\w:.])(?=(?::*[0-9A-Fa-f]+){3})(?:[0-9A-Fa-f]{0,4}:){2,7}[0-9A-Fa-f]{0,4}(?![\w:])")
_VERSION = re.compile(
    r"(?:\bv(?:er)?|\bversion|\brelease|\bbuild|\bfirmware|\bsection|\bchapter)[.:]?\s*$", re.IGNORECASE
)
_ALONE = r"(?<![\w.,/$£€#-]) (?<![0-9]\s)"  # not after another number, an amount or the like …
_ENDS = r"(?! \w | [-.,/][0-9] )"  # … nor with more digits to come
_PHONE = re.compile(
    rf"""
      (?<![\w+]) (?: \+ | 00(?=[1-9]) ) [1-9] (?: [\s./()-]{{0,3}} [0-9] ){{7,13}} {_ENDS}         # from abroad
    | {_ALONE} (?: 1[\s.-] )? (?: \( [2-9][0-9]{{2}} \) \s? | [2-9][0-9]{{2}} [-.\s] )            # North America
      [2-9][0-9]{{2}} [-.\s] [0-9]{{4}} {_ENDS}
    | {_ALONE} \(? 0[1-9][0-9]{{1,3}} \)? [\s/-] [0-9]{{3,4}} [\s-]? [0-9]{{3,4}} {_ENDS}           # with a trunk 0
    | {_ALONE} 07[0-9]{{9}} {_ENDS}                                                            # a mobile one of Britain
    """,
    re.VERBOSE,
)
# lengths of IBANs by country, ISO 13616
_LENGTHS = {
    **dict.fromkeys(("NO",), 15),
    **dict.fromkeys(("BE",), 16),
    **dict.fromkeys(("DK", "FI", "FO", "GL", "NL", "SD"), 18),
    **dict.fromkeys(("MK", "SI"), 19),
    **dict.fromkeys(("AT", "BA", "EE", "KZ", "LT", "LU", "MN", "XK"), 20),
    **dict.fromkeys(("CH", "HR", "LI", "LV"), 21),
    **dict.fromkeys(("BG", "BH", "CR", "DE", "GB", "GE", "IE", "ME", "RS", "VA"), 22),
    **dict.fromkeys(("AE", "GI", "IL", "IQ", "OM", "SO", "TL"), 23),
    **dict.fromkeys(("AD", "CZ", "ES", "MD", "PK", "RO", "SA", "SE", "SK", "TN", "VG"), 24),
    **dict.fromkeys(("LY", "PT", "ST"), 25),
    **dict.fromkeys(("IS", "TR"), 26),
    **dict.fromkeys(("BI", "DJ", "FR", "GR", "IT", "MC", "MR", "SM"), 27),
    **dict.fromkeys(("AL", "AZ", "BY", "CY", "DO", "GT", "HU", "LB", "NI", "PL", "SV"), 28),
    **dict.fromkeys(("BR", "EG", "PS", "QA", "UA"), 29),
    **dict.fromkeys(("JO", "KW", "MU", "YE"), 30),
    **dict.fromkeys(("MT", "SC"), 31),
    **dict.fromkeys(("LC",), 32),
    **dict.fromkeys(("RU",), 33),
}


def _matches(pattern: re.Pattern[str], text: str) -> Iterator[tuple[int, int]]:
    return (match.span() for match in pattern.finditer(text))


def _ibans(text: str) -> Iterator[tuple[int, int]]:
    """The country says how many characters count; what follows them may be words."""
    for match in _IBAN.finditer(text):
        length = _LENGTHS.get(match[0][:2].upper())
        places = [place for place, sign in enumerate(match[0]) if sign.isalnum()]
        if length is None or len(places) < length:
            continue
        end = match.start() + places[length - 1] + 1
        code = "".join(match[0][place] for place in places[:length]).upper()
        if not text[end : end + 1].isalnum() and _remainder(code) == 1:
            yield match.start(), end


def _remainder(code: str) -> int:
    """Of an IBAN by ISO 7064, mod 97: 1 where it is right."""
    return int("".join(str(int(sign, 36)) for sign in code[4:] + code[:4])) % 97


def _cards(text: str) -> Iterator[tuple[int, int]]:
    for match in _CARD.finditer(text):
        digits = [int(sign) for sign in match[0] if sign.isdigit()]
        if _is_issued(digits) and _luhn(digits) == 0:
            yield match.span()


def _is_issued(digits: list[int]) -> bool:
    """Whether a card number of this length may begin so (ISO 7812: Visa, Mastercard, Amex, JCB, Maestro …)."""
    two, length = 10 * digits[0] + digits[1], len(digits)
    return (
        (digits[0] == 4 and length in (13, 16, 19))
        or (length == 16 and (51 <= two <= 55 or 22 <= two <= 27))
        or (length == 15 and two in (34, 37))
        or (length in (14, 16) and two in (30, 36, 38, 39))
        or (length in (16, 19) and two in (35, 60, 62, 64, 65))
        or (length in (16, 18, 19) and two in (50, 56, 57, 58, 63, 67))
    ) and len(set(digits)) > 1


def _luhn(digits: list[int]) -> int:
    """Luhn's sum mod 10: 0 where the last digit is right."""
    doubled = [digit if place % 2 == 0 else sum(divmod(2 * digit, 10)) for place, digit in enumerate(reversed(digits))]
    return sum(doubled) % 10


def _social_security(text: str) -> Iterator[tuple[int, int]]:
    yield from _matches(_SSN, text)
    yield from _matches(_NINO, text)


def _addresses(text: str) -> Iterator[tuple[int, int]]:
    """Not the numbers of versions and sections, nor addresses that are nobody's."""
    for pattern in (_IPV4, _IPV6):
        for start, end in _matches(pattern, text):
            try:
                address = ipaddress.ip_address(text[start:end])
            except ValueError:
                continue
            nobodys = address.is_unspecified or address.is_loopback or address.is_multicast
            if not nobodys and not _VERSION.search(text[:start]):
                yield start, end


_FINDERS: dict[str, Callable[[str], Iterator[tuple[int, int]]]] = {
    "email": lambda text: _matches(_EMAIL, text),
    "iban": _ibans,
    "card": _cards,
    "ssn": _social_security,
    "ip": _addresses,
    "phone": lambda text: _matches(_PHONE, text),
}
