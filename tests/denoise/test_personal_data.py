from __future__ import annotations

import pyarrow as pa
import pyarrow.compute as pc
import pytest

from denoise.personal_data import CANDIDATES, Span, find_personal


def found(text: str) -> list[tuple[str, str]]:
    return [(span.kind, text[span.start : span.end]) for span in find_personal(text)]


@pytest.mark.parametrize(
    ("text", "kind", "value"),
    [
        ("mail me at ann.lee+x@mail.example.co.uk, please", "email", "ann.lee+x@mail.example.co.uk"),
        ("<BOB_7@EXAMPLE.ORG>", "email", "BOB_7@EXAMPLE.ORG"),
        ("card 4111 1111 1111 1111 was charged", "card", "4111 1111 1111 1111"),
        ("5555-5555-5555-4444", "card", "5555-5555-5555-4444"),
        ("my amex is 378282246310005.", "card", "378282246310005"),
        ("IBAN GB82 WEST 1234 5698 7654 32 thanks", "iban", "GB82 WEST 1234 5698 7654 32"),
        ("to DE89370400440532013000, today", "iban", "DE89370400440532013000"),
        ("to de89 3704 0044 0532 0130 00", "iban", "de89 3704 0044 0532 0130 00"),
        ("NO93 8601 1117 947", "iban", "NO93 8601 1117 947"),
        ("ssn 536-90-4399", "ssn", "536-90-4399"),
        ("my number is AB 12 34 56 C", "ssn", "AB 12 34 56 C"),
        ("from 203.0.113.7, I think", "ip", "203.0.113.7"),
        ("at 2001:db8:85a3::8a2e:370:7334 now", "ip", "2001:db8:85a3::8a2e:370:7334"),
        ("call +44 20 7946 0958", "phone", "+44 20 7946 0958"),
        ("call +1 (415) 555-2671!", "phone", "+1 (415) 555-2671"),
        ("call 0049 30 901820", "phone", "0049 30 901820"),
        ("(415) 555-2671", "phone", "(415) 555-2671"),
        ("it is 415-555-2671.", "phone", "415-555-2671"),
        ("415.555.2671", "phone", "415.555.2671"),
        ("ring 020 7946 0958", "phone", "020 7946 0958"),
        ("ring 07700900123", "phone", "07700900123"),
    ],
)
def test_what_is_found(text: str, kind: str, value: str) -> None:
    assert found(text) == [(kind, value)]
    assert pc.match_substring_regex(pa.array([text]), CANDIDATES).to_pylist() == [True]


@pytest.mark.parametrize(
    "text",
    [
        "follow me @ann on the site",
        "ratio a@b",
        "3 apples @ 5.99 each",
        "card 4111 1111 1111 1112 was charged",  # Luhn's sum is wrong
        "order 1234567890123456",  # no issuer's prefix
        "0000 0000 0000 0000",
        "tracking 9400111899223100001 2",
        "GB82 WEST 1234 5698 7654 33",  # remainder
        "GB82 WEST 1234",
        "room AB12 3456",
        "isbn 978-3-16-148410-0",
        "on 2024-01-15 at 10:30:00",
        "from 01.02.2024 to 03.02.2024",
        "01/02/2024 - 03/02/2024",
        "000-12-3456 and 666-12-3456 and 900-12-3456 and 123-00-4567 and 123-45-0000",
        "part 123-45-67890",
        "version 1.2.3.4 and v10.0.0.1",
        "firmware: 4.3.2.1",
        "127.0.0.1 and 0.0.0.0",
        "999.1.1.1",
        "section 1.2.3.4.5",
        "at 12:30:45",
        "std::vector and a::b",
        "I paid £1,234.56 and then $2500000",
        "the account 12345678 with sort code 20-00-00",
        "call 911 or 116 123",
        "between 2010 and 2020 0 people came",
        "555-2671",
        "model 415-555-26713",
        "pi is 3.14159265358979",
        "1 000 000 000 people",
        "100 200 3000 4000",
        "score 12-10 10-12 15-13",
        "+5 000 points",
    ],
)
def test_what_is_not(text: str) -> None:
    assert found(text) == []


def test_several_in_their_order_without_overlap() -> None:
    text = "call 415-555-2671 or write to a.b@c.example; card 4111111111111111"
    assert [kind for kind, _ in found(text)] == ["phone", "email", "card"]
    # a card number is no phone number, too
    assert find_personal("4111 1111 1111 1111") == [Span(0, 19, "card")]
