from __future__ import annotations

import pytest
from pydantic import ValidationError

from denoise.filters.settings import FilterSettings
from denoise.filters.table import named_filters
from denoise.settings import DenoiseSettings
from tests.denoise.cases import TASK

ALONE = ["parse", "slots", "length", "characters", "repetition", "boilerplate", "personal"]


def test_what_works_without_a_task() -> None:
    assert list(named_filters(DenoiseSettings())) == ALONE


def test_what_a_task_adds() -> None:
    added = {"prompt_leak", "label_leak", "seed_copy", "language"}
    assert set(named_filters(DenoiseSettings(), TASK)) == {*ALONE, *added}


def test_all_can_be_switched() -> None:
    off = FilterSettings(boilerplate=False, personal=(), label_leak="off", languages="any")
    assert list(named_filters(DenoiseSettings(filters=off), TASK))[-2:] == ["prompt_leak", "seed_copy"]
    on = FilterSettings(languages=("de",), rules={"shout": "text = upper(text)"}, toxicity=0.9)
    assert list(named_filters(DenoiseSettings(filters=on)))[-3:] == ["language", "toxicity", "rules.shout"]


def test_scripts_must_exist() -> None:
    assert FilterSettings(scripts=("Latin", "Han")).scripts == ("Latin", "Han")
    with pytest.raises(ValidationError, match="must be Unicode scripts such as Latin; got 'Roman'"):
        FilterSettings(scripts=("Roman",))
