"""Rows that a file names, on the page."""

from __future__ import annotations

from pathlib import Path

import pyarrow as pa
import pytest

from cluster.audit.lots import open_lot
from cluster.audit.release import settle
from cluster.review.app import rows_site
from cluster.review.desk import Desk
from cluster.review.leases import Leases
from cluster.review.ledger import Ledger
from cluster.review.nearest import NearestSeeds
from cluster.review.picking import picked_rows
from cluster.review.verdicts import Answer
from cluster.review.views import Views
from cluster.store import Store
from cluster.tables import write_table
from denoise.audit.assurance import Assurance
from generation.errors import UserError
from tests.cluster.review.cases import make_run, messages, row
from tests.cluster.review.test_app import Visitor
from tests.cluster.review.test_transfer import run_of


@pytest.fixture
def run(tmp_path: Path) -> Store:
    return make_run(tmp_path / "run", messages(4))


@pytest.mark.parametrize("suffix", [".csv", ".jsonl", ".parquet"])
def test_the_files_of_budget_are_opened_in_their_order(run: Store, tmp_path: Path, suffix: str) -> None:
    table = pa.table({"id": ["r02", "r00"], "text": ["x", "y"], "label": ["late"] * 2, "wrong": [0.5, 0.4]})
    write_table(table, tmp_path / f"unsure{suffix}")
    picked, left_out = picked_rows(run, tmp_path / f"unsure{suffix}")
    assert ([each.id for each in picked.sample], left_out) == (["r02", "r00"], 0)


def test_people_go_through_them_and_go_on_later(run: Store, tmp_path: Path) -> None:
    (tmp_path / "unsure.csv").write_text("id\nr02\nr00\n")
    picked, _ = picked_rows(run, tmp_path / "unsure.csv")
    desk = Desk(Ledger(run), picked, Leases(60))
    anna = Visitor(rows_site(desk, Views(run.run(), NearestSeeds([]))).gated(), "anna")
    assert (anna.row, "rows of unsure.csv" in anna.html, "gauge" in anna.html) == ("r02", True, False)
    anna.send("/verdict", label="broken")
    assert "<strong>1</strong> of 2 checked, <strong>1</strong> wrong" in anna.html
    again = Desk(Ledger(run), picked_rows(run, tmp_path / "unsure.csv")[0], Leases(60))
    assert again.next_for("anna").id == "r00"  # type: ignore[union-attr]
    anna.send("/verdict", action="accept")
    assert "Nothing is left for you" in anna.html
    assert anna.client.get("/summary").status_code == 200


def test_rows_of_an_open_lots_sample_are_left_to_it(tmp_path: Path) -> None:
    run = run_of(tmp_path / "run", [row(f"r{n:03}", f"text {n}", ("late", "refund")[n % 2]) for n in range(300)])
    lot = open_lot(run, Assurance(plan="zero_failure", reject=0.3))
    sampled = [each.id for each in lot.sample]
    free = next(f"r{n:03}" for n in range(300) if f"r{n:03}" not in sampled)
    (tmp_path / "all.csv").write_text("\n".join(["id", sampled[0], free]))
    picked, left_out = picked_rows(run, tmp_path / "all.csv")
    assert ([each.id for each in picked.sample], left_out) == ([free], 1)
    (tmp_path / "one.csv").write_text(f"id\n{sampled[0]}\n")
    with pytest.raises(UserError, match=r"one.csv: all of them are in the sample of the open lot"):
        picked_rows(run, tmp_path / "one.csv")
    desk = Desk(Ledger(run), lot, Leases(60))
    for each in lot.sample:
        desk.answer("anna", each.id, Answer())
    settle(run, lot, desk.decision())
    assert picked_rows(run, tmp_path / "one.csv")[1] == 0  # it is closed


@pytest.mark.parametrize(
    ("name", "text", "message"),
    [
        ("a.csv", "id\nr00\nr99\n", r"a.csv line 3: id: must be that of a row of the run; got 'r99'"),
        ("a.csv", "text\nhello\n", r"a.csv line 2: id: must be that of a row of the run; got None"),
        ("a.jsonl", "[1]\n", r"a.jsonl line 1: id: must be that of a row"),
        ("a.csv", "id\n", r"a.csv: no rows"),
        ("a.parquet", "nothing", r"a.parquet: cannot be read as Parquet"),
        ("a.txt", "r00", r"a.txt: must end in"),
    ],
)
def test_what_names_no_rows_is_told(run: Store, tmp_path: Path, name: str, text: str, message: str) -> None:
    (tmp_path / name).write_text(text)
    with pytest.raises(UserError, match=message):
        picked_rows(run, tmp_path / name)
