"""How proposals get into a task file, and that the rest of it stays as it was."""

from __future__ import annotations

import os
from pathlib import Path

import pytest

from cluster.attributes import block_of, write_block
from cluster.config import load_config
from generation.attribute import Attribute
from generation.errors import UserError
from generation.proposals import Proposal
from tests.cluster.test_config import GOOD

PROPOSALS = [Proposal("tone", ("angry", "it's: so, so"), (3, 2)), Proposal("no", ("0", "é"), (2, 1))]
BLOCK = """attributes:
  - name: tone
    values: [angry, 'it''s: so, so'] # in 3, 2 answers
  - name: 'no'
    values: ['0', é] # in 2, 1 answers
"""
READ = (Attribute(name="tone", values=("angry", "it's: so, so")), Attribute(name="no", values=("0", "é")))


def written(folder: Path, text: bytes) -> bytes:
    """The file after the block is put in; it loads, with the attributes."""
    path = folder / "task.yaml"
    path.write_bytes(text)
    write_block(path, BLOCK)
    assert load_config(path).attributes == READ
    return path.read_bytes()


def test_the_block() -> None:
    assert block_of(PROPOSALS) == BLOCK


def test_a_block_at_the_end(tmp_path: Path) -> None:
    text = ("# mine\n" + GOOD + "quota: 3   # few").encode()
    assert written(tmp_path, text) == text + b"\n\n" + BLOCK.encode()
    assert written(tmp_path, text + b"\n") == text + b"\n\n" + BLOCK.encode()


def test_a_block_in_place_of_an_empty_list(tmp_path: Path) -> None:
    text = GOOD.encode() + b"attributes: []  # ways\nquota: 3\n"
    assert written(tmp_path, text) == GOOD.encode() + BLOCK.encode() + b"quota: 3\n"


def test_line_ends_and_marks_stay(tmp_path: Path) -> None:
    text = ("\ufeff" + GOOD.replace("\n", "\r\n")).encode()
    assert written(tmp_path, text) == text + b"\r\n" + BLOCK.replace("\n", "\r\n").encode()


def test_the_file_keeps_its_mode_and_its_link(tmp_path: Path) -> None:
    real = tmp_path / "real.yaml"
    real.write_text(GOOD)
    real.chmod(0o640)
    (tmp_path / "task.yaml").symlink_to(real)
    write_block(tmp_path / "task.yaml", BLOCK)
    assert (tmp_path / "task.yaml").is_symlink()
    assert load_config(real).attributes == READ
    assert real.stat().st_mode & 0o777 == 0o640
    assert sorted(os.listdir(tmp_path)) == ["real.yaml", "task.yaml"]


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        (
            GOOD + "attributes: [{name: tone, values: [dry]}]\n",
            "attributes: are there already; take them out, or go without --write",
        ),
        (
            "{name: a, description: d, labels: [{name: p, description: p}, {name: n, description: n}], seeds: s}\n",
            "attributes: cannot be put at the end of this file; paste them where they belong",
        ),
        (
            GOOD + "pool: |\n  some.jsonl\n...\n",
            "attributes: cannot be put at the end of this file; paste them where they belong",
        ),
        (GOOD + "attributes:\n", "attributes: cannot be put at the end of this file; paste them where they belong"),
    ],
)
def test_refused_and_untouched(tmp_path: Path, text: str, expected: str) -> None:
    path = tmp_path / "task.yaml"
    path.write_text(text)
    with pytest.raises(UserError) as caught:
        write_block(path, BLOCK)
    assert str(caught.value) == f"{path}: {expected}"
    assert path.read_text() == text
