"""Who may open the page beyond this machine: whoever has the token."""

from __future__ import annotations

import ipaddress
import secrets
from pathlib import Path

from generation.errors import UserError, os_reason

LEAST = 16  # characters of a token


def is_loopback(host: str) -> bool:
    """Whether nobody but this machine can reach an address."""
    try:
        return ipaddress.ip_address(host).is_loopback
    except ValueError:
        return host == "localhost"


def token_for(host: str, file: Path | None) -> str | None:
    """The token that the page demands: that of the file, else beyond loopback a new one. Raises UserError."""
    if file is None:
        return None if is_loopback(host) else secrets.token_urlsafe(24)
    try:
        token = file.read_text().strip()
    except OSError as error:
        raise UserError(f"{file}: cannot be read ({os_reason(error)})") from None
    except UnicodeDecodeError:
        raise UserError(f"{file}: must be UTF-8") from None
    if len(token) < LEAST or not token.isascii() or len(token.split()) != 1:
        raise UserError(f"{file}: must hold one token of {LEAST} or more ASCII characters without spaces")
    return token
