"""Parts that an engine committed and could no longer tell of."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

from cluster.messages import Committed, EngineName
from cluster.store import Store
from generation.parts import read_parts
from generation.records import ROW_SCHEMA


def sequence_of(part: str) -> int:
    """The number of a part among those of its engine."""
    return int(Path(part).stem.rsplit("-", 1)[1])


def late_parts(store: Store, name: EngineName, last: int) -> Iterator[Committed]:
    """Parts that a dead engine committed after its part number `last`."""
    columns = ["request_id", "prompt_tokens", "output_tokens"]
    for round_ in store.rounds():
        for part in store.parts(round_, "generated"):
            if not Path(part).name.startswith(f"part-{name}-") or sequence_of(part) <= last:
                continue
            rows = read_parts(store.filesystem, [part], ROW_SCHEMA, columns).to_pydict()
            prompts = dict(zip(rows["request_id"], rows["prompt_tokens"], strict=True))
            tokens = sum(rows["output_tokens"])
            yield Committed(part, tuple(prompts), len(rows["request_id"]), sum(prompts.values()), 0, tokens)
