from __future__ import annotations

import sys

import pytest

from denoise.filters.code import Code
from denoise.filters.settings import FilterSettings
from generation.errors import UserError
from tests.denoise.filters.cases import reasons

SOURCE = """
def shouts(batch):
    return ["shouts" if text.isupper() else None for text in batch["text"].to_pylist()]

def few(batch):
    return []

def numbers(batch):
    return [1] * batch.num_rows

thing = 5
"""


@pytest.fixture(scope="module")
def module(tmp_path_factory: pytest.TempPathFactory) -> str:
    folder = tmp_path_factory.mktemp("code")
    (folder / "shouting_filters.py").write_text(SOURCE)
    return str(folder)


def rule(folder: str, name: str) -> Code:
    return Code(f"shouting_filters:{name}", folder)


def test_its_reasons_hold(module: str) -> None:
    assert reasons(rule(module, "shouts"), "WHERE IS IT", "Where is it", None) == ["shouts", None, None]


@pytest.mark.parametrize(
    ("name", "problem"),
    [
        ("few", "must return 1 reasons; got 0"),
        ("numbers", "must return a string or None"),
        ("thing", "must be a function; got int"),
    ],
)
def test_what_it_does_wrong_is_said(module: str, name: str, problem: str) -> None:
    with pytest.raises(UserError, match=f"filter shouting_filters:{name}: {problem}"):
        reasons(rule(module, name), "a")


def test_what_is_not_there_is_said(module: str) -> None:
    sys.path.append(module)
    try:
        assert Code.of("shouting_filters:shouts").path == "shouting_filters:shouts"
        with pytest.raises(UserError, match="cannot be imported"):
            Code.of("shouting_filters:gone")
    finally:
        sys.path.remove(module)
    with pytest.raises(UserError, match="cannot be imported: No module named 'nowhere_at_all'"):
        Code.of("nowhere_at_all:f")


def test_paths_have_a_form() -> None:
    with pytest.raises(ValueError, match=r"must be module:function; got 'os\.system'"):
        FilterSettings(code=("os.system",))
