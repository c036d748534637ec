from __future__ import annotations

import pyarrow as pa

from denoise.drift import Drop, alarming, diversity_drops
from tests.denoise.cases import rows


def table(label: str, *texts: str) -> pa.Table:
    return rows(*({"text": text, "label": label} for text in texts))


VARIED = [f"{a} {b} {c}" for a in ("where", "when", "how") for b in ("is", "was", "goes") for c in "uvwxyz"]
ALIKE = [f"where is my card {letter}" for letter in "abcdefghijklmnopqrstuvwxyzabcdefghijklmnopqrstuvwxyz"]


def test_what_fell_is_told_at_equal_size() -> None:
    drops = diversity_drops(table("x", *VARIED), table("x", *ALIKE[:40]), [], 0.7)
    assert {"self_repetition", "self_bleu"} <= {drop.measure for drop in drops if drop.label == "x"}
    assert {drop.texts for drop in drops} == {40}
    assert diversity_drops(table("x", *VARIED), table("x", *VARIED), [], 0.7) == []


def test_what_rose_and_what_is_few_is_not() -> None:
    measures = {drop.measure for drop in diversity_drops(table("x", *ALIKE), table("x", *VARIED), [], 0.7)}
    assert not {"self_repetition", "self_bleu", "distinct_2"} & measures
    assert diversity_drops(table("x", *VARIED[:29]), table("x", *ALIKE), [], 0.7) == []
    assert diversity_drops(table("y", *VARIED), table("x", *ALIKE), [], 0.7)[0].label is None


def test_a_drop_reads_well() -> None:
    assert str(Drop(None, "vendi", 12.5, 8, 40)) == "all labels: vendi 12.500 -> 8.000 (40 texts)"


def test_a_large_fall_is_alarming_where_a_share_of_it_means_something() -> None:
    drops = [
        Drop(None, "vendi", 12.0, 8.0, 40),
        Drop("x", "distinct_2", 0.8, 0.65, 40),
        Drop("x", "compression_ratio", 2.0, 2.6, 40),
        Drop("x", "copy_rate", 0.0, 0.3, 40),
        Drop("x", "self_bleu", 0.1, 0.3, 40),
    ]
    assert alarming(drops, 0.25) == [drops[0], drops[2]]
    assert alarming(drops, 0.31) == [drops[0]]
