"""What all pages have around them, and the files that they load."""

from __future__ import annotations

import hashlib
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from functools import cache
from importlib.resources import files
from typing import Any, NamedTuple

from jinja2 import Environment

from cluster.report import page_environment
from cluster.review.people import Person
from cluster.review.views import Views

_TYPES = {"review.css": "text/css", "review.js": "text/javascript", "review.svg": "image/svg+xml"}

Keys = Sequence[tuple[str, str]]  # what a key is called, and what it does


class Asset(NamedTuple):
    """A file that pages load, under a name that changes with its content."""

    type: str
    content: bytes


@dataclass(frozen=True)
class Frame:
    """Renders templates: `title` says at what people are, `links` lead to other pages as (address, name).

    `greeting` tells who comes for the first time what is asked of them.
    """

    views: Views
    title: str
    links: Sequence[tuple[str, str]]
    greeting: str

    def render(self, name: str, person: Person, notice: str, keys: Keys = (), **values: Any) -> str:
        """A page."""
        return (
            _environment()
            .get_template(name)
            .render(
                views=self.views,
                title=self.title,
                links=self.links,
                person=person,
                notice=notice,
                keys=keys,
                assets=_addresses(),
                **values,
            )
        )

    def hello(self, person: Person, notice: str = "") -> str:
        """Asks for a name."""
        return self.render("review_hello.html.j2", person, notice, greeting=self.greeting)


@cache
def assets() -> Mapping[str, Asset]:
    """What pages load, by address."""
    folder = files("cluster.review") / "assets"
    content = {name: (folder / name).read_bytes() for name in _TYPES}
    return {_address(name, data): Asset(_TYPES[name], data) for name, data in content.items()}


@cache
def _addresses() -> Mapping[str, str]:
    return {address.rpartition("/")[2]: address for address in assets()}


def _address(name: str, data: bytes) -> str:
    return f"/assets/{hashlib.sha256(data).hexdigest()[:12]}/{name}"


@cache
def _environment() -> Environment:
    return page_environment()
