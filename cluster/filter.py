"""`labelmill filter`: the filters of denoising over Parquet parts that were not generated here."""

from __future__ import annotations

import contextlib
import difflib
import json
import os
import shutil
import uuid
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pyarrow as pa
from pydantic import ValidationError

from cluster.config import RuntimeSettings, check_config, read_yaml
from cluster.filter_summary import sum_up
from cluster.problems import first_problem
from denoise.filtering import filter_pieces
from denoise.filters.base import Filter
from denoise.filters.code import check_code
from denoise.filters.table import named_filters
from denoise.settings import DenoiseSettings
from generation.chunks import cut
from generation.errors import UserError, clip
from generation.examples import read_examples
from generation.folders import in_the_way
from generation.location import Location, filesystem_of, locate, path_of
from generation.parts import write_bytes
from generation.pieces import LEAVES_OUT, Pieces, find_pieces, is_string
from generation.task import Task


@dataclass(frozen=True)
class FilterCommand:
    """What was asked for; `label` None takes the column `label` where there is one."""

    places: tuple[str, ...]
    out: str
    text: str = "text"
    label: str | None = None
    config: Path | None = None
    only: tuple[str, ...] = ()
    allow_code: bool = False
    skip_corrupt: bool = False
    workers: int | None = None


def filter_parquet(asked: FilterCommand) -> dict[str, Any]:
    """Write kept/, decisions/ and summary.json under `asked.out`, all or nothing; returns the summary.

    Raises UserError, before anything is written where it can be seen before.
    """
    settings, task, banned = _read_config(asked.config)
    check_code(str(asked.config), settings.filters.code, asked.allow_code)
    found = find_pieces(asked.places, [asked.text, *([asked.label] if asked.label else [])], asked.skip_corrupt)
    _check_optional(found, asked.places[0])
    label = asked.label or ("label" if _holds_strings(found.schema, "label") else None)
    if settings.filters.toxic_labels and label is None:
        raise UserError("denoise.filters.toxic_labels: needs a column of labels; name it with --label")
    filters = _chosen(settings, task, banned, found, asked)
    with _whole(asked.out) as out:
        from cluster.session import ray_session

        workers = asked.workers or os.cpu_count() or 1
        with ray_session(RuntimeSettings(workers=workers)):
            tally, corrupt = filter_pieces(
                found, list(filters.values()), asked.text, label, out, workers, asked.skip_corrupt
            )
        summary = sum_up(
            tally.counts,
            tally.examples,
            list(filters),
            [*(f"{file}: {problem}" for file, problem in found.skipped.items()), *corrupt],
            settings,
        )
        place = out / "summary.json"
        write_bytes(
            filesystem_of(place), path_of(place), (json.dumps(summary, indent=1, ensure_ascii=False) + "\n").encode()
        )
    return summary


def _read_config(path: Path | None) -> tuple[DenoiseSettings, Task | None, tuple[str, ...]]:
    """Settings, task and banned strings, from a file that has the settings of `denoise:` alone or from a whole task."""
    if path is None:
        return DenoiseSettings(), None, ()
    raw = read_yaml(path)
    if not isinstance(raw, dict):
        raise UserError(f"{path}: must be a mapping of settings; got {clip(raw)}")
    if "labels" in raw:
        config = check_config(raw, str(path))
        seeds = read_examples(path.parent / config.seeds, [label.name for label in config.labels], config.kind)
        task = Task(config.name, config.description, config.labels, seeds)
        return config.denoise, task, config.generation.banned
    try:
        return DenoiseSettings.model_validate(raw.get("denoise", raw)), None, ()
    except ValidationError as error:
        raise UserError(f"{path}: {first_problem(error, DenoiseSettings)}") from None


def _check_optional(found: Pieces, where: str) -> None:
    """Columns that filters look at where they are there must be what their names say."""
    for name, fits, wanted in (
        ("mean_logprob", pa.types.is_floating, "numbers"),
        ("finish_reason", is_string, "strings"),
    ):
        if name in found.schema.names and not fits(kind := found.schema.field(name).type):
            raise UserError(f"{where}: column {name!r} must hold {wanted}; got {kind}")


def _holds_strings(schema: pa.Schema, name: str) -> bool:
    return name in schema.names and is_string(schema.field(name).type)


def _chosen(
    settings: DenoiseSettings, task: Task | None, banned: Sequence[str], found: Pieces, asked: FilterCommand
) -> dict[str, Filter]:
    logprobs = None
    if settings.filters.perplexity is not None:
        if "mean_logprob" not in found.schema.names:
            raise UserError(f"{asked.places[0]}: has no column 'mean_logprob', which denoise.filters.perplexity needs")
        logprobs = _column(found, "mean_logprob", asked.skip_corrupt)
    filters = named_filters(settings, task, banned, logprobs)
    for name in asked.only:
        if name not in filters:
            close = difflib.get_close_matches(name, filters, n=1)
            hint = f"did you mean {close[0]!r}?" if close else f"there are {', '.join(filters)}"
            raise UserError(f"--only {name}: no such filter with these settings; {hint}")
    return {name: rule for name, rule in filters.items() if not asked.only or name in asked.only}


def _column(found: Pieces, name: str, skip_corrupt: bool) -> pa.ChunkedArray:
    values: list[pa.Array] = []
    for chunk in cut(found.pieces):
        try:
            values += chunk.read([name])[name].cast(pa.float64()).chunks
        except UserError as error:
            if not skip_corrupt:
                raise UserError(f"{error}{LEAVES_OUT}") from None
    return pa.chunked_array(values, pa.float64())


@contextlib.contextmanager
def _whole(given: str) -> Iterator[Location]:
    """Where to write what becomes `given` at the end; nothing is left of it after an error.

    An object store has no rename: there, the summary comes last and says that all is written.
    """
    place = locate(given)
    filesystem, path = filesystem_of(place), path_of(place)
    if held := in_the_way(place):
        raise UserError(f"{given}: must be a new or an empty folder; {held}")
    scratch = place.with_name(f".{place.name}.{uuid.uuid4().hex[:8]}.tmp") if isinstance(place, Path) else place
    for name in ("kept", "decisions"):
        filesystem.create_dir(path_of(scratch / name), recursive=True)
    try:
        yield scratch
        if isinstance(place, Path) and isinstance(scratch, Path):
            if place.exists():
                place.rmdir()
            scratch.rename(place)
    except BaseException:
        if isinstance(scratch, Path):
            shutil.rmtree(scratch, ignore_errors=True)
        else:
            filesystem.delete_dir_contents(path, missing_dir_ok=True)
        raise
