"""The review in a real browser: by keyboard, by two people at once, through a kill, and with rows that mean harm."""

from __future__ import annotations

import json
import signal
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from chromium import find_chromium

from cluster.store import Store
from tests.cluster.review.cases import machine, make_run, messages, row, served, served_here

playwright = pytest.importorskip("playwright.sync_api", reason="needs the package playwright")

MANY = [{"name": f"label_{number:02}", "description": f"is about thing {number}"} for number in range(40)]
CITY = [{"name": "city", "description": "where"}, {"name": "day", "description": "when"}]


@pytest.fixture(scope="module")
def chromium() -> Iterator[Any]:
    binary = find_chromium()
    if binary is None:
        pytest.skip("no chromium on PATH: apt-get install chromium")
    with playwright.sync_playwright() as started:
        browser = started.chromium.launch(executable_path=binary, args=["--no-sandbox", "--disable-gpu"])
        yield browser
        browser.close()


class Reader:
    """One person's browser at the page."""

    def __init__(self, chromium: Any, address: str, name: str) -> None:
        self.page = chromium.new_context(viewport={"width": 1280, "height": 800}).new_page()
        self.page.set_default_timeout(120_000)
        self.troubles: list[str] = []
        self.asked: list[str] = []
        self.page.on("console", lambda message: self.troubles.append(message.text))
        self.page.on("pageerror", lambda error: self.troubles.append(str(error)))
        self.page.on("request", lambda request: self.asked.append(request.url))
        self.page.goto(address)
        self.page.keyboard.type(name)
        self.page.keyboard.press("Enter")
        self.page.wait_for_selector("main[data-row]")

    @property
    def row(self) -> str:
        return self.page.get_attribute("main", "data-row")

    def press(self, *keys: str) -> None:
        """Keys after each of which another row must come."""
        for key in keys:
            before = self.row
            self.page.keyboard.press(key)
            self.page.wait_for_function("row => document.querySelector('main').dataset.row !== row", arg=before)

    def text(self, query: str) -> str:
        return self.page.inner_text(query)


def held(store: Store) -> dict[str, dict[str, Any]]:
    return {verdict["id"]: verdict for verdict in store.verdicts(0).to_pylist()}


def test_twenty_rows_by_keyboard_and_back(chromium: Any, tmp_path: Path) -> None:
    store = make_run(tmp_path / "run", messages(21))
    with served_here(store) as address:
        anna = Reader(chromium, address, "anna")
        anna.press(*["a", "Enter", "d", "2", "s"] * 4)
        assert anna.row == "r20"
        assert "16 checked, 8 wrong" in anna.text(".progress")
        found = held(store)
        reasons = ["confirmed", "confirmed", "discarded", "corrected", None]
        assert [found[f"r{number:02}"]["reason"] for number in range(20)] == reasons * 4
        assert {found[f"r{number:02}"]["label"] for number in range(3, 20, 5)} == {"broken"}
        assert all(0 <= dict(found["r00"]["scores"])["seconds"] < 10 for _ in "a")
        anna.press("u", "u", "u")
        assert anna.row == "r16"
        assert (held(store)["r16"]["status"], held(store)["r16"]["reason"]) == ("accepted", "undone")
        assert "13 checked, 6 wrong" in anna.text(".progress")
        anna.press("a")
        assert anna.row == "r17"
        assert anna.troubles == []
        assert {url.split("/")[2] for url in anna.asked} == {address.split("/")[2]}


def test_edits_keep_what_was_typed_until_they_are_good(chromium: Any, tmp_path: Path) -> None:
    store = make_run(tmp_path / "run", messages(3))
    with served_here(store) as address:
        anna = Reader(chromium, address, "anna")
        anna.page.keyboard.press("e")
        anna.page.keyboard.type(" aud")
        anna.page.keyboard.press("Escape")
        assert (anna.row, store.parts(0, "people")) == ("r00", [])
        anna.page.keyboard.press("e")
        anna.page.fill("#edit textarea", "   ")
        anna.page.keyboard.press("Control+Enter")
        anna.page.wait_for_selector("#notice:not([hidden])")
        assert "must not be blank" in anna.text("#notice")
        anna.page.fill("#edit textarea", "it is <b>late</b>\nagain")
        anna.page.select_option("#edit select", "refund")
        anna.press("Control+Enter")
        new = held(store)["r00"]["survivor_id"]
        assert (held(store)[new]["label"], held(store)[new]["auditor"]) == ("refund", "anna")
        anna.page.keyboard.press("?")
        assert anna.page.is_visible(".keys dl")


def test_a_label_among_many_is_found_by_typing(chromium: Any, tmp_path: Path) -> None:
    rows = [row(f"r{number}", "some text", "label_00") for number in range(3)]
    store = make_run(tmp_path / "run", rows, labels=MANY)
    with served_here(store) as address:
        anna = Reader(chromium, address, "anna")
        anna.page.keyboard.press("l")
        anna.page.keyboard.type("thing 3")
        assert anna.page.locator("#labels li:visible").count() == 13  # 3, 13, 23 and 30 to 39
        for key in ("ArrowDown", "ArrowDown", "ArrowUp", "Enter"):
            anna.page.keyboard.press(key)
        anna.page.wait_for_selector("main[data-row=r1]")
        anna.page.keyboard.press("l")
        anna.page.keyboard.type("label 27")
        anna.press("Enter")
        assert [held(store)[f"r{number}"]["label"] for number in range(2)] == ["label_13", "label_27"]


def test_two_people_at_once_and_a_kill(chromium: Any, tmp_path: Path) -> None:
    store = make_run(tmp_path / "run", messages(12))
    with served(tmp_path / "run", "0", "r00,r05") as (address, process):
        anna, ben = Reader(chromium, address, "anna"), Reader(chromium, address, "ben")
        assert (anna.row, ben.row) == ("r00", "r00")
        anna.press("a")
        ben.press("2")
        assert (anna.row, ben.row) == ("r01", "r02")
        anna.press("a", "a")
        at = (anna.row, ben.row)
        process.send_signal(signal.SIGKILL)
        process.wait()
        anna.page.keyboard.press("d")
        anna.page.wait_for_selector("#notice:not([hidden])")
        assert "was not saved" in anna.text("#notice")
    before = held(store)
    with served(tmp_path / "run", address.rstrip("/").rpartition(":")[2], "r00,r05"):
        anna.page.reload()
        ben.page.reload()
        assert (anna.row, ben.row) == at == ("r04", "r02")
        assert held(store) == before
        assert "yours: 3" in anna.text(".progress")
        anna.press("a", "a", "a")
        ben.press("a", "a")
        anna.page.goto(f"{address}summary")
        assert "2 rows were judged by two people" in anna.text("main")
    both = [verdict["auditor"] for verdict in held(store).values()]
    assert (both.count("anna"), both.count("ben")) == (4, 3)


def test_rows_that_mean_harm(chromium: Any, tmp_path: Path) -> None:
    harm = [
        "<script>document.title='owned'</script><img src=x onerror=\"document.title='owned'\">",
        "\u202eexe\x00\x1b[31m",
    ]
    harm += ["W" * 30_000, "</textarea></form><form action=//evil.example>", "Z" + "\u0301\u0335\u0489" * 200]
    rows = [row(f"r{number}", text, intended_label=text[:200]) for number, text in enumerate(harm)]
    store = make_run(tmp_path / "run", rows, [machine(each["id"], reason=each["text"][:200]) for each in rows])
    with served_here(store) as address:
        anna = Reader(chromium, address, "anna")
        for number in range(len(harm)):
            assert anna.row == f"r{number}"
            assert anna.page.title() == "desk · review"
            assert anna.page.locator("img, main form form, form:not([action^='/']):not([action=''])").count() == 0
            assert anna.page.evaluate("document.documentElement.scrollWidth") == 1280
            assert anna.page.locator("[data-key=a]").is_visible()
            anna.press("a")
        assert anna.troubles == []
    assert {verdict["reason"] for verdict in held(store).values()} == {"confirmed"}


def tags_of(anna: Reader) -> list[str]:
    script = """all => all.map(({ dataset }) =>
      (dataset.begins ? 'B-' : dataset.slot ? 'I-' : '') + (dataset.slot || 'O'))"""
    return anna.page.eval_on_selector_all(".tokens .token", script)


def test_spans_by_mouse_and_by_keyboard(chromium: Any, tmp_path: Path) -> None:
    tokens = ["a", "train", "to", "New", "York", "on", "Monday"]
    before = ["O", "O", "B-city", "I-city", "I-city", "O", "O"]
    rows = [row(f"t{number}", " ".join(tokens), "city", tokens=tokens, tags=before) for number in range(3)]
    store = make_run(tmp_path / "run", rows, kind="tags", labels=CITY)
    with served_here(store) as address:
        anna = Reader(chromium, address, "anna")
        assert tags_of(anna) == before
        anna.page.keyboard.press("1")
        assert "Select tokens first" in anna.text("#notice")
        boxes = [anna.page.locator(".tokens .token").nth(place).bounding_box() for place in (3, 4)]
        anna.page.mouse.move(boxes[0]["x"] + 2, boxes[0]["y"] + 20)
        anna.page.mouse.down()
        anna.page.mouse.move(boxes[1]["x"] + boxes[1]["width"] - 1, boxes[1]["y"] + 20, steps=4)
        anna.page.mouse.up()
        anna.page.keyboard.press("1")
        assert tags_of(anna) == ["O", "O", "B-city", "B-city", "I-city", "O", "O"]
        for key in ("ArrowRight", "ArrowRight", "ArrowRight", "0"):
            anna.page.keyboard.press(key)
        for key in ("ArrowLeft", "End", "Escape", "ArrowLeft", "2"):
            anna.page.keyboard.press(key)
        assert tags_of(anna) == ["O", "O", "O", "B-city", "I-city", "O", "B-day"]
        anna.press("a")
        new = held(store)["t0"]["survivor_id"]
        (made,) = store_rows(store)
        assert (made["id"], made["tags"], made["text"]) == (new, tags_with("New York", "Monday"), rows[0]["text"])
        anna.press("a")
        assert held(store)["t1"]["reason"] == "confirmed"
        assert anna.troubles == []


def store_rows(store: Store) -> list[dict[str, Any]]:
    from generation.parts import read_parts
    from generation.records import ROW_SCHEMA

    return read_parts(store.filesystem, store.parts(0, "people"), ROW_SCHEMA).to_pylist()


def tags_with(city: str, day: str) -> list[str]:
    return ["O", "O", "O", "B-city", "I-city", "O", "B-day"]


def test_several_labels_by_their_numbers(chromium: Any, tmp_path: Path) -> None:
    rows = [row(f"m{number}", "late, and I want my money", "late", labels=["late"]) for number in range(2)]
    store = make_run(tmp_path / "run", rows, kind="multi_label")
    with served_here(store) as address:
        anna = Reader(chromium, address, "anna")
        for key in ("3", "2", "2"):
            anna.page.keyboard.press(key)
        anna.press("a")
        anna.press("Enter")
        assert [held(store)[f"m{number}"]["label"] for number in range(2)] == ["late+refund", "late"]


def test_what_may_offend_is_blurred_until_asked_for(chromium: Any, tmp_path: Path) -> None:
    run = make_run(tmp_path / "run", [row("r0", "you absolute idiot", "late"), row("r1", "where is my parcel")])
    config = {"labels": run.run()["labels"], "denoise": {"filters": {"toxic_labels": ["late"]}}}
    run.write_json("run.json", run.run() | {"config": config})
    with served_here(run) as address:
        anna = Reader(chromium, address, "anna")
        look = "getComputedStyle(document.querySelector('.text')).filter"
        assert anna.page.evaluate(look).startswith("blur")
        anna.page.keyboard.press("v")
        assert anna.page.evaluate(look) == "none"


def test_it_works_without_scripts(chromium: Any, tmp_path: Path) -> None:
    store = make_run(tmp_path / "run", messages(2))
    with served_here(store) as address:
        page = chromium.new_context(java_script_enabled=False).new_page()
        page.goto(address)
        page.fill("[name=name]", "anna")
        page.click("button.first")
        page.click("#labels button >> text=refund")
        page.click("[value=discard]")
        assert "Nothing is left for you" in page.inner_text("main")
    assert [held(store)[f"r0{number}"]["reason"] for number in range(2)] == ["corrected", "discarded"]


def test_text_has_enough_contrast(chromium: Any, tmp_path: Path) -> None:
    """WCAG AA (4.5 to 1) for text on the page, in both schemes."""
    store = make_run(tmp_path / "run", messages(2))
    script = """names => {
      const rgb = (value) => value.match(/[\\d.]+/g).slice(0, 3).map((part) => part / 255);
      const light = (value) => rgb(value).map((c) => c <= .04045 ? c / 12.92 : ((c + .055) / 1.055) ** 2.4)
        .reduce((sum, c, i) => sum + c * [.2126, .7152, .0722][i], 0);
      return names.map(([name, on]) => {
        const [front, back] = [light(getComputedStyle(document.querySelector(name)).color),
          light(getComputedStyle(document.querySelector(on)).backgroundColor)];
        return (Math.max(front, back) + .05) / (Math.min(front, back) + .05);
      });
    }"""
    names = [[".text", "body"], [".soft", "body"], ["button.first", "button.first"], ["aside h2", "body"]]
    with served_here(store) as address:
        anna = Reader(chromium, address, "anna")
        for scheme in ("light", "dark"):
            anna.page.emulate_media(color_scheme=scheme)
            assert min(anna.page.evaluate(script, names)) > 4.5, json.dumps(names)
