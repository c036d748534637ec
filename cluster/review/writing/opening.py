"""A run opened for people who write rows."""

from __future__ import annotations

from cluster.review.app import add_rows
from cluster.review.desk import Desk
from cluster.review.frame import Frame
from cluster.review.leases import Leases
from cluster.review.ledger import Ledger
from cluster.review.opening import open_views
from cluster.review.site import Site, cookie_of
from cluster.review.transfer import kind_of
from cluster.review.views import Views
from cluster.review.work import Picked
from cluster.review.writing.bank import read_bank
from cluster.review.writing.desk import WritingDesk
from cluster.review.writing.opinion import opinion_of
from cluster.review.writing.routes import GREETING, add_writing
from cluster.review.writing.rows import to_check
from cluster.review.writing.written import read_written
from cluster.store import Store
from generation.errors import UserError

LINKS = (("/write", "Write"), ("/", "Check"), ("/written", "What came of it"), ("/summary", "Summary"))
KINDS = ("label", "pair")


def writing_site(store: Store, lease_minutes: float) -> Site:
    """Pages on which people write rows and judge each other's. Reads what is committed, once. Raises UserError."""
    kind, seconds = kind_of(store), 60 * lease_minutes
    if kind.name not in KINDS:
        raise UserError(f"{store.root}: rows are written in tasks of the kinds {', '.join(KINDS)}; got {kind.name}")
    if not store.rounds():
        raise UserError(f"{store.root}: has no round yet; `labelmill run` begins one")
    bank = read_bank(store, kind.labels)
    written = read_written(store)
    work = Picked("rows that people wrote", "audit/written", tuple(to_check(case.id, 0) for case in written))
    checks = Desk(Ledger(store), work, Leases(seconds))
    known = [
        *store.kept(store.rounds())["text"].to_pylist(),
        *(seed["text"] for seed in store.read_json("seeds.json") or []),
    ]
    desk = WritingDesk(checks, bank, opinion_of(store), kind, Leases(seconds), known)
    views = open_views(store, [*(each.case for each in bank.values()), *checks.cases.values()])
    return site_of(desk, views)


def site_of(desk: WritingDesk, views: Views) -> Site:
    """The application over a desk."""
    checks = desk.checks
    site = Site(Frame(views, checks.work.title, LINKS, GREETING), cookie_of(checks.ledger.run_id), "/write")
    add_rows(site, checks)
    add_writing(site, desk)
    return site
