"""Who is at the page: a pseudonym and a secret of the browser's, in a cookie."""

from __future__ import annotations

import base64
import hashlib
import hmac
import re
import secrets
import time
from collections.abc import Callable
from dataclasses import dataclass

from generation.errors import UserError, clip

_NAME = re.compile(r"[\w](?:[\w .@-]{0,38}[\w.])?")
AWAY_SECONDS = 120.0  # after which a name that another browser uses may be taken up


@dataclass(frozen=True)
class Person:
    """`secret` is known to this browser alone; `name` is "" before the person has given one."""

    secret: str
    name: str = ""

    @classmethod
    def from_cookie(cls, value: str | None) -> Person:
        """The person that a cookie tells of; a new one where it tells of none."""
        secret, _, coded = (value or "").partition(".")
        try:
            name = base64.urlsafe_b64decode(coded.encode()).decode()
        except ValueError:
            return cls(secrets.token_hex(16))
        if not re.fullmatch(r"[0-9a-f]{32}", secret) or (name and not _NAME.fullmatch(name)):
            return cls(secrets.token_hex(16))
        return cls(secret, name)

    @property
    def cookie(self) -> str:
        return f"{self.secret}.{base64.urlsafe_b64encode(self.name.encode()).decode()}"

    @property
    def csrf(self) -> str:
        """What forms carry: only pages that this browser was given know it."""
        return hmac.new(self.secret.encode(), b"csrf", hashlib.sha256).hexdigest()

    def sent(self, csrf: str) -> bool:
        """Whether a form is from one of this browser's pages."""
        return hmac.compare_digest(self.csrf.encode(), csrf.encode())


def pseudonym(given: str) -> str:
    """A name as it is stored. Raises UserError."""
    name = " ".join(given.split())
    if not _NAME.fullmatch(name):
        raise UserError(f"name: must be 1 to 40 letters, digits, spaces or . - _ @; got {clip(name)}")
    return name


class Present:
    """Which browser goes by which name now, so that two people do not take the same one."""

    def __init__(self, clock: Callable[[], float] = time.monotonic) -> None:
        self._clock = clock
        self._seen: dict[str, tuple[str, float]] = {}

    def note(self, person: Person) -> None:
        """The person has just asked for something."""
        if person.name and self.is_free(person.name, person.secret):
            self._seen[person.name] = person.secret, self._clock()

    def is_free(self, name: str, secret: str) -> bool:
        """Whether no other browser uses the name."""
        holder, at = self._seen.get(name, (secret, 0.0))
        return holder == secret or self._clock() - at > AWAY_SECONDS
