"""One deduplication from Parquet to Parquet, in order; the stages' Ray parts are reading.py, comparing.py, writing.py.

The driver holds ids and hashes, no texts. Every task is a pure function of committed files or shared values, and a
part is written whole or not at all, so a task that is run again changes nothing.
"""

from __future__ import annotations

import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import asdict, dataclass, field
from typing import Any

import numpy as np
import pyarrow as pa

from denoise.dedup.columns import Columns
from denoise.dedup.explain import explain
from denoise.dedup.index import commit_index, open_index
from denoise.dedup.roster import call_roll
from denoise.dedup.settings import BANDS, PAIR_MEMORY, DedupSettings
from generation.chunks import Chunk
from generation.location import Location


@dataclass(frozen=True)
class Task:
    """What is to be done: read `chunks` (of `schema`), write to `out` and `index_out`, compare with `against` too.

    `against` is an index; `corrupt` are files that were left out already. Where deciding in the driver would take more
    than `pair_memory` bytes, pairs stay with the workers.
    """

    chunks: tuple[Chunk, ...]
    schema: pa.Schema
    columns: Columns
    settings: DedupSettings
    out: Location
    index_out: Location
    against: Location | None = None
    corrupt: tuple[str, ...] = ()
    skip_corrupt: bool = False
    explain: bool = False
    pair_memory: int = PAIR_MEMORY

    @property
    def id_type(self) -> pa.DataType:
        """The ids' type in the output."""
        if self.columns.id is None:
            return pa.string()
        kind = self.schema.field(self.columns.id).type
        return kind.value_type if pa.types.is_dictionary(kind) else kind


@dataclass
class Summary:
    """What was found; `seconds` by stage. `kept` includes the rows that stand in conflict.

    `star_passes` is None where the driver decided by itself.
    """

    rows: int = 0
    kept: int = 0
    exact_duplicates: int = 0
    near_duplicates: int = 0
    label_conflicts: int = 0
    old_rows: int = 0
    index_rows: int = 0
    largest_component: int = 0
    largest_cluster: int = 0
    pairs_compared: int = 0
    pairs_found: int = 0
    truncated_buckets: int = 0
    star_passes: int | None = None
    corrupt_parts: list[str] = field(default_factory=list)
    settings: dict[str, Any] = field(default_factory=dict)
    explain: dict[str, Any] | None = None
    seconds: dict[str, float] = field(default_factory=dict)


def deduplicate(task: Task, say: Callable[[str], None] = lambda stage: None) -> Summary:
    """Do it; `say` hears of each stage. Needs an initialised Ray. Raises UserError before anything is written."""
    from denoise.dedup.comparing import compare, lay_out
    from denoise.dedup.deciding import decide_rows
    from denoise.dedup.places import OnRay
    from denoise.dedup.reading import light_tables, read_index, read_rows
    from denoise.dedup.writing import Outcome, write_index_parts, write_rows

    summary = Summary(settings=asdict(task.settings) | {"bands": BANDS, "rows": task.settings.rows})

    @contextmanager
    def stage(name: str) -> Iterator[None]:
        say(name)
        began = time.monotonic()
        yield
        summary.seconds[name] = round(time.monotonic() - began, 2)

    labelled = task.columns.label is not None
    index = open_index(task.against, task.settings, labelled, task.id_type) if task.against is not None else None
    with stage("read"):
        old, clusters = read_index(task.against, index, task.id_type)
        read = read_rows(task.chunks, task.columns, task.settings, task.skip_corrupt)
        summary.corrupt_parts = sorted({*task.corrupt, *read.corrupt})
    with stage("rank"):
        name = task.columns.id
        roster = call_roll(light_tables(old), light_tables(read.sketches), name is None, name or "id")
    with stage("compare"):
        spans = lay_out(roster, [*old, *read.sketches])
        old, read = [], read.without_sketches()
        compared = compare(spans, roster, task.settings)
    with stage("decide"):
        found = decide_rows(OnRay(), roster, compared.bands, compared.found, task.pair_memory)
        decisions = found.decisions
        outcome = Outcome(roster, decisions, clusters)
    with stage("index"):
        grown = write_index_parts(task, index, outcome, spans)
        del spans  # the rows need their room
    with stage("write"):
        write_rows(task, read.chunks, outcome)

    if task.explain:
        with stage("explain"):
            summary.explain = explain(task.out / "kept", task.columns.text, task.settings)
    commit_index(task.index_out, grown)  # last: what is in it counts as seen

    new = decisions.reason[roster.old :]
    kept, exact, near, conflicts = np.bincount(new, minlength=4).tolist()
    summary.rows, summary.old_rows, summary.kept = len(new), roster.old, kept + conflicts
    summary.exact_duplicates, summary.near_duplicates, summary.label_conflicts = exact, near, conflicts
    summary.largest_component = decisions.largest
    summary.largest_cluster = int(np.bincount(decisions.cluster).max())
    summary.index_rows = grown.rows
    summary.pairs_found, summary.star_passes = found.edges, found.passes
    summary.pairs_compared, summary.truncated_buckets = compared.compared, compared.cut
    return summary
