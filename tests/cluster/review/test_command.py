"""`labelmill review` as a command: what it refuses, and that a page and an import keep off each other."""

from __future__ import annotations

import json
import subprocess
import sys
from pathlib import Path

import pytest
from typer.testing import CliRunner

from cluster.audit.lots import open_lot
from cluster.cli_review import review
from cluster.review.opening import alone
from cluster.review.server import addresses
from cluster.review.token import is_loopback, token_for
from cluster.review.writing.desk import Choice
from generation.errors import UserError
from tests.cluster.review.cases import messages
from tests.cluster.review.test_transfer import run_of
from tests.cluster.review.writing.cases import desk_of, leftovers


def labelmill(*arguments: object) -> tuple[int, str]:
    command = [sys.executable, "-m", "cluster", *map(str, arguments)]
    ended = subprocess.run(command, capture_output=True, text=True, timeout=400)
    return ended.returncode, ended.stdout + ended.stderr


def test_a_sheet_there_and_back(tmp_path: Path) -> None:
    run_of(tmp_path / "run", messages(2))
    assert labelmill("review", "export", tmp_path / "run", "--format", "csv", tmp_path / "a.csv")[0] == 0
    text = (tmp_path / "a.csv").read_text()
    (tmp_path / "a.csv").write_text(text.replace(",late,,", ",refund,,"))
    assert labelmill("review", "import", tmp_path / "run", tmp_path / "a.csv", "--by", "anna") == (
        0,
        "corrected      2\n",
    )


def test_one_page_at_a_time(tmp_path: Path) -> None:
    done = CliRunner().invoke(review, [str(tmp_path), "--write", "--rows", "a.csv"])
    assert isinstance(done.exception, UserError)
    assert str(done.exception) == "--write and --rows: one page at a time"


def test_what_came_of_writing_is_printed(tmp_path: Path) -> None:
    store = leftovers(tmp_path / "run")
    desk_of(store).write("ann", Choice("late", "adversarial"), "s0", {}, 4.0)
    done = CliRunner().invoke(review, ["written", str(tmp_path / "run")])
    assert [line.split() for line in done.output.splitlines()[1:]] == [
        [name, "1", "1", "0", "4.0", "1", "of", "1", "(100%)", "not", "validated"] for name in ("adversarial", "all")
    ]
    (line, _) = json.loads(CliRunner().invoke(review, ["written", str(tmp_path / "run"), "--json"]).output)
    assert (line["rows"], line["fools"], line["vmer"]) == (1, 1, None)


def test_no_run_and_no_dataset(tmp_path: Path) -> None:
    code, told = labelmill("review", tmp_path / "none", "--port", "0")
    assert (code, told.count("\n")) == (2, 1)
    assert "not a run directory" in told


def test_one_review_at_a_time(tmp_path: Path) -> None:
    store = run_of(tmp_path / "run", messages(2))
    open_lot(store)
    with alone(store):
        code, told = labelmill("review", tmp_path / "run", "--port", "0")
    assert (code, "a review of this run is open already" in told) == (2, True)


def test_beyond_loopback_there_is_a_token(tmp_path: Path) -> None:
    assert [is_loopback(host) for host in ("127.0.0.1", "127.9.9.9", "::1", "localhost")] == [True] * 4
    assert [is_loopback(host) for host in ("0.0.0.0", "::", "192.168.0.7", "localhost.example")] == [False] * 4
    assert token_for("127.0.0.1", None) is None
    one, other = token_for("0.0.0.0", None), token_for("0.0.0.0", None)
    assert one and other and one != other and len(one) >= 32
    assert f"?token={one}" in addresses("192.168.0.7", 80, one)[0]
    assert "not encrypted" in addresses("192.168.0.7", 80, one)[1]
    (tmp_path / "token").write_text("a-token-of-some-length\n")
    assert token_for("127.0.0.1", tmp_path / "token") == "a-token-of-some-length"


@pytest.mark.parametrize("text", ["", "short", "with spaces in it and more", "é" * 20])
def test_a_token_that_is_none(tmp_path: Path, text: str) -> None:
    (tmp_path / "token").write_text(text)
    with pytest.raises(UserError, match="token: must hold one token of 16 or more"):
        token_for("127.0.0.1", tmp_path / "token")
    with pytest.raises(UserError, match="cannot be read"):
        token_for("127.0.0.1", tmp_path / "none")
