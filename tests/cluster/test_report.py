"""The report on a small hand-made run: exact numbers, sums, hostile text, missing parts."""

from __future__ import annotations

import dataclasses
from datetime import UTC, datetime
from html.parser import HTMLParser
from itertools import pairwise
from typing import Any

import pyarrow as pa
import pytest

from cluster.mapping import MAP_SCHEMA
from cluster.report import render_report, segments, waterfall
from cluster.report_data import ReportData, report_data, task_labels
from cluster.report_flow import Flow
from cluster.report_maps import data_map, row_map
from cluster.report_parts import Parts
from cluster.report_scores import wilson
from cluster.report_summary import Summary, summarise
from cluster.visible import visible
from generation.records import rows_table, verdicts_table

HOSTILE = (
    "<script>document.title='owned'</script>",
    '"><img src=x onerror="document.title=1">',
    "{{7*7}} {% raw %}",
    "</textarea></details></table><h1 id=injected>",
    "abc\u202egnp.exe\u202c\x00\x1b[31m",
)
RUN: dict[str, Any] = {
    "run_id": "r1",
    "name": "weather",
    "description": "Short reports.",
    "labels": [{"name": "rain", "description": "It rains."}, {"name": "sun", "description": "It shines."}],
    "identity": {"generation": {"temperature": 0.7, "template": "/data/private/prompt.j2"}, "filters": ["a", "b"]},
    "versions": {"labelmill": "0.1.0"},
    "hardware": {"cpus": 2, "hostname": "secret-host"},
    "model": {"name": "/data/private/tiny-lm", "hash": "m0del"},
    "created": "2026-01-01",
}
SEEDS = {"s1": "It pours.", "s2": "Blue sky."}
# id, intended label, verdict (status, reason, final label); None waits
FATES: list[tuple[str, str, tuple[str, str | None, str] | None]] = [
    ("a", "rain", ("accepted", None, "rain")),
    ("b", "rain", ("accepted", None, "rain")),
    ("c", "rain", ("relabelled", "label_disagrees", "sun")),
    ("d", "rain", ("rejected", "near_duplicate", "rain")),
    ("e", "rain", ("rejected", "near_duplicate", "rain")),
    ("f", "rain", ("rejected", "too_short", "rain")),
    ("g", "rain", ("surplus", "over_quota", "rain")),
    ("h", "rain", None),
    ("i", "sun", ("accepted", None, "sun")),
    ("j", "sun", ("held", "for_audit", "sun")),
    ("k", "sun", ("rejected", "label_disagrees", "rain")),
]
SCORES = {"accuracy": 0.875, "macro_f1": 0.871, "confusion": [[4, 0], [1, 3]]}
METRICS: list[dict[str, Any]] = [
    {
        "round": 0,
        "quota": 4,
        "accepted": {"rain": 2, "sun": 2},
        "generated": 11,
        "waves": [{"wave": 0, "requests": 11, "rows": 11, "accepted": 4, "seconds": 2.5}],
        "tokens": {"prompt": 1000, "output": 200, "lost": 37},
        "seconds": {"generate": 100, "judge": 61.0},
        "stop_reason": "token budget spent",
        "diversity": {"rain": {"distinct_2": 0.5}, "sun": {"distinct_2": 0.25, "clusters": 3}},
        "test": {
            "rows": 8,
            "near_duplicates_of_dataset": 1,
            "student": SCORES
            | {
                "per_class": {
                    "rain": {"precision": 0.8, "recall": 1.0, "f1": 0.889, "support": 4},
                    "sun": {"precision": 1.0, "recall": 0.75, "f1": 0.857, "support": 4},
                }
            },
            "baselines": {
                "plain fine-tuning": {"accuracy": 0.5, "macro_f1": 0.45, "per_class": {"rain": {"f1": 0.6}}},
                "contrastive": {"accuracy": 0.9, "macro_f1": 0.9, "per_class": {"rain": {"f1": 0.7}}},
            },
        },
    }
]


def row(key: str, label: str, text: str = "Drops on the window.") -> dict[str, Any]:
    lineage = {"method": "completion", "model": "/data/private/tiny-lm", "model_hash": "m0del", "engine": "engine-0"}
    numbers = {"round": 0, "wave": 0, "prompt_tokens": 90, "output_tokens": 9, "mean_logprob": -0.5}
    made = {"seed_ids": ["s1"], "prompt_hash": "pr0mpt", "sampling": {"temperature": 0.7, "seed": 1893013662.0}}
    return {"id": key, "request_id": f"q-{key}", "text": text, "label": label, "intended_label": label} | {
        **lineage,
        **numbers,
        **made,
        "source": "generated",
    }


def verdict(key: str, status: str, reason: str | None, label: str, revision: int = 1) -> dict[str, Any]:
    moment = datetime(2026, 1, 1, tzinfo=UTC)
    survivor = "a" if reason == "near_duplicate" else None
    scores = {"judge_confidence": 0.87, "judge_margin": 0.5}
    return dict(
        id=key,
        status=status,
        reason=reason,
        label=label,
        revision=revision,
        scores=scores,
        survivor_id=survivor,
        at=moment,
    )


def view(rows: pa.Table | None = None, metrics: list[dict[str, Any]] = METRICS, **run: Any) -> ReportData:
    older = [verdict("a", "rejected", "too_short", "rain", revision=0)]
    verdicts = verdicts_table([*older, *(verdict(key, *fate) for key, _, fate in FATES if fate)])
    made = rows_table([row(key, label) for key, label, _ in FATES]) if rows is None else rows
    return report_data(RUN | run, 12, counted(made, verdicts), metrics, len(SEEDS))


def counted(rows: pa.Table, verdicts: pa.Table, run: dict[str, Any] = RUN, seeds: dict[str, str] = SEEDS) -> Summary:
    return summarise(Parts.of(rows), Parts.of(verdicts), task_labels(run), seeds)


def places(text: str = "It pours.") -> pa.Table:
    """A map of two labels, one of them `text`."""
    names = ("id", "text", "label", "outcome", "round", "x", "y", "confidence", "variability")
    rows = [("a", text, text, "kept", 0, 0.5, 0.5, 0.9, 0.1), ("s", text, "sun", "seed", None, -1, -1, 0.4, 0.3)]
    return pa.Table.from_pylist([dict(zip(names, each, strict=True)) for each in rows], MAP_SCHEMA)


class Page(HTMLParser):
    """Tags, attributes and text of a page."""

    def __init__(self, html: str) -> None:
        super().__init__()
        self.tags: list[tuple[str, dict[str, str | None]]] = []
        self.words: list[str] = []
        self.feed(html)
        self.text = " ".join(" ".join(self.words).split())

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.tags.append((tag, dict(attrs)))

    def handle_data(self, data: str) -> None:
        self.words.append(data)


def test_the_student_is_the_promoted_one() -> None:
    later = {"round": 1, "test": {"rows": 9}, "dev": {"rows": 3}}
    both = [METRICS[0] | {"dev": {"rows": 2}}, later]
    shown = [report_data(RUN, 12, view().rows, both, 2, promoted=number) for number in (0, 1, None, 7)]
    assert [each.test.round for each in shown if each.test] == [0, 1, 1, 1]
    assert [each.dev for each in shown] == [{"rows": 2}, *[{"rows": 3}] * 3]


def test_waste_of_each_label_sums_to_what_was_generated() -> None:
    data = view()
    assert data.reasons == (
        "near duplicate", "label disagrees", "too short", "held: for audit", "over quota", "no verdict yet",
    )  # fmt: skip
    rain, sun = data.flows
    assert rain == Flow("rain", 8, (2, 0, 1, 0, 1, 1), moved_away=1, confirmed=2, moved_in=0, quota=4)
    assert sun == Flow("sun", 3, (0, 1, 0, 1, 0, 0), moved_away=0, confirmed=1, moved_in=1, quota=4)
    assert data.total == Flow("all labels", 11, (2, 1, 1, 1, 1, 1), moved_away=1, confirmed=3, moved_in=1, quota=8)
    assert [flow.kept for flow in (rain, sun, data.total)] == [2, 2, 4]


def test_a_flow_that_does_not_sum_is_refused() -> None:
    with pytest.raises(ValueError, match=r"waste of 'rain' must sum to 5 generated rows; got 4"):
        Flow("rain", 5, (1,), moved_away=1, confirmed=2, moved_in=0, quota=None)


def test_bars_follow_each_other_without_gap_or_overlap() -> None:
    data = view()
    fall = waterfall(data.total, data.reasons)
    assert [(step.name, step.rows) for step in fall][:2] == [("generated", 11), ("near duplicate", 2)]
    for above, below in pairwise(fall[1:]):
        assert below.start + below.width == pytest.approx(above.start)
    stacked = segments(data.flows[0], data.reasons)
    assert [(part.kind, part.rows) for part in stacked] == [
        ("kept", 2), ("moved", 1), ("loss0", 2), ("loss2", 1), ("surplus", 1), ("waiting", 1),
    ]  # fmt: skip
    assert stacked[0].start == 0 and stacked[-1].start + stacked[-1].width == pytest.approx(100)


def test_rows_without_intended_label_and_labels_outside_the_task_are_counted() -> None:
    rows = rows_table([row("a", "rain") | {"intended_label": None}, row("zz", "snow"), row("yy", "") | {"label": None}])
    assert [(flow.label, flow.generated) for flow in view(rows).flows] == [
        ("rain", 1), ("sun", 0), ("(no label)", 1), ("snow", 1),
    ]  # fmt: skip


def test_quotas_tokens_and_seconds_add_up_over_rounds() -> None:
    second = {"round": 1, "quota": {"rain": 6}, "tokens": {"prompt": 5}, "seconds": {"generate": 1}}
    data = view(metrics=[*METRICS, second])
    assert [flow.quota for flow in data.flows] == [10, 4]
    assert [flow.quota for flow in view(metrics=[*METRICS, second | {"wanted": 8}]).flows] == [8, 8]
    assert data.tokens == {"prompt": 1005, "output": 200, "lost": 37}
    assert data.seconds == {"generate": 101, "judge": 61.0}
    assert data.test is not None and data.test.round == 0


def test_samples_show_lineage_and_vary_reasons() -> None:
    data = view()
    assert [(sample.id, sample.outcome) for sample in data.samples if sample.intended == "rain"] == [
        ("a", "kept"), ("b", "kept"), ("c", "moved"), ("d", "lost"), ("f", "lost"), ("e", "lost"),
    ]  # fmt: skip
    moved, duplicate = data.samples[2], data.samples[3]
    assert (moved.intended, moved.final, moved.confidence, moved.exemplars) == ("rain", "sun", 0.87, ("It pours.",))
    assert moved.lineage["sampling"] == "seed 1893013662, temperature 0.7"
    assert duplicate.survivor == "Drops on the window."


def test_many_labels_show_fewer_rows_each() -> None:
    labels = [{"name": f"l{number:02}"} for number in range(77)]
    rows = rows_table([row(f"{number:04}", f"l{number % 77:02}") for number in range(77 * 12)])
    verdicts = verdicts_table([verdict(f"{n:04}", "accepted", None, f"l{n % 77:02}") for n in range(77 * 12)])
    run = {"labels": labels}
    data = report_data(run, 924, counted(rows, verdicts, run), [], 0)
    assert len(data.samples) == 77 * 4
    assert "77" in render_report(data)


def test_each_reason_has_examples() -> None:
    rows = rows_table([row(key, label, f"text {key}") for key, label, _ in FATES])
    assert view(rows).rows.examples == {
        "near duplicate": ("text d", "text e"),
        "label disagrees": ("text k",),
        "too short": ("text f",),
        "held: for audit": ("text j",),
    }
    assert "text f" in Page(render_report(view(rows))).text


def test_copies_and_labels_at_odds_are_shown() -> None:
    rows = rows_table([row(key, label, f"text {key}") for key, label, _ in FATES])
    text = Page(render_report(view(rows))).text
    assert "3 1 rain 3 text a ×2 kept text e near duplicate" not in text  # near duplicates are no exact copies
    assert "3 0 rain 3 text a kept text d near duplicate text e near duplicate" in text
    assert "No duplicate was made for another label than the row that stands for it has." in text
    moved = [
        dict(verdict("a", "relabelled", "label_disagrees", "sun")),
        verdict("d", "rejected", "near_duplicate", "rain"),
    ]
    told = Page(render_report(report_data(RUN, 2, counted(rows, verdicts_table(moved)), [], 2))).text
    assert "1 duplicates were made for another label" in told
    assert "sun rain 1 text a text d" in told


def test_rounds_are_drawn_from_the_first_on() -> None:
    page = Page(render_report(view()))
    assert "One round has finished; each further one adds a point." in page.text
    assert "How many labels are wrong is not shown" in page.text
    drawn = [attributes["aria-label"] for tag, attributes in page.tags if attributes.get("class") == "chart"]
    assert drawn == [
        "Accuracy on the test texts by round: student round 0 87.5%; best baseline round 0 90.0%",
        "Tokens per accepted row by round: round 0 309",
    ]
    noisy = METRICS[0] | {"noise": {"share": 0.1, "low": 0.05, "high": 0.2}}
    told = Page(render_report(view(metrics=[noisy]))).text
    assert "round 0: by the judge 10.0% (5.0% to 20.0%)" in told and "is not shown" not in told
    assert 'id="h-rounds"' not in render_report(view(metrics=[]))


def test_the_maps_are_drawn() -> None:
    data = report_data(RUN, 2, view().rows, METRICS, 2, None, [], places())
    page = Page(render_report(data))
    groups = [each for tag, each in page.tags if tag == "g" and "data-round" in each]
    assert [(each["data-label"], each["data-round"], each["class"]) for each in groups] == [
        ("2", "0", "c2 now"), ("1", "seed", "c1 seed"),
    ]  # fmt: skip
    assert sum(tag == "use" and "x" in each for tag, each in page.tags) == 4
    assert "It pours. It pours. (round 0, kept)" in page.text
    assert "It pours. 0.90 0.10 It pours." in page.text
    assert "map" not in {each.get("id") for _, each in Page(render_report(view())).tags}


def test_a_drop_in_diversity_is_told() -> None:
    drop = {"label": None, "measure": "distinct_2", "before": 0.81, "now": 0.5, "texts": 40}
    told = "Less varied than a round ago: all labels , distinct 2 0.810 → 0.500 in 40 texts."
    assert told in Page(render_report(view(metrics=[METRICS[0] | {"diversity_drops": [drop]}]))).text


def test_alarms_of_bias_are_told() -> None:
    found = {"alarms": ["rows are odd"], "flips": {"rows": 30, "flipped": 9, "examples": [["he is", "she is"]]}}
    text = Page(render_report(view(metrics=[METRICS[0] | {"bias": found}]))).text
    assert "Alarm: rows are odd." in text
    assert "9 of 30 rows get another label" in text
    quiet = {"alarms": [], "flips": {"rows": 3, "flipped": 0, "examples": []}}
    assert "No label hangs on" in Page(render_report(view(metrics=[METRICS[0] | {"bias": quiet}]))).text


def test_what_rounds_brought() -> None:
    told = {
        "quota": {"rain": 5, "sun": 3},
        "wanted": 8,
        "moved": {"rain": 1, "sun": -1},
        "aim": {"even": {"rain": 4, "sun": 4}},
        "held_out": {"basis": "dev", "rows": 50, "accuracy": 0.9},
        "gain": {"share": 0.04, "low": -0.021, "high": 0.1, "over": 0},
        "noise": {"share": 0.031},
        "labels_kept": 0.68,
        "new_clusters": 0.25,
        "alarms": [{"label": None, "measure": "vendi", "before": 12.0, "now": 6.0, "texts": 40}],
        "promotion": {"promoted": False, "over": 0, "why": "it is worse"},
        "decision": {"wanted": None, "stop": "rounds", "why": "all rounds are made"},
    }
    data = view(metrics=[METRICS[0] | told])
    assert [flow.quota for flow in data.flows] == [9, 7]
    text = Page(render_report(data)).text
    assert "+4.0 −2.1 to +10.0 50 seeds 68.0% 3.1% 25.0% rain (5 rows, not 4) not promoted: it is worse" in text
    assert "since the first round texts have lost variety: all labels , vendi 12.000 → 6.000 in 40 texts." in text
    assert "No further round came: all rounds are made." in text
    assert "No further round" not in Page(render_report(view())).text


def test_page_states_the_numbers() -> None:
    text = Page(render_report(view())).text
    for expected in (
        "2 seeds became 4 labelled rows",
        "scores 87.5% on 8 held-out texts: 2.5 points below the better of the seeds-only baselines",
        "of 11 generated, 36.4%; 8 wanted",
        "Against plain fine-tuning +37.5 points; on the seeds alone it scores 50.0%",
        "Against contrastive −2.5 points; on the seeds alone it scores 90.0%",
        "Tokens per kept row 309 1,237 in all, 37 of them lost to failed engines",
        "95% interval 52.9% to 97.8%; macro F1 87.1%",
        "rain 2 4 50% 25%",
        "− near duplicate 2 18.2%",
        "generate 1 min 40 s judge 1 min 01 s sum 2 min 41 s",
        "0 11 4 36.4% 1 1,237 2 min 41 s 87.5% token budget spent",
        "1 of them is a near duplicate of a row in the dataset",
        "rain 4 80.0% 100.0% 88.9% 60.0% 70.0% +18.9",
        "sun 4 100.0% 75.0% 85.7% – – –",
        "sun taken for rain (1)",
        "generation.temperature 0.7",
        "filters a, b",
        "sun 0.250 3",
    ):
        assert expected in text


def test_folders_and_host_names_stay_out() -> None:
    html = render_report(view())
    assert "/data/private" not in html and "secret-host" not in html
    assert "tiny-lm" in html and "prompt.j2" in html


@pytest.mark.parametrize("bad", HOSTILE)
def test_hostile_text_is_only_ever_text(bad: str) -> None:
    fields = row("a", bad, bad) | {"method": bad, "engine": bad, "attributes": {bad: bad}, "finish_reason": bad}
    rows = rows_table([fields, row("k", bad, bad)])
    labels = [{"name": bad, "description": bad}, {"name": "sun", "description": bad}]
    seeds = {"s1": bad}
    verdicts = verdicts_table([verdict("a", "accepted", None, bad), verdict("k", "rejected", bad, "sun")])
    metrics = [METRICS[0] | {"stop_reason": bad, "quota": {bad: 3}, "diversity": {bad: {bad: 1}}, "seconds": {bad: 1}}]
    run = RUN | {"name": bad, "description": bad, "labels": labels, "identity": {bad: bad}, "run_id": bad}
    told = counted(rows, verdicts, run, seeds)
    html = render_report(report_data(run, 2, told, metrics, 1, None, [], places(bad)))
    page = Page(html)
    ours = Page(render_report(dataclasses.replace(view(), rowmap=row_map(places(), []), datamap=data_map(places()))))
    assert visible(bad) in "".join(page.words)
    assert {tag for tag, _ in page.tags} <= {tag for tag, _ in ours.tags}
    assert [tag for tag, _ in page.tags].count("script") == 1
    assert not [name for _, attributes in page.tags for name in attributes if name.startswith("on")]
    assert not set(html) & set("\x00\x1b\u202e\u202c")
    if "<" in bad:
        assert bad not in html


def test_page_needs_nothing_from_outside_and_no_style_attribute() -> None:
    page = Page(render_report(view()))
    policy = next(attributes["content"] for tag, attributes in page.tags if "http-equiv" in attributes)
    assert policy is not None and policy.startswith("default-src 'none'; style-src 'sha256-")
    assert "unsafe" not in policy
    for _, attributes in page.tags:
        assert not attributes.keys() & {"style", "src", "action"}
        assert (attributes.get("href") or "#").startswith("#")


def test_tables_have_headers_with_scope() -> None:
    page = Page(render_report(view()))
    assert all(attributes.get("scope") in ("col", "row") for tag, attributes in page.tags if tag == "th")


def test_a_run_that_has_only_begun_renders() -> None:
    for run in ({}, {"name": "new", "labels": RUN["labels"]}):
        text = Page(
            render_report(report_data(run, 0, counted(rows_table([]), verdicts_table([]), run, {}), [], 0))
        ).text
        assert "No row has been kept yet." in text and "No row has a verdict yet." in text


@pytest.mark.parametrize("missing", [*METRICS[0], "student", "baselines", "rows", "near_duplicates_of_dataset"])
def test_any_metric_may_be_missing(missing: str) -> None:
    metric = {name: value for name, value in METRICS[0].items() if name != missing}
    if "test" in metric:
        metric["test"] = {name: value for name, value in metric["test"].items() if name != missing}
    assert "token budget spent" in render_report(view(metrics=[metric])) or missing == "stop_reason"


def test_no_test_set_is_said() -> None:
    text = Page(render_report(view(metrics=[METRICS[0] | {"test": None}]))).text
    assert "No test set was given, so the student was not measured." in text
    assert "2 seeds became 4 labelled rows ." in text


def test_equal_views_give_equal_pages_and_views_are_frozen() -> None:
    assert render_report(view()) == render_report(view())
    with pytest.raises(dataclasses.FrozenInstanceError):
        view().requests = 3  # type: ignore[misc]


def test_wilson_interval_matches_the_textbook() -> None:
    assert wilson(0.5, 100) == pytest.approx((0.4038, 0.5962), abs=1e-4)
    assert wilson(1.0, 10) == pytest.approx((0.7225, 1.0), abs=1e-4)


def test_cost_per_kept_row() -> None:
    assert "Cost per kept row" not in Page(render_report(view())).text
    priced = [METRICS[0] | {"cost": {"total": 0.5, "per_accepted_row": 0.125}}, METRICS[0] | {"cost": None}]
    assert (
        "Cost per kept row 0.125 0.5 in all, in the currency of the prices given"
        in Page(render_report(view(metrics=priced))).text
    )


def test_mistakes_on_held_out_seeds_are_shown_without_a_test_set() -> None:
    near = {"id": "i7", "text": HOSTILE[1], "label": "sun", "similarity": 0.875}
    wrong = {"text": HOSTILE[0], "gold": "rain", "predicted": "sun", "confidence": 0.91, "gold_probability": 0.02}
    dev = {"rows": 8, "accuracy": 0.875, "macro_f1": 0.871, "truncated": 0.0, "worst": [wrong | {"nearest": [near]}]}
    page = Page(render_report(view(metrics=[METRICS[0] | {"test": None, "dev": dev}])))
    for told in (
        "Of the 8 seeds that were held out to choose it, it got 87.5% right.",
        "Its 1 worst mistakes among them, and the rows of the dataset that it sees nearest to them",
        "rain , which it gave 2.0%; said sun , confidence 91.0%",
        "sun , i7, 0.88",
    ):
        assert told in page.text, told


def test_what_the_student_is_worth_is_shown() -> None:
    worst = {
        "text": HOSTILE[0],
        "gold": ["B-rain", "O"],
        "predicted": "sun",
        "confidence": 0.91,
        "gold_probability": 0.02,
        "nearest": [{"id": "i", "text": HOSTILE[1], "label": "sun", "similarity": 0.875}],
    }
    details = {
        "intervals": {"macro_f1": [0.5, 0.95]},
        "auroc": 0.77,
        "calibration": {
            "temperature": 1.25,
            "fitted_on": 6,
            "ece_before": 0.21,
            "ece": 0.14,
            "reliability": [{"rows": 8, "confidence": 0.9, "accuracy": 0.75}],
        },
        "risk_coverage": {"50%": 1.0, "100%": 0.875, "area": 0.04},
        "slices": {"length": {"1-4 words": {"rows": 8, "accuracy": 0.875, "macro_f1": 0.871}}},
        "truncated": 0.125,
        "worst": [worst],
    }
    test = METRICS[0]["test"]
    metric = METRICS[0] | {
        "test": test | {"student": test["student"] | details, "unseen_labels": {"fog": 3}},
    }
    page = Page(render_report(view(metrics=[metric])))
    for told in (
        "Nothing in training has the label of fog (3 texts).",
        "87.1% 50.0% – 95.0%",
        "Expected calibration error 14.0%, 21.0% before its logits were divided by a temperature of 1.25, fitted on 6",
        "AUROC, the mean over labels: 77.0%. 12.5% of the texts were cut",
        "Accuracy if only the surest texts are taken: 50% 100.0%, 100% 87.5%.",
        "1-4 words",
        "B-rain O , which it gave 2.0%; said sun , confidence 91.0%",
    ):
        assert told in page.text, told
    assert not [tag for tag, _ in page.tags if tag == "img"]
