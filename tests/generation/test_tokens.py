"""Token counts, with special tokens and without limits."""

from __future__ import annotations

from pathlib import Path

import pytest
from tokenizers import Tokenizer
from tokenizers.processors import TemplateProcessing

from generation.errors import UserError
from generation.tokens import BLOCK, block_padding, count_tokens
from tests.generation.cases import make_model


def test_one_token_a_word(model: Path) -> None:
    assert count_tokens(model, ["", "one", " one two\nthree "]) == [0, 1, 3]
    assert count_tokens(model, []) == []


def test_special_tokens_count_and_limits_of_the_tokenizer_do_not(tmp_path: Path) -> None:
    folder = make_model(tmp_path / "m")
    tokenizer = Tokenizer.from_file(str(folder / "tokenizer.json"))
    tokenizer.add_special_tokens(["<s>"])
    tokenizer.post_processor = TemplateProcessing("<s> $A", special_tokens=[("<s>", 1)])
    tokenizer.enable_truncation(2)
    tokenizer.enable_padding(length=8)
    tokenizer.save(str(folder / "tokenizer.json"))
    assert count_tokens(folder, ["one two three", ""]) == [4, 1]


def test_a_folder_without_a_tokenizer(tmp_path: Path) -> None:
    with pytest.raises(UserError) as caught:
        count_tokens(tmp_path, ["a"])
    start = f"model: {tmp_path}/tokenizer.json must be a tokenizer; No such file or directory"
    assert str(caught.value).startswith(start)


def test_a_broken_tokenizer(tmp_path: Path) -> None:
    (tmp_path / "tokenizer.json").write_text("{")
    with pytest.raises(UserError) as caught:
        count_tokens(tmp_path, ["a"])
    assert str(caught.value).startswith(f"model: {tmp_path}/tokenizer.json must be a tokenizer; ")


@pytest.mark.parametrize(
    ("length", "rows", "padding"),
    [
        (BLOCK + 1, 100, 0),  # full already: one token is computed anew
        (BLOCK, 2, 1),  # 1 instead of 31 for the second answer
        (BLOCK, 1, 0),
        (BLOCK + 2, 31, 0),  # 31 tokens more would save 30
        (BLOCK + 2, 33, 31),
        (5, 9, 28),
    ],
)
def test_padding_fills_blocks_where_that_pays(length: int, rows: int, padding: int) -> None:
    assert block_padding(length, rows) == padding
    assert padding == 0 or (length + padding) % BLOCK == 1
