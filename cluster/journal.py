"""What happened, line by line: for people on the screen, for programs in `log.jsonl`."""

from __future__ import annotations

import json
import os
import time
from collections import Counter
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any


class Journal:
    """Appends events to RUN/log.jsonl and passes their text on to `show`. Lines survive a killed driver."""

    def __init__(self, root: Path, show: Callable[[str], None]) -> None:
        self._path, self._show = root / "log.jsonl", show

    def say(self, line: str) -> None:
        """A line for people."""
        self.note("line", text=line)
        self._show(line)

    def note(self, kind: str, **fields: Any) -> None:
        """An event for programs."""
        line = json.dumps({"at": round(time.time(), 3), "kind": kind, **fields}).encode() + b"\n"
        with self._path.open("ab+") as stream:
            if stream.seek(0, os.SEEK_END):
                stream.seek(-1, os.SEEK_END)
                if stream.read(1) != b"\n":  # a driver was killed amid a line: it must not swallow ours
                    line = b"\n" + line
            stream.write(line)

    @contextmanager
    def timed(self, stage: str, round_: int) -> Iterator[None]:
        """Notes how many seconds the block took, also when it ends by an error."""
        began = time.monotonic()
        try:
            yield
        finally:
            self.note("stage", stage=stage, round=round_, seconds=round(time.monotonic() - began, 3))

    def events(self, kind: str) -> list[dict[str, Any]]:
        """Events of a kind, oldest first; a last line cut short by a kill is passed over."""
        found = []
        for line in self._path.read_text(encoding="utf-8").splitlines() if self._path.is_file() else []:
            try:
                event = json.loads(line)
            except json.JSONDecodeError:
                continue
            if event["kind"] == kind:
                found.append(event)
        return found

    def seconds(self, round_: int) -> dict[str, float]:
        """Seconds per stage of a round, all drivers that worked on it together."""
        total: Counter[str] = Counter()
        for event in self.events("stage"):
            if event["round"] == round_:
                total[event["stage"]] += event["seconds"]
        return {stage: round(seconds, 1) for stage, seconds in total.items()}
