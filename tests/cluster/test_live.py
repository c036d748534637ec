"""The live view: exact plain lines with a hand-wound clock, and what a terminal of each width shows."""

from __future__ import annotations

import re
from dataclasses import replace
from io import BytesIO, StringIO, TextIOWrapper

import pytest
from rich.console import Console

from cluster.live import PlainView, Progress, RichView, make_view, screen

START = Progress(
    round=0,
    wave=1,
    stage="generating",
    accepted={"refund": 12},
    quota={"refund": 30, "card [red]lost[/red]": 30},
    generated=41,
    in_flight=8,
    output_tokens=1234,
    tokens_per_second=56.4,
)
MANY = {f"label_{number:02}": 30 for number in range(77)}


class HandClock:
    def __init__(self) -> None:
        self.now = 100.0

    def __call__(self) -> float:
        return self.now


class Terminal(StringIO):
    def isatty(self) -> bool:
        return True


def shown(progress: Progress, width: int, height: int = 30) -> list[str]:
    console = Console(file=StringIO(), force_terminal=True, width=width, height=height)
    with console.capture() as capture:
        console.print(screen(progress, 161, console.size))
    return re.sub(r"\x1b\[[0-9;]*m", "", capture.get()).splitlines()


def test_a_calm_view_writes_less_often() -> None:
    stream, clock = StringIO(), HandClock()
    view = PlainView(stream, clock, every=60)
    for _ in range(3):
        view.update(START)
        clock.now += 59
    assert [line[:7] for line in stream.getvalue().splitlines()] == ["[00:00]", "[01:58]"]


def test_plain_lines_come_at_stage_changes_and_every_five_seconds() -> None:
    stream, clock = StringIO(), HandClock()
    with PlainView(stream, clock) as view:
        view.update(START)
        clock.now += 4.9
        view.update(replace(START, generated=50))
        view.log("engine 1 died; its requests go to engine 0")
        clock.now += 0.1
        view.update(replace(START, generated=51, acceptance_rate=0.62, eta_seconds=70, lost_tokens=90, message="slow"))
        view.update(replace(START, generated=52, wave=2))
        view.update(replace(START, stage="denoising", in_flight=0))
        view.update(replace(START, stage="denoising", in_flight=0, round=1))
    labels = "refund=12/30 card [red]lost[/red]=0/30"
    assert stream.getvalue().splitlines() == [
        "[00:00] round 0 wave 1 generating; 12/60 rows; 41 generated; 8 in flight; 1,234 tokens; 56 tokens/s; "
        + labels,
        "engine 1 died; its requests go to engine 0",
        "[00:05] round 0 wave 1 generating; 12/60 rows; 51 generated; 8 in flight; 1,234 tokens; 56 tokens/s;"
        f" 62% accepted; 01:10 left; 90 tokens lost; {labels}; slow",
        "[00:05] round 0 wave 1 denoising; 12/60 rows; 41 generated; 0 in flight; 1,234 tokens; 56 tokens/s; " + labels,
        "[00:05] round 1 wave 1 denoising; 12/60 rows; 41 generated; 0 in flight; 1,234 tokens; 56 tokens/s; " + labels,
    ]


def test_plain_line_of_many_labels_names_the_least_filled() -> None:
    stream = StringIO()
    accepted = {label: 9 for label in MANY if label not in ("label_40", "label_03")}
    PlainView(stream, HandClock()).update(replace(START, quota=MANY, accepted=accepted))
    assert stream.getvalue().endswith(
        "label_00=9/30 label_01=9/30 label_03=0/30 label_40=0/30 (least filled; 73 more)\n"
    )


def test_a_label_that_wants_nothing_is_full() -> None:
    """Such as one that has enough seeds, with quota_counts: rows_and_seeds."""
    found = replace(START, quota=MANY | {"label_00": 0, "label_01": 0}, accepted={}).shown(2)
    assert [name for name, _, _ in found] == ["label_02", "label_03"]


def test_rows_beyond_a_quota_do_not_fill_another() -> None:
    assert replace(START, accepted={"refund": 70}).filled == (30, 60)


def test_plain_log_shows_control_characters_and_escapes_what_the_stream_cannot_encode() -> None:
    raw = BytesIO()
    stream = TextIOWrapper(raw, encoding="latin-1")
    PlainView(stream).log("über \x1b[31m\n日")
    assert raw.getvalue().decode("latin-1") == "über \\u27e8U+001B\\u27e9[31m\\u27e8U+000A\\u27e9\\u65e5\n"


@pytest.mark.parametrize("width", [60, 80, 120, 200])
def test_terminal_shows_every_label_and_fits(width: int) -> None:
    lines = shown(replace(START, acceptance_rate=0.62, eta_seconds=3700, lost_tokens=90, message="m" * 300), width)
    text = "\n".join(lines)
    assert max(map(len, lines)) <= width
    assert lines[0].startswith("round 0, wave 1: generating") and lines[0].rstrip().endswith("02:41")
    assert re.search(r"refund +━+.* 12/30", text) and re.search(r"card \[red\]l.* 0/30", text)
    assert re.search(r"all labels +━+.* 12/60", text)
    assert "62% accepted, 1:01:40 left, 90 tokens lost" in " ".join(text.split())


@pytest.mark.parametrize(("width", "height", "labels"), [(60, 30, 12), (200, 30, 12), (60, 12, 6), (60, 4, 1)])
def test_terminal_with_77_labels_shows_the_least_filled_and_all_together(width: int, height: int, labels: int) -> None:
    accepted = {label: 30 for label in MANY if label != "label_76"}
    lines = shown(replace(START, quota=MANY, accepted=accepted), width, height)
    assert sum(line.startswith("label_") for line in lines) == labels
    assert any(re.match(r"label_76 +.* 0/30", line) for line in lines)
    assert any(line.startswith("all 77 labels") and line.rstrip().endswith("2,280/2,310") for line in lines)


def test_rich_view_keeps_log_lines_and_the_last_state() -> None:
    stream = Terminal()
    with RichView(Console(file=stream, force_terminal=True, width=80, height=30), HandClock()) as view:
        view.log("[bold]not markup[/bold] \x1b]0;title\x07")
        view.update(replace(START, stage="done"))
    text = re.sub(r"\x1b\[[0-9;?]*[a-zA-Z]", "", stream.getvalue())
    assert "[bold]not markup[/bold] ⟨U+001B⟩]0;title⟨U+0007⟩" in text
    assert "round 0, wave 1: done" in text and "card [red]lost[/red]" in text
    assert "\x1b]0;" not in stream.getvalue()


def test_make_view_chooses_by_terminal_and_honours_no_color(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("TERM", "xterm-256color")
    monkeypatch.delenv("NO_COLOR", raising=False)
    assert isinstance(make_view(StringIO()), PlainView)
    assert "\x1b[3" in coloured() or "\x1b[1" in coloured()
    monkeypatch.setenv("NO_COLOR", "1")
    assert not re.search(r"\x1b\[[0-9;]*3[0-9]", coloured())
    monkeypatch.setenv("TERM", "dumb")
    assert isinstance(make_view(Terminal()), PlainView)


def coloured() -> str:
    stream = Terminal()
    view = make_view(stream)
    assert isinstance(view, RichView)
    with view:
        view.update(START)
    return stream.getvalue()
