"""The pictures in docs/review.md, of a run of rows written for this purpose.

    python benchmarks/review_pictures.py docs

Needs the package playwright and a Chromium on PATH.
"""

from __future__ import annotations

import shutil
import tempfile
import threading
from pathlib import Path
from typing import Annotated, Any

import typer

from cluster.audit.lots import open_lot
from cluster.config import load_config
from cluster.dataset import materialise
from cluster.review.app import rows_site
from cluster.review.opening import open_desk
from cluster.review.server import listening, make_server
from cluster.store import Store
from generation.examples import read_examples
from generation.kinds import make_kind
from generation.records import digest, rows_table, verdicts_table

TASK = Path(__file__).parents[1] / "examples" / "support_tickets" / "task.yaml"
SIZE = {"width": 1280, "height": 800}
SHOWN = "delivery_late"
SLOTS = [
    {"name": "place", "description": "a town or a station that the traveller goes to or comes from"},
    {"name": "time", "description": "a day or an hour of the journey"},
    {"name": "seat", "description": "how the traveller wants to sit"},
]
JOURNEYS = [
    "Two window seats from Leeds to York on [time: Friday morning] please",
    "Is there a train from [place: Ghent] to [place: Bruges] after [time: nine tonight]?",
    "I need an aisle seat to [place: Porto] for [time: the 8 May]",
]


def main(folder: Annotated[Path, typer.Argument(help="where the pictures go")]) -> None:
    """Serve two runs and take a picture of each."""
    from playwright.sync_api import sync_playwright

    with tempfile.TemporaryDirectory() as scratch, sync_playwright() as started:
        binary = shutil.which("chromium") or shutil.which("google-chrome")
        browser = started.chromium.launch(executable_path=binary, args=["--no-sandbox"])
        picture(browser, tickets(Path(scratch) / "tickets"), folder / "review-row.png", "light", 34)
        picture(browser, journeys(Path(scratch) / "journeys"), folder / "review-spans.png", "dark", 0)


def picture(browser: Any, store: Store, to: Path, scheme: str, answers: int) -> None:
    """A picture of the page after some answers, one of them another label."""
    site = rows_site(*open_desk(store, open_lot(store), 10))
    with listening("127.0.0.1", 0) as opened:
        server = make_server(site.gated())
        thread = threading.Thread(target=server.run, args=([opened],))
        thread.start()
        page = browser.new_context(viewport=SIZE, color_scheme=scheme).new_page()
        page.goto(f"http://127.0.0.1:{opened.getsockname()[1]}/")
        page.keyboard.type("anna")
        page.keyboard.press("Enter")
        page.wait_for_selector("main[data-row]")
        for number in range(answers):
            _press(page, "d" if number == answers // 2 else "a")
        for _ in range(40):
            if not answers or page.locator("article h1 bdi").inner_text() == SHOWN:
                break
            _press(page, "s")
        page.screenshot(path=to)
        server.should_exit = True
        page.close()
        thread.join()


def _press(page: Any, key: str) -> None:
    row = page.get_attribute("main", "data-row")
    page.keyboard.press(key)
    page.wait_for_function("row => document.querySelector('main').dataset.row !== row", arg=row)


def tickets(folder: Path) -> Store:
    """The example's held-out rows as if a model had written them; the judge has moved some."""
    config = load_config(TASK, [])
    kind = make_kind(config.kind, [label.name for label in config.labels])
    seeds, written = (read_examples(TASK.parent / name, kind.labels) for name in (config.seeds, config.test or ""))
    rows, verdicts = [], []
    for place, example in enumerate(written):
        moved = place % 9 == 0
        sure = 0.52 + (place * 37 % 47) / 100
        asked = kind.labels[place % len(kind.labels)] if moved else example.label
        rows.append(_row(place, example.text, str(example.label)) | {"intended_label": asked})
        scores = {"judge_confidence": sure, "judge_margin": sure - 0.4, "label_wrong": 1 - sure}
        state = (
            {"status": "relabelled", "reason": "label_disagrees"} if moved else {"status": "accepted", "reason": None}
        )
        verdicts.append({**_verdict(rows[-1]), **state, "scores": scores})
    labels = [label.model_dump(mode="json") for label in config.labels]
    told = [{"id": seed.id, "text": seed.text, "label": seed.label} for seed in seeds]
    return _run(folder, config.name, "label", labels, told, rows, verdicts)


def journeys(folder: Path) -> Store:
    """A few tagged texts."""
    kind = make_kind("tags", [slot["name"] for slot in SLOTS])
    rows = []
    for place, written in enumerate(JOURNEYS):
        example = kind.read("text", place, {"text": written})
        row = _row(place, example.text, "time")
        rows.append(row | {"tokens": list(example.tokens), "tags": list(example.tags)})
    seeds = [
        {"id": "s0", "text": "A seat by the window to [place: Lyon] on [time: Sunday]", "label": "place"},
        {"id": "s1", "text": "When is the last train back from [place: Delft]?", "label": "place"},
    ]
    return _run(folder, "journeys", "tags", SLOTS, seeds, rows, [_verdict(row) for row in rows])


def _row(place: int, text: str, label: str) -> dict[str, Any]:
    row = {"id": digest("picture", place), "request_id": digest(place), "round": 0, "wave": 0, "source": "generated"}
    return row | {
        "text": text,
        "label": label,
        "intended_label": label,
        "attributes": {},
        "sampling": {},
        "seed_ids": [],
    }


def _verdict(row: dict[str, Any]) -> dict[str, Any]:
    return {
        "id": row["id"],
        "revision": 1,
        "stage": "agreement",
        "label": row["label"],
        "status": "accepted",
        "weight": 1.0,
    }


def _run(folder: Path, name: str, kind: str, labels: Any, seeds: Any, rows: Any, verdicts: Any) -> Store:
    folder.mkdir()
    store = Store(folder)
    run = {
        "run_id": name,
        "name": name,
        "description": "",
        "kind": kind,
        "labels": labels,
        "config": {"labels": labels},
    }
    store.write_json("run.json", run)
    store.write_json("seeds.json", seeds)
    store.write_json("rounds/000/round.json", {"round": 0})
    store.commit(0, "generated", "e0", rows_table(rows), name)
    store.commit(0, "verdicts", "w000", verdicts_table(verdicts), name)
    store.write_json("rounds/000/metrics.json", {"round": 0})
    materialise(store, 0, name, columns=("tokens", "tags") if kind == "tags" else ())
    return store


if __name__ == "__main__":
    typer.run(main)
