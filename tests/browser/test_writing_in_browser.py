"""Writing rows by keyboard, with the student's opinion beside it."""

from __future__ import annotations

import threading
from pathlib import Path
from typing import Any

from cluster.review.nearest import NearestSeeds
from cluster.review.server import addresses, listening, make_server
from cluster.review.views import Views
from cluster.review.writing.opening import site_of
from tests.browser.test_review_in_browser import Reader, chromium
from tests.cluster.review.writing.cases import desk_of, leftovers

__all__ = ["chromium"]  # the fixture


def test_rows_are_written_by_keyboard(chromium: Any, tmp_path: Path) -> None:
    run = leftovers(tmp_path / "run")
    site = site_of(desk_of(run), Views(run.run(), NearestSeeds([])))
    with listening("127.0.0.1", 0) as opened:
        server = make_server(site.gated())
        thread = threading.Thread(target=server.run, args=([opened],))
        thread.start()
        try:
            anna = Reader(chromium, addresses("127.0.0.1", opened.getsockname()[1], None)[0].split()[1], "anna")
            anna.page.wait_for_function("() => document.querySelector('#live').textContent.includes('sees late too')")
            anna.press("a", "s")
            assert anna.row == "s0"
            anna.page.keyboard.press("e")
            anna.page.keyboard.type(", it is broken")
            anna.page.wait_for_selector("#live.fools")
            assert "which sees broken" in anna.text("#live")
            anna.page.keyboard.press("Escape")
            anna.page.keyboard.press("2")  # another label: a page of its own
            anna.page.wait_for_function("() => document.querySelector('main').dataset.row === 'd0'")
            anna.press("d")
            anna.page.keyboard.press("e")
            anna.page.keyboard.type("the lid is broken")
            anna.page.keyboard.press("Control+Enter")
            anna.page.wait_for_function("() => document.querySelector('main').dataset.clock === '2'")
            assert anna.troubles == []
        finally:
            server.should_exit = True
            thread.join()
    assert {each["text"] for each in run.people(0).to_pylist()} == {"so late", "the lid is broken"}
    assert all(
        dict(each["scores"])["seconds"] > 0 for each in run.verdicts(0).to_pylist() if each["reason"] == "written"
    )
