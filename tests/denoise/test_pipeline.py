from __future__ import annotations

import math
import random
from collections.abc import Sequence
from functools import partial
from typing import Any

import numpy as np
import pyarrow as pa
import pytest

from denoise.filters.settings import FilterSettings
from denoise.meanings import Meanings
from denoise.noise.calibration import ALONE, Calibration, Evidence
from denoise.noise.judging import SecondOpinion
from denoise.noise.keeping import USUAL, share_kept
from denoise.noise.tagging import NOBODY, Tagged, WordStates
from denoise.pipeline import denoise_wave
from denoise.settings import DenoiseSettings
from denoise.sketch import know
from denoise.spans import Spans
from denoise.waterfall import Step, waterfall
from generation.records import VERDICT_SCHEMA, map_column
from tests.denoise.cases import TASK, KeywordJudge, WordEncoder, rows

LOST, HOURS = "lost_card", "opening_hours"
PLAIN = ("quota", "accepted", None, None)
SURPLUS = ("quota", "surplus", "over_quota", None)
# id, text, intended label, further columns -> stage, status, reason, survivor
CASES = [
    ("01", " ", LOST, {}, ("parse", "rejected", "empty", None)),
    ("02", "My card was in the", LOST, {"finish_reason": "length"}, ("parse", "rejected", "truncated", None)),
    ("03", "Card", LOST, {}, ("filter", "rejected", "too_short", None)),
    ("04", "Sure, I lost the card today", LOST, {}, ("filter", "rejected", "assistant_phrase", None)),
    ("05", "I left my library card on the bus this evening", LOST, {}, ("filter", "rejected", "copies_seed", None)),
    # the likelier of two equal texts stands, whatever its label
    ("06", "Somebody took my card", HOURS, {"mean_logprob": -2.0}, ("exact", "rejected", "exact_duplicate", "07")),
    ("07", "somebody took MY card!", LOST, {"mean_logprob": -1.0}, PLAIN),
    # kept rows stand, however likely the new one is
    ("08", "What time does the library close on Fridays now", HOURS, {}, ("near", "rejected", "near_duplicate", "k1")),
    ("09", "Which days is the archive closed", HOURS, {}, ("exact", "rejected", "exact_duplicate", "k2")),
    # equal to the truncated 02, which is gone and makes nothing a duplicate
    ("10", "My card was in the", LOST, {"mean_logprob": -3.0}, PLAIN),
    # 12 resembles 11 and 13, which do not resemble each other enough
    ("11", "abcdefghij klmnopqrst uvw", HOURS, {"mean_logprob": -1.0}, PLAIN),
    ("12", "abcdefghij klmnopqrst uvwxyzabcd", HOURS, {}, ("near", "rejected", "near_duplicate", "11")),
    ("13", "ghij klmnopqrst uvwxyzabcd", HOURS, {}, SURPLUS),
    ("14", "The card definitely vanished", HOURS, {}, ("quota", "relabelled", "label_disagrees", None)),
    ("15", "Where could a card hide", HOURS, {}, ("agreement", "rejected", "label_disagrees", None)),
    ("16", "A thief definitely has this card by now", LOST, {}, PLAIN),
    ("17", "Nobody answers the phone before noon", HOURS, {}, SURPLUS),
    ("18", "", LOST, {"finish_reason": "malformed"}, ("parse", "rejected", "malformed", None)),
    ("19", "A card for Ann", LOST, {"attributes": {"slot.name": "Bo"}}, ("filter", "rejected", "slot_missing", None)),
]
KEPT = pa.table(
    {
        "id": ["k2", "k1", "k3"],
        "text": ["WHICH days is the archive closed?", "What time does the library close on Fridays", "ok"],
        "label": [HOURS, HOURS, HOURS],
    }
)
REMAINING = {LOST: 4, HOURS: 1}
ANY = FilterSettings(languages="any")  # some texts below are of no language
# of two labels: probabilities of .6 and .9
SETTINGS = DenoiseSettings(min_words=2, filters=ANY, accept=0.2, relabel=0.8, lm_keeps="usual")


def wave(order: list[int] | None = None) -> pa.Table:
    table = rows(*({"id": i, "text": text, "intended_label": label, **more} for i, text, label, more, _ in CASES))
    return table if order is None else table.take(pa.array(order, pa.int64()))


def outcome(verdicts: pa.Table) -> dict[str, tuple[str | None, ...]]:
    shown = verdicts.select(["id", "label", "stage", "status", "reason", "survivor_id"]).to_pylist()
    return {row.pop("id"): tuple(row.values()) for row in shown}


EXPECTED = {i: (LOST if i == "14" else label, *verdict) for i, _, label, _, verdict in CASES}


def test_every_row_gets_the_one_verdict_that_is_due(ray_session: None) -> None:
    verdicts = denoise_wave(wave(), TASK, SETTINGS, KeywordJudge, KEPT, REMAINING)
    assert verdicts.schema == VERDICT_SCHEMA
    assert verdicts["id"].to_pylist() == wave()["id"].to_pylist()
    assert outcome(verdicts) == EXPECTED
    assert set(verdicts["revision"].to_pylist()) == {0}
    weights = dict(zip(verdicts["id"].to_pylist(), verdicts["weight"].to_pylist(), strict=True))
    kept = {"07": 0.75**2, "10": 0.75**2, "11": 0.75**2, "14": 0.95**2, "16": 0.95**2}
    assert weights == pytest.approx({id: kept.get(id, 0.0) for id in weights})
    scores = dict(zip(verdicts["id"].to_pylist(), map_column(verdicts, "scores"), strict=True))
    assert scores["01"] == {}
    assert scores["14"] == pytest.approx({"judge_confidence": 0.95, "judge_intended": 0.05, "judge_margin": 0.9})
    shares = dict(zip(verdicts["id"].to_pylist(), map_column(verdicts, "shares"), strict=True))
    assert shares["01"] == {}
    odds = 0.95**2 / (0.95**2 + 0.05**2 * math.exp(0.8))  # the judge's, squared, and a bonus for the intended label
    assert shares["14"] == {LOST: round(odds, 4), HOURS: round(1 - odds, 4)}
    assert sum(step.count for step in waterfall(wave(), verdicts)) == len(CASES)


def test_the_judge_leans_on_an_lm_that_keeps_its_labels(ray_session: None) -> None:
    texts = [f"a{n} b{n} c{n} card" for n in range(60)]
    table = rows(*({"id": f"{n:02}", "text": text, "intended_label": LOST} for n, text in enumerate(texts)))
    found = {}
    for keeps in ("usual", "estimated"):
        settings = SETTINGS.model_copy(update={"lm_keeps": keeps})
        found[keeps] = denoise_wave(table, TASK, settings, KeywordJudge, KEPT.slice(0, 0), {LOST: 60, HOURS: 0})
    share = share_kept(Evidence((np.array([[0.25, 0.75]] * 60),), np.ones(60, int)), ALONE)
    assert share > 0.9
    odds = 3 * share / (1 - share) / (USUAL / (1 - USUAL))
    assert found["usual"]["weight"].to_pylist() == pytest.approx([0.75**2] * 60)
    assert found["estimated"]["weight"].to_pylist() == pytest.approx([(odds / (1 + odds)) ** 2] * 60)
    usual, leant = (map_column(each, "shares")[0][LOST] for each in found.values())
    assert usual < leant


@pytest.mark.parametrize(("seed", "block_rows"), [(1, 1000), (2, 3)])
def test_order_and_spread_of_the_rows_do_not_matter(ray_session: None, seed: int, block_rows: int) -> None:
    order = random.Random(seed).sample(range(len(CASES)), len(CASES))
    kept = KEPT.take(random.Random(seed).sample(range(3), 3))
    judge = partial(KeywordJudge, [LOST, HOURS])
    known = know(kept.slice(2))  # it does not matter either whether a kept row has been read before
    verdicts = denoise_wave(
        wave(order), TASK, SETTINGS, judge, kept.slice(0, 2), REMAINING, block_rows=block_rows, known=known
    )
    assert verdicts["id"].to_pylist() == [CASES[index][0] for index in order]
    assert outcome(verdicts) == EXPECTED


@pytest.mark.parametrize("order", [None, [*range(len(CASES) - 1, -1, -1)]])
def test_a_stated_noise_takes_the_place_of_the_bars(ray_session: None, order: list[int] | None) -> None:
    """The surest three are wrong by .05, .05 and .25 on average .117; equal ones go by id."""
    settings = SETTINGS.model_copy(update={"target_noise": 0.12})
    second = SecondOpinion(partial(KeywordJudge, [LOST, HOURS]), Calibration((0.5, 0.5), 0.0))
    verdicts = denoise_wave(wave(order), TASK, settings, KeywordJudge, KEPT, REMAINING, second=second)
    found = outcome(verdicts)
    unsure, disagrees = (("agreement", "held", reason, None) for reason in ("judge_unsure", "label_disagrees"))
    changed = {"10": (LOST, *unsure), "15": (HOURS, *disagrees)} | {i: (HOURS, *unsure) for i in ("11", "13", "17")}
    assert found == EXPECTED | changed
    weights = dict(zip(verdicts["id"].to_pylist(), verdicts["weight"].to_pylist(), strict=True))
    kept = {"07": 0.75**2, "14": 0.95**2, "16": 0.95**2}
    assert weights == pytest.approx({id: kept.get(id, 0.0) for id in weights}, abs=1e-4)


@pytest.mark.parametrize(("said", "kept"), [(LOST, 8), (HOURS, 0)])
def test_what_people_said_moves_how_far_the_judge_is_trusted(ray_session: None, said: str, kept: int) -> None:
    """Forty rows that the judge took for lost cards, as they were meant: people found it right, or wrong."""
    settings = SETTINGS.model_copy(update={"target_noise": 0.12})
    audited = pa.table({"text": ["card"] * 40, "intended": [LOST] * 40, "label": [said] * 40})
    more = {LOST: 9, HOURS: 9}
    verdicts = denoise_wave(wave(), TASK, settings, KeywordJudge, KEPT, more, audited=audited)
    assert sum(status in ("accepted", "relabelled") for status in verdicts["status"].to_pylist()) == kept


def test_nothing_in_nothing_out(ray_session: None) -> None:
    verdicts = denoise_wave(wave([]), TASK, SETTINGS, KeywordJudge, KEPT.slice(0, 0), REMAINING)
    assert (verdicts.num_rows, verdicts.schema) == (0, VERDICT_SCHEMA)


def test_a_wave_of_waste_needs_no_judge(ray_session: None) -> None:
    verdicts = denoise_wave(wave([0, 1]), TASK, SETTINGS, broken_judge, KEPT.slice(0, 0), REMAINING)
    assert outcome(verdicts) == {i: EXPECTED[i] for i in ("01", "02")}


def test_banned_strings_are_counted(ray_session: None) -> None:
    verdicts = denoise_wave(wave([15]), TASK, SETTINGS, broken_judge, KEPT.slice(0, 0), REMAINING, banned=["a thief"])
    assert outcome(verdicts) == {"16": (LOST, "filter", "rejected", "banned", None)}
    assert waterfall(wave([15]), verdicts) == [Step(LOST, "rejected", "banned", 1)]


def test_without_a_judge_rows_keep_the_labels_they_were_made_for(ray_session: None) -> None:
    verdicts = denoise_wave(wave([0, 6, 13]), TASK, SETTINGS, None, KEPT.slice(0, 0), REMAINING)
    assert outcome(verdicts) == {"01": EXPECTED["01"], "07": (LOST, *PLAIN), "14": (HOURS, *PLAIN)}
    assert verdicts["weight"].to_pylist() == [0, 1, 1]
    assert map_column(verdicts, "scores") == [{}, {}, {}]


def test_tagged_texts_are_held_where_a_span_is_doubted(ray_session: None) -> None:
    table = rows(*({"id": str(n), "intended_label": "city", **tagged(*each)} for n, each in enumerate(TRIPS)))
    seeds = Tagged(table["tokens"].to_pylist()[:3], table["tags"].to_pylist()[:3])
    spans = Spans(("city", "time"), states_of_words, seeds, NOBODY)
    strict, new = DenoiseSettings(filters=ANY, least_span=0.3), table.slice(3)
    verdicts = denoise_wave(new, TASK, strict, None, KEPT.slice(0, 0), {"city": 9}, spans=spans)
    assert outcome(verdicts) == {
        "3": ("city", *PLAIN),
        "4": ("city", "agreement", "held", "span_slot_doubted", None),
        "5": ("city", "agreement", "held", "span_missing", None),
    }
    scores = dict(zip(verdicts["id"].to_pylist(), map_column(verdicts, "scores"), strict=True))
    assert set(scores["3"]) == {"span_slot", "span_boundary", "span_missing"}
    assert scores["4"]["span_slot"] < 0.3 < min(scores["3"].values())


TRIPS = [
    ("we flew to Rome at six", "Rome", "city", "six", "time"),
    ("she left Oslo before noon", "Oslo", "city", "noon", "time"),
    ("they reach Bonn by five today", "Bonn", "city", "five", "time"),
    ("nobody leaves Rome before noon", "Rome", "city", "noon", "time"),
    ("trains to Oslo run until six", "Oslo", "city", "six", "city"),
    ("Bonn is quiet by five", "Bonn", "city"),
]


def tagged(text: str, *marks: str) -> dict[str, Any]:
    slots = dict(zip(marks[::2], marks[1::2], strict=True))
    tokens = text.split()
    return {"text": text, "tokens": tokens, "tags": [f"B-{slots[each]}" if each in slots else "O" for each in tokens]}


def states_of_words() -> WordStates:
    """Of a word with a capital, of a time, and of another."""

    def states(texts: Sequence[Sequence[str]]) -> list[np.ndarray]:
        times = ("six", "noon", "five")
        return [np.array([[w[0].isupper(), w in times, w not in times] for w in text], np.float32) for text in texts]

    return states


def test_texts_with_several_labels_are_judged_by_set(ray_session: None) -> None:
    both = f"{LOST}+{HOURS}"
    table = rows(
        {"id": "1", "text": "Someone took my card away", "intended_label": LOST},
        {"id": "2", "text": "The card definitely went at noon", "intended_label": both},
        {"id": "3", "text": "Closed till noon", "intended_label": both},
    )
    remaining = {LOST: 3, both: 3}
    verdicts = denoise_wave(table, TASK, SETTINGS, KeywordJudge, KEPT.slice(0, 0), remaining, sets=remaining)
    assert outcome(verdicts) == {
        "1": (LOST, *PLAIN),
        "2": (LOST, "quota", "relabelled", "labels_missing", None),
        "3": (both, "agreement", "rejected", "labels_missing", None),
    }


def test_repeated_ids_are_refused() -> None:
    with pytest.raises(ValueError, match=r"repeated: \['01'\]"):
        denoise_wave(wave([0, 0, 1]), TASK, SETTINGS, KeywordJudge, KEPT, REMAINING)
    with pytest.raises(ValueError, match=r"repeated: \['k2'\]"):
        denoise_wave(rows({"id": "k2", "text": "x"}), TASK, SETTINGS, KeywordJudge, KEPT, REMAINING)


MEANT = [
    ("m1", "Lost my card again somehow", LOST, -1.0, PLAIN),
    ("m2", "The card I own is, well, lost", LOST, -2.0, ("semantic", "rejected", "semantic_duplicate", "m1")),
    # two seeds of this label are alike, so it asks for more than the other one
    ("m3", "Do I pay any fee for lost or stolen card replacement", LOST, -3.0, PLAIN),
    (
        "m4",
        "Is it open for a fee, on whichever Sunday",
        HOURS,
        -4.0,
        ("semantic", "rejected", "semantic_duplicate", "k4"),
    ),
    # one kept row is not held against another
    ("m5", "Closed at the weekend as ever", HOURS, -5.0, ("semantic", "rejected", "semantic_duplicate", "k5")),
]
KEPT_MEANT = pa.table(
    {
        "id": ["k6", "k5", "k4"],
        "text": ["Weekend: all closed", "The weekend, is that when you are closed", "Sunday is when they open"],
        "label": [HOURS, HOURS, HOURS],
    }
)


def test_rows_that_mean_the_same(ray_session: None) -> None:
    table = rows(*({"id": i, "text": t, "intended_label": of, "mean_logprob": p} for i, t, of, p, _ in MEANT))
    settings = DenoiseSettings(semantic_duplicate=0.75)
    given = table.take(pa.array([4, 2, 0, 3, 1])), TASK, settings, None, KEPT_MEANT, {LOST: 9, HOURS: 9}
    verdicts = denoise_wave(*given, meanings=Meanings(WordEncoder, KEPT_MEANT), block_rows=3)
    assert outcome(verdicts) == {i: (of, *verdict) for i, _, of, _, verdict in MEANT}


def test_meanings_are_compared_only_where_asked_for(ray_session: None) -> None:
    table = rows(*({"id": i, "text": t, "intended_label": of} for i, t, of, _, _ in MEANT))
    given = table, TASK, DenoiseSettings(), None, KEPT_MEANT, {LOST: 9, HOURS: 9}
    verdicts = denoise_wave(*given, meanings=Meanings(broken_encoder, KEPT_MEANT))
    assert set(verdicts["status"].to_pylist()) == {"accepted"}


def broken_encoder() -> WordEncoder:
    raise AssertionError("nothing is to be embedded")


def broken_judge() -> KeywordJudge:
    raise AssertionError("nothing is left to judge")
