"""One file after the other: rows with some ids are dropped, strings that quote them replaced."""

from __future__ import annotations

import json
import re
from dataclasses import dataclass
from typing import Any

import pyarrow as pa
import pyarrow.compute as pc
import pyarrow.parquet as pq
from pyarrow import fs

from cluster.store import Store
from denoise.quotes import GONE, Quotes
from generation.location import path_of
from generation.methods import METHODS
from generation.parts import replace_part

# what is no text of rows: settings and seeds, locks, tombstones, weights, and what is made anew from dataset parts
_KEPT = re.compile(
    r"(run|seeds|lease|forgetting|forgotten)\.json|lease\.json\.tmp|lease/.*|.*\.lock|(.*/)?forgotten\.json|adapters/.*"
    r"|rounds/\d+/(student|judge|baseline|adapters)/.*|dataset/[^/]+/(_\w+|manifest\.json|_complete\.json)"
)
_LAST = ("verdicts", "people", "generated")  # rows are found by what these hold, so they are erased at the very end
_LINES = (".log", ".txt", ".md", ".csv", ".html")
_VERBATIM = {name for name, method in METHODS.items() if method.is_literal or method.is_constrained}


@dataclass(frozen=True)
class Eraser:
    """What to erase: rows by `ids`, prompts that showed one of `names` or are of `requests`, and what quotes them."""

    store: Store
    ids: frozenset[str]
    names: frozenset[str]
    requests: frozenset[str]
    quotes: Quotes

    def erase(self, name: str) -> None:
        """Erase them from the file at `name`, a path below the run, which is replaced if it holds any."""
        if name.endswith(".tmp"):
            self.store.remove(name)  # a writer was killed
        elif name.endswith(".parquet"):
            self._erase_rows(name)
        elif name.endswith((".json", ".jsonl")):
            self._erase_json(name)
        elif name.endswith(_LINES):
            self._erase_lines(name)

    def prompts(self, requests: pa.Table) -> pa.ChunkedArray:
        """Which requests (REQUEST_SCHEMA) have a prompt that quotes them, bool."""
        shown = pa.array([not self.names.isdisjoint(ids or ()) for ids in requests["seed_ids"].to_pylist()], pa.bool_())
        mine = pc.is_in(requests["request_id"], pa.array(sorted(self.requests), pa.string()))
        own = pc.and_(mine, pc.is_in(requests["method"], pa.array(sorted(_VERBATIM))))
        told = pc.or_(self.quotes.mark(requests["prompt"]), self.quotes.mark(requests["text"]))
        return pc.or_(told, pc.or_(pc.fill_null(own, False), shown))

    def _erase_rows(self, name: str) -> None:
        path = path_of(self.store.root / name)
        before = pq.read_table(path, filesystem=self.store.filesystem, partitioning=None)
        table = before
        if "id" in table.column_names and pa.types.is_string(table.schema.field("id").type):
            gone = pc.is_in(table["id"], pa.array(sorted(self.ids), pa.string()))
            table = table.filter(pc.invert(gone)) if pc.any(gone).as_py() else table
        if {"prompt", "seed_ids", "method", "text", "request_id"} <= set(table.column_names):
            marked = self.prompts(table)
            if pc.any(marked).as_py():
                for column in ("prompt", "text"):
                    kept = pc.or_(pc.invert(marked), pc.equal(table[column], ""))
                    place = table.schema.get_field_index(column)
                    table = table.set_column(place, column, pc.if_else(kept, table[column], GONE))
        table = self.quotes.scrub_table(table)
        if table is not before:
            self.store.fence()
            replace_part(self.store.filesystem, path, table.cast(before.schema))

    def _erase_json(self, name: str) -> None:
        text = (self.store.root / name).read_text()
        lines = text.splitlines() if name.endswith(".jsonl") else [text]
        changed = [self._scrubbed(line) for line in lines]
        if changed != lines:
            self.store.write_text(name, "\n".join(changed).rstrip("\n") + "\n")

    def _erase_lines(self, name: str) -> None:
        lines = (self.store.root / name).read_text().splitlines()
        changed = [GONE if self.quotes.stand_in(line, content=False) else line for line in lines]
        if changed != lines:
            self.store.write_text(name, "\n".join(changed) + "\n")

    def _scrubbed(self, line: str) -> str:
        """A JSON document as it was, where it quotes nothing; one that is none is a plain line."""
        try:
            told: Any = json.loads(line)
        except ValueError:
            return GONE if self.quotes.stand_in(line, content=False) else line
        scrubbed = self.quotes.scrub(told, content=False)
        return line if scrubbed is told else json.dumps(scrubbed, indent=2 if "\n" in line else None)


def files_of(store: Store) -> list[str]:
    """Names below the run of all files that may hold text of rows, those that rows are found by last."""
    root = path_of(store.root)
    found = store.filesystem.get_file_info(fs.FileSelector(root, recursive=True))
    names = [info.path[len(root) :].lstrip("/") for info in found if info.type == fs.FileType.File]
    return sorted((name for name in names if not _KEPT.fullmatch(name)), key=_order)


def _order(name: str) -> tuple[int, str]:
    parts = name.split("/")
    is_last = len(parts) == 4 and parts[0] == "rounds" and parts[2] in _LAST
    return (1 + _LAST.index(parts[2]) if is_last else 0, name)
