"""The live terminal view of a run. The flywheel reports `Progress`; a view shows it.

`RichView` redraws a few lines on a terminal, `PlainView` writes lines to a file or pipe.
"""

from __future__ import annotations

import os
import sys
import time
from collections.abc import Callable
from types import TracebackType
from typing import Protocol, Self, TextIO

from rich.console import Console, ConsoleDimensions, Group, RenderableType
from rich.live import Live
from rich.progress_bar import ProgressBar
from rich.table import Table
from rich.text import Text

from cluster.progress import Progress, clock_time, facts, plain_line
from cluster.visible import visible

__all__ = ["PlainView", "Progress", "RichView", "View", "make_view"]

Clock = Callable[[], float]

PLAIN_SECONDS = 5.0
MOST_LABELS = 12
WIDEST = 110


class View(Protocol):
    """Shows a run while it goes on; use as a context manager and from one thread."""

    def __enter__(self) -> Self: ...

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, at: TracebackType | None
    ) -> None: ...

    def update(self, progress: Progress) -> None:
        """Show the newest state."""

    def log(self, line: str) -> None:
        """Show a line that stays."""


class RichView:
    """Redraws in place on a terminal; log lines scroll above. The last state stays when it ends."""

    def __init__(self, console: Console, clock: Clock = time.monotonic) -> None:
        self._clock, self._start = clock, clock()
        self._progress: Progress | None = None
        self._console = console
        self._live = Live(console=console, get_renderable=self._screen, refresh_per_second=4)

    def __enter__(self) -> Self:
        self._live.start()
        return self

    def __exit__(self, kind: type[BaseException] | None, error: BaseException | None, at: TracebackType | None) -> None:
        self._live.stop()

    def update(self, progress: Progress) -> None:
        """Show the newest state at the next redraw."""
        self._progress = progress

    def log(self, line: str) -> None:
        """Print a line above the live part."""
        self._console.print(Text(visible(line, keep="")))

    def _screen(self) -> Group:
        if self._progress is None:
            return Group(Text("starting", style="bold"))
        return screen(self._progress, self._clock() - self._start, self._console.size)


class PlainView:
    """One line at a stage change and else at most `every` so many seconds; log lines at once. Each line is flushed."""

    def __init__(self, stream: TextIO, clock: Clock = time.monotonic, every: float = PLAIN_SECONDS) -> None:
        self._stream, self._clock, self._start, self._every = stream, clock, clock(), every
        self._stage: tuple[int, str] | None = None
        self._written = 0.0

    def __enter__(self) -> Self:
        return self

    def __exit__(self, kind: type[BaseException] | None, error: BaseException | None, at: TracebackType | None) -> None:
        self._stream.flush()

    def update(self, progress: Progress) -> None:
        """Write the state if its stage is new or the seconds have passed since the last one."""
        now, stage = self._clock(), (progress.round, progress.stage)
        if stage != self._stage or now - self._written >= self._every:
            self._stage, self._written = stage, now
            self.log(plain_line(progress, now - self._start))

    def log(self, line: str) -> None:
        """Write a line at once; characters that the stream cannot encode are escaped."""
        encoding = self._stream.encoding or "utf-8"
        text = visible(line, keep="").encode(encoding, "backslashreplace").decode(encoding)
        self._stream.write(text + "\n")
        self._stream.flush()


def make_view(stream: TextIO | None = None) -> View:
    """A `RichView` on a terminal, else a `PlainView`; no stream means standard error.

    A non-empty NO_COLOR turns colour off.
    """
    stream = stream or sys.stderr
    if not stream.isatty() or os.environ.get("TERM") == "dumb":
        return PlainView(stream)
    return RichView(Console(file=stream, no_color=bool(os.environ.get("NO_COLOR")) or None))


def screen(progress: Progress, elapsed: float, size: ConsoleDimensions) -> Group:
    """What a terminal of a size in characters shows: stage, a bar per label, all labels together, rates."""
    shown = progress.shown(max(1, min(MOST_LABELS, size.height - 6)))
    width = min(size.width, WIDEST)
    stage = Text.assemble(f"round {progress.round}, wave {progress.wave}: ", (visible(progress.stage, keep=""), "bold"))
    head = Table.grid(expand=True)
    head.width = width
    head.add_column(no_wrap=True, overflow="ellipsis", ratio=1)
    head.add_column(justify="right", no_wrap=True)
    head.add_row(stage, Text(clock_time(elapsed), style="dim"))
    lines: list[RenderableType] = [head, _bars(progress, shown, width), Text(", ".join(facts(progress)), style="dim")]
    if progress.message:
        lines.append(Text(visible(progress.message, keep=""), no_wrap=True, overflow="ellipsis"))
    return Group(*lines)


def _bars(progress: Progress, shown: list[tuple[str, int, int]], width: int) -> Table:
    table = Table.grid(padding=(0, 2), expand=True)
    table.width = width
    table.add_column(no_wrap=True, overflow="ellipsis", ratio=2)
    table.add_column(ratio=3)
    table.add_column(justify="right", no_wrap=True)
    total = len(progress.labels())
    name = "all labels" if len(shown) == total else f"all {total} labels, least filled above"
    for label, count, quota in (*shown, (name, *progress.filled)):
        bar = ProgressBar(total=max(1, quota), completed=min(count, quota), width=None)
        table.add_row(Text(visible(label, keep="")), bar, f"{count:,}/{quota:,}")
    return table
