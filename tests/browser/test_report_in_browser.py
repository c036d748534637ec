"""The report in a real browser, opened from a file: hostile rows stay text and the layout holds."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pyarrow as pa
import pytest
from chromium import Browser, find_chromium

from cluster.mapping import MAP_SCHEMA
from cluster.report import render_report
from cluster.report_data import report_data, task_labels
from cluster.report_parts import Parts
from cluster.report_summary import summarise
from generation.records import rows_table, verdicts_table

HOSTILE = (
    "<script>document.title='owned'</script>",
    "<h1 id=injected>big</h1><img src=x onerror=\"document.title='owned'\">",
    '" autofocus onfocus="document.title=1',
    "</span></summary></details></section></textarea></script><style>body{display:none}</style>",
    "\u202egnp.exe\x00\x1b[31m",
    "W" * 5000,
    "Z" + "\u0301\u0335\u0489" * 200,
    "javascript:document.title='owned'",
)
LABELS = ("plain", '"><b id=injected>', "L" * 300)


@pytest.fixture(scope="module")
def page(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A report whose every text field is hostile."""
    rows, verdicts, seeds = [], [], {f"s{number}": text for number, text in enumerate(HOSTILE)}
    for number, text in enumerate(HOSTILE * 3):
        label, key = LABELS[number % 3], f"{number:03}"
        lineage: dict[str, Any] = {"method": text, "engine": text, "attributes": {text: text}, "seed_ids": list(seeds)}
        rows.append({"id": key, "text": text, "label": label, "intended_label": label, **lineage})
        status, reason = ("accepted", None) if number % 2 else ("rejected", text)
        said = {"id": key, "revision": 0, "status": status, "reason": reason, "label": label}
        verdicts.append(said | {"survivor_id": "001" if number % 2 == 0 else None})
    score = {"accuracy": 0.9, "macro_f1": 0.9, "confusion": [[9, 1, 0], [0, 8, 2], [1, 0, 9]]}
    test = {"rows": 30, "student": score, "baselines": {HOSTILE[0]: score | {"accuracy": 0.8}}}
    metrics = [{"round": 0, "quota": 9, "generated": 24, "stop_reason": HOSTILE[3], "test": test}]
    metrics.append(metrics[0] | {"round": 1, "noise": {"share": 0.1, "low": 0.02, "high": 0.2}})
    labels = [{"name": label, "description": HOSTILE[1]} for label in LABELS]
    run = {"name": "browser-check", "description": HOSTILE[0], "labels": labels, "identity": {"note": HOSTILE[5]}}
    made = tmp_path_factory.mktemp("report") / "report.html"
    counted = summarise(Parts.of(rows_table(rows)), Parts.of(verdicts_table(verdicts)), task_labels(run), seeds)
    made.write_text(render_report(report_data(run, 24, counted, metrics, len(seeds), None, [], places())))
    return made


def places() -> pa.Table:
    """A map of hostile texts: eight rows of each label in two rounds, and eight seeds."""
    names = ("id", "text", "label", "outcome", "round", "x", "y", "confidence", "variability")
    rows = []
    for number, text in enumerate(HOSTILE * 4):
        outcome = "seed" if number >= 24 else ("kept", "moved", "lost")[number % 7 % 3]
        at = (number * 0.37 % 2 - 1, number * 0.71 % 2 - 1, number * 0.13 % 1, number * 0.07 % 0.5)
        rows.append((str(number), text, LABELS[number % 3], outcome, None if number >= 24 else number % 2, *at))
    return pa.Table.from_pylist([dict(zip(names, each, strict=True)) for each in rows], MAP_SCHEMA)


@pytest.fixture(scope="module")
def browser(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Browser]:
    binary = find_chromium()
    if binary is None:
        pytest.skip("no chromium on PATH: apt-get install chromium")
    with Browser(binary, tmp_path_factory.mktemp("profile")) as started:
        yield started


@pytest.mark.parametrize("script", [True, False])
@pytest.mark.parametrize(("width", "dark"), [(1280, False), (390, True)])
def test_hostile_rows_neither_run_nor_break_the_layout(
    browser: Browser, page: Path, width: int, dark: bool, script: bool
) -> None:
    browser.open(page, width, dark, script)
    browser.ask("document.querySelectorAll('details').forEach((row) => { row.open = true })")
    assert browser.ask("document.title") == "browser-check · labelmill report"
    assert (
        browser.ask("document.querySelectorAll('#injected, img, b:not(.times), section section, main style').length")
        == 0
    )
    assert browser.ask("document.scripts.length") == 1
    assert browser.ask("document.querySelectorAll('#samples .row').length") == 24
    assert browser.ask("document.documentElement.scrollWidth") == width
    assert browser.ask("document.querySelectorAll('main > section').length") == 10
    assert browser.ask("getComputedStyle(document.body).backgroundColor") == (
        "rgb(20, 22, 20)" if dark else "rgb(251, 250, 247)"
    )
    assert browser.ask("document.getElementById('filter').hidden") is not script
    assert browser.ask("document.getElementById('map-filter').hidden") is not script
    assert browser.ask("document.querySelectorAll('svg text, svg title').length") > 40
    width_of = "(id) => document.getElementById(id).getBoundingClientRect().width"
    assert all(0 < size <= max(width, 544) for size in browser.ask(f"['rowmap', 'rounds', 'learnt'].map({width_of})"))


def test_nothing_is_requested_and_the_policy_is_never_hit(browser: Browser, page: Path) -> None:
    browser.open(page, 1280)
    requests = [event["params"]["request"]["url"] for event in browser.events if event["method"].endswith("WillBeSent")]
    assert requests == [page.as_uri()]
    assert [event for event in browser.events if event["method"] in ("Log.entryAdded", "Runtime.exceptionThrown")] == []


def test_filter_narrows_the_rows(browser: Browser, page: Path) -> None:
    browser.open(page, 1280)
    shown = "[...document.querySelectorAll('#samples .row')].filter((row) => row.checkVisibility()).length"
    choose = "(id, value) => { const f = document.getElementById(id); f.value = value;"
    change = " f.dispatchEvent(new Event('input', { bubbles: true })); }"
    assert browser.ask(shown) == 24
    browser.ask(f"({choose}{change})('filter-label', '1')")
    assert browser.ask(shown) == 8
    browser.ask(f"({choose}{change})('filter-text', 'gnp.EXE no such row')")
    assert browser.ask(shown) == 0
    assert browser.ask("document.getElementById('filter-count').value") == "0 of 24 rows"


def test_the_map_is_filtered_by_label_and_round_and_stays_where_it_is(browser: Browser, page: Path) -> None:
    browser.open(page, 1280)
    shown = "[...document.querySelectorAll('#rowmap g:not(.away)')].map((g) => [g.dataset.label, g.dataset.round])"
    box = "(({ width, height }) => [width, height])(document.getElementById('rowmap').getBoundingClientRect())"
    change = "((id, value) => { const f = document.getElementById(id); f.value = value;"
    change += " f.dispatchEvent(new Event('input', { bubbles: true })); })"
    before, size = browser.ask(shown), browser.ask(box)
    assert before == [
        ["0", "0"],
        ["0", "1"],
        ["1", "0"],
        ["1", "1"],
        ["2", "0"],
        ["2", "1"],
        *([n, "seed"] for n in "012"),
    ]
    browser.ask(f"{change}('map-label', '1')")
    assert browser.ask(shown) == [["1", "0"], ["1", "1"], ["1", "seed"]]
    names = "[...document.querySelectorAll('#rowmap .name')].filter((name) => name.checkVisibility()).length"
    assert browser.ask(names) == 1
    browser.ask(f"{change}('map-round', 'seed')")
    assert browser.ask(shown) == [["1", "seed"]]
    assert browser.ask(box) == size
    browser.ask(f"{change}('map-label', '')")
    browser.ask(f"{change}('map-round', '')")
    assert browser.ask(shown) == before


def test_text_has_enough_contrast(browser: Browser, page: Path) -> None:
    """WCAG AA (4.5 to 1) for body, muted and signed text on the page in both schemes."""
    script = """(() => {
      const rgb = (value) => value.match(/[\\d.]+/g).slice(0, 3).map((part) => part / 255);
      const light = (value) => rgb(value).map((c) => c <= .04045 ? c / 12.92 : ((c + .055) / 1.055) ** 2.4)
        .reduce((sum, c, i) => sum + c * [.2126, .7152, .0722][i], 0);
      const back = light(getComputedStyle(document.body).backgroundColor);
      return ['body', '.note', '.soft', '.up', '.facts', '.why', '.row.lost .text'].map((name) => {
        const front = light(getComputedStyle(document.querySelector(name)).color);
        return (Math.max(front, back) + .05) / (Math.min(front, back) + .05);
      });
    })()"""
    for dark in (False, True):
        browser.open(page, 1280, dark)
        assert min(browser.ask(script)) > 4.5
