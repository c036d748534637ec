from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import pytest
from lift import benchmark_config
from yardstick.corpus import Corpora, CorpusSpec
from yardstick.sets import RealSet, Split, draw_split

from generation.records import rows_table
from generation.settings import GenerationSettings

SETTINGS = GenerationSettings(samples=2, exemplars=2)


@pytest.fixture
def corpora(tmp_path: Path) -> Corpora:
    return Corpora(tmp_path / "corpora", benchmark_config())


def answer(corpora: Corpora, round_: int, tokens: int = 5) -> None:
    """What an engine would have committed for all that is open in a round."""
    requests = corpora.store.requests(round_).to_pylist()
    rows = [
        {"id": f"{request['request_id']}-{sample}", "request_id": request["request_id"], "round": round_}
        | {"text": f"{request['label']} {sample}", "intended_label": request["label"]}
        | {"prompt_tokens": 10, "output_tokens": tokens}
        for request in requests
        for sample in range(request["samples"])
    ]
    corpora.store.commit(round_, "generated", "e0", rows_table(rows), "lift")


def test_rows_come_back_by_corpus_and_nothing_is_made_twice(corpora: Corpora, house: RealSet):
    specs = [CorpusSpec(draw_split(house, 3, number), SETTINGS, 4) for number in range(2)]
    corpora.plan(specs)
    answer(corpora, 0)
    corpora.store.write_json("rounds/000/timing.json", {"seconds": 8.0})
    corpora.ensure(specs)  # would start an engine if anything were missing
    for spec in specs:
        corpus = corpora.get(spec)
        assert sorted(corpus.rows["intended_label"].to_pylist()) == ["door"] * 4 + ["window"] * 4
        assert (corpus.prompt_tokens, corpus.output_tokens, corpus.seconds) == (4 * 10, 8 * 5, 4.0)
    first, second = (set(corpora.get(spec).rows["request_id"].to_pylist()) for spec in specs)
    assert not first & second


def test_the_key_changes_with_all_that_decides_the_rows(corpora: Corpora, split: Split, house: RealSet):
    spec = CorpusSpec(split, SETTINGS, 4)
    others = [
        replace(spec, rows=8),
        replace(spec, settings=SETTINGS.model_copy(update={"temperature": 0.5})),
        replace(spec, split=draw_split(house, 3, 1)),
        replace(spec, split=draw_split(house, 4, 0)),
    ]
    assert len({corpora.key(each) for each in [spec, *others]}) == 5
    assert corpora.key(spec) == corpora.key(CorpusSpec(draw_split(house, 3, 0), SETTINGS, 4))


def test_another_corpus_is_not_there(corpora: Corpora, split: Split):
    with pytest.raises(KeyError):
        corpora.get(CorpusSpec(split, SETTINGS, 4))


def test_a_method_that_learns_from_the_seeds_is_told_what_it_needs(corpora: Corpora, split: Split):
    corpora.plan([CorpusSpec(split, SETTINGS.model_copy(update={"method": "wanli"}), 4)])
    assert sorted(set(corpora.store.requests(0)["label"].to_pylist())) == ["door", "window"]
