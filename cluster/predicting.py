"""Labels for Parquet of any size: Ray Data hands pieces to actors that hold the student, and each writes its part."""

from __future__ import annotations

import json
import os
from collections import Counter
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

import pyarrow as pa
import pyarrow.compute as pc
import pyarrow.parquet as pq
from pyarrow import fs

from cluster.config import RuntimeSettings
from cluster.session import ray_session
from denoise.datasets import quiet
from generation.chunks import Chunk
from generation.errors import UserError
from generation.examples import read_examples
from generation.kinds.pair import join_all, text_columns
from generation.kinds.spans import OUTSIDE
from generation.location import Location, address_of, filesystem_of, locate, path_of
from generation.models import model_hash
from generation.parts import list_parts, write_bytes
from generation.pieces import LEAVES_OUT, Piece, find_pieces
from generation.records import digest
from training.folders import local_folder
from training.runtimes import choose_runtime
from training.spec import SPEC_FILE, StudentSpec

BATCH_ROWS = 4096
PLAN_FILE, SUMMARY_FILE = "_plan.json", "_summary.json"  # no data: readers pass over names with an underscore
_STRINGS, _CONFIDENCE = pa.list_(pa.string()), {"confidence": pa.float32()}
# the columns that each kind of student brings
ADDED: dict[str, dict[str, pa.DataType]] = {
    "label": {"label": pa.string(), **_CONFIDENCE},
    "pair": {"label": pa.string(), **_CONFIDENCE},
    "multi_label": {"labels": _STRINGS, **_CONFIDENCE},
    "tags": {"tokens": _STRINGS, "tags": _STRINGS, **_CONFIDENCE},
}
_COUNTED = {"label": "label", "pair": "label", "multi_label": "labels", "tags": "tags"}


@dataclass(frozen=True)
class Asked:
    """What every part depends on: a student, how it is run, and what it reads.

    `prefix` stands before the names of the columns that are added; `schema` is a piece's with these.
    """

    student: str
    student_hash: str
    runtime: str
    texts: tuple[str, ...]
    prefix: str
    pieces: tuple[Piece, ...]

    def part(self, number: int) -> str:
        """File name of a piece's predictions."""
        return f"part-{number:06d}.parquet"

    @property
    def fingerprint(self) -> str:
        return digest(self.student_hash, self.runtime, self.texts, self.prefix, [asdict(each) for each in self.pieces])


@dataclass(frozen=True)
class Predicted:
    """What lies in the folder; `resumed` parts were there from an earlier call, `blank` rows had no text.

    `labels` counts rows by label (of several or of tags: how often each occurs).
    """

    rows: int
    blank: int
    parts: int
    resumed: int
    mean_confidence: float | None
    labels: Mapping[str, int]
    skipped: Mapping[str, str]


def predict_file(model: str, file: Path) -> pa.Table:
    """`text` and what the student in a run or an exported folder says of it, of each text in a small file."""
    if not file.is_file():
        raise UserError(f"{file}: no such file")
    folder = student_of(model)
    from training.export import load_student  # loads torch, which mistakes need not wait for

    student = load_student(local_folder(folder), choose_runtime(local_folder(folder)))
    texts = [row.text for row in read_examples(file, None, student.spec.kind)]
    return pa.table({"text": texts, **student.columns(texts)})


def predict_folder(
    model: str, places: Sequence[str], out: str, *, workers: int | None = None, **asked: Any
) -> Predicted:
    """`predict_parquet` with a Ray of its own, or the one that is initialised."""
    folder = student_of(model)
    with ray_session(RuntimeSettings()):
        return predict_parquet(folder, places, out, workers=workers or os.cpu_count() or 1, **asked)


def student_of(model: str) -> Location:
    """The student that a user names: an exported folder, or that of a run. Raises UserError."""
    from cluster.run import Run

    place = locate(model)
    return place if (place / SPEC_FILE).is_file() else Run.open(model).student


def predict_parquet(
    student: Location,
    places: Sequence[str],
    out: str,
    *,
    text: str = "text",
    prefix: str = "",
    runtime: str = "auto",
    workers: int = 1,
    skip_corrupt: bool = False,
    told: Callable[[int, int, int], None] = lambda done, of, rows: None,
) -> Predicted:
    """Write the rows of `places` with their predictions into the folder `out`, a part for each row group, in order.

    All columns are kept; added are those that the kind of student brings, and `confidence`. Called again after a fault
    it goes on: parts are whole or absent, and the same for any number of workers. `told` hears after each part how many
    parts of this call are done, of how many, and their rows. Needs an initialised Ray. Raises UserError.
    """
    spec = StudentSpec.load(student)
    texts = text_columns(spec.kind, text)
    found = find_pieces(places, texts, skip_corrupt)
    added = {f"{prefix}{name}": kind for name, kind in ADDED[spec.kind].items()}
    if taken := [name for name in added if name in found.schema.names]:
        raise UserError(f"{places[0]}: has a column {taken[0]!r} already; add --prefix predicted_")
    folder = local_folder(student)
    chosen = choose_runtime(folder, runtime)
    asked = Asked(address_of(student), model_hash(folder), chosen, texts, prefix, found.pieces)
    target = locate(out)
    there = _prepare(target, asked)
    todo = [number for number in range(len(asked.pieces)) if asked.part(number) not in there]
    skipped = dict(found.skipped)
    done = rows = 0
    for answer in _run(asked, target, todo, workers):
        done, rows = done + 1, rows + answer["rows"]
        if answer["fault"] and not skip_corrupt:
            raise UserError(answer["fault"] + LEAVES_OUT)
        if answer["fault"]:
            skipped[answer["place"]] = answer["fault"]
        told(done, len(todo), rows)
    summary = _summarise(target, asked, spec.kind, len(there), skipped)
    write_bytes(
        filesystem_of(target), path_of(target / SUMMARY_FILE), (json.dumps(asdict(summary), indent=1) + "\n").encode()
    )
    return summary


def _prepare(target: Location, asked: Asked) -> set[str]:
    """The parts that are there from an earlier call of the same kind. Raises UserError for anything else."""
    system, path = filesystem_of(target), path_of(target)
    if system.get_file_info(path).type == fs.FileType.File:
        raise UserError(f"{target}: must be a folder; it is a file")
    names = {each.base_name for each in system.get_file_info(fs.FileSelector(path, allow_not_found=True))}
    plan = path_of(target / PLAN_FILE)
    if PLAN_FILE in names:
        with system.open_input_file(plan) as file:
            if json.loads(file.read())["fingerprint"] != asked.fingerprint:
                raise UserError(f"{target}: holds predictions of another student, input or options; name a new folder")
        return {name for name in names if name.endswith(".parquet")}
    if names:
        raise UserError(f"{target}: must be new or hold an earlier call's predictions; got {sorted(names)[0]!r} in it")
    system.create_dir(path)
    write_bytes(
        system, plan, (json.dumps({"fingerprint": asked.fingerprint, "student": asked.student}) + "\n").encode()
    )
    return set()


def _run(asked: Asked, target: Location, todo: Sequence[int], workers: int) -> Iterator[dict[str, Any]]:
    yield from in_actors(Predicting, (asked, address_of(target)), todo, workers)


def in_actors(kind: type, arguments: tuple[Any, ...], todo: Sequence[int], workers: int) -> Iterator[dict[str, Any]]:
    """What actors of a kind answer to {"number": n} for each n of `todo`, as they come. Needs an initialised Ray.

    They are made with `arguments` and the number of threads that each may use, and live until all is done.
    """
    import ray
    from ray.data import ActorPoolStrategy

    if not todo:
        return
    items = ray.data.from_items([{"number": number} for number in todo], override_num_blocks=len(todo))
    given = (*arguments, max(1, (os.cpu_count() or 1) // workers))
    pool = ActorPoolStrategy(size=min(workers, len(todo)))
    yield from quiet(items.map(kind, fn_constructor_args=given, compute=pool, num_cpus=1)).iter_rows()


class Predicting:
    """A student, loaded once, that labels a piece at a time and writes its part."""

    def __init__(self, asked: Asked, target: str, threads: int) -> None:
        from training.export import load_student

        self.asked, self.target = asked, locate(target)
        self.student = load_student(local_folder(locate(asked.student)), asked.runtime, threads)

    def __call__(self, item: dict[str, Any]) -> dict[str, Any]:
        number = int(item["number"])
        piece = self.asked.pieces[number]
        try:
            table = Chunk((piece,)).read(strings=self.asked.texts)
        except UserError as error:
            return {"place": f"{piece.file} row group {piece.group}", "rows": 0, "fault": str(error)}
        parts = [self._with_predictions(table.slice(start, BATCH_ROWS)) for start in range(0, len(table), BATCH_ROWS)]
        sink = pa.BufferOutputStream()
        pq.write_table(pa.concat_tables(parts), sink, compression="zstd")
        place = self.target / self.asked.part(number)
        write_bytes(filesystem_of(self.target), path_of(place), sink.getvalue())
        return {"place": str(place), "rows": len(table), "fault": ""}

    def _with_predictions(self, table: pa.Table) -> pa.Table:
        texts = _texts(table, self.asked.texts)
        given = [place for place, text in enumerate(texts) if text]
        found = self.student.columns([texts[place] for place in given])
        for name, kind in ADDED[self.student.spec.kind].items():
            values: list[Any] = [None] * len(texts)
            for place, value in zip(given, found[name], strict=True):
                values[place] = value
            table = table.append_column(f"{self.asked.prefix}{name}", pa.array(values, kind))
        return table


def _texts(table: pa.Table, names: Sequence[str]) -> list[str]:
    """What the student reads of each row; "" where a part of it is missing or blank."""
    columns = [table[name].to_pylist() for name in names]
    return join_all(*columns) if len(columns) > 1 else [(text or "").strip() for text in columns[0]]


def _summarise(target: Location, asked: Asked, kind: str, resumed: int, skipped: Mapping[str, str]) -> Predicted:
    """What the parts hold: one at a time is in memory, and of it two columns."""
    counts: Counter[str] = Counter()
    rows = blank = parts = 0
    sure = 0.0
    labels, confidence = f"{asked.prefix}{_COUNTED[kind]}", f"{asked.prefix}confidence"
    system = filesystem_of(target)
    for path in list_parts(system, path_of(target)):
        table = pq.read_table(path, filesystem=system, columns=[labels, confidence], partitioning=None)
        parts, rows = parts + 1, rows + len(table)
        blank += table[confidence].null_count
        sure += pc.sum(table[confidence]).as_py() or 0.0
        for value in table[labels].to_pylist():
            counts.update([value] if isinstance(value, str) else value or [])
    if kind == "tags":
        del counts[OUTSIDE]
    mean = sure / (rows - blank) if rows > blank else None
    return Predicted(rows, blank, parts, resumed, mean, dict(sorted(counts.items())), skipped)
