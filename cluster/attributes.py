"""`labelmill attributes`: dimensions for a task, proposed by its LM and written down by its user."""

from __future__ import annotations

import os
import re
import shutil
from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path

import yaml

from cluster.config import check_config, read_yaml
from cluster.job import Job
from cluster.preview import answers
from cluster.problems import UniqueKeyLoader
from generation.errors import UserError, os_reason
from generation.forms import FORMS
from generation.plan import plan_wave
from generation.proposals import Proposal, Proposing, merge_answers

_EMPTY = re.compile(rb"^attributes:[ \t]*\[[ \t]*\][ \t]*(?:#[^\r\n]*)?(?:\r?\n|\Z)", re.MULTILINE)


def propose(job: Job, count: int) -> tuple[list[Proposal], int]:
    """What the LM proposes in about `count` answers, and how many there were. Raises UserError for no proposal."""
    # lines of text, also where the task itself wants JSON
    form, label = FORMS[job.method.form.layout](job.model_folder), job.task.labels[0]
    material = replace(job.material(), adapters={})  # the base model knows more than texts of the task
    requests = -(-count // material.settings.samples)
    plan = plan_wave(material, Proposing(form, Proposing.templates[form.name]), 0, {label.name: requests})
    topics = {row["request_id"]: dict(row["attributes"])["topic"] for row in plan.to_pylist()}
    _, answered = answers(job, lambda ready, store: plan)
    rows = answered.sort_by("id").to_pylist()
    proposals = merge_answers((row["text"], topics[row["request_id"]]) for row in rows)
    if not proposals:
        raise UserError(
            f"{job.path}: attributes: none of {len(rows)} answers names a dimension with two values or more; ask a "
            "larger model (model, or server.url)"
        )
    return proposals, len(rows)


def block_of(proposals: Sequence[Proposal]) -> str:
    """The proposals as they stand in task.yaml, with the number of answers that named each value."""
    lines = ["attributes:"]
    for each in proposals:
        lines.append(f"  - name: {_scalar(each.name)}")
        counts = ", ".join(map(str, each.counts))
        lines.append(f"    values: [{', '.join(map(_scalar, each.values))}] # in {counts} answers")
    return "\n".join(lines) + "\n"


def check_room(path: Path) -> None:
    """Raises UserError when a task file has attributes already."""
    raw = read_yaml(path)
    if isinstance(raw, dict) and raw.get("attributes"):
        raise UserError(f"{path}: attributes: are there already; take them out, or go without --write")


def write_block(path: Path, block: str) -> None:
    """Put a block of attributes into a task file, in place of an empty list or at its end; the rest stays as it is.

    Raises UserError, with the file untouched, when it has attributes already or when the block would not be read as
    meant there.
    """
    check_room(path)
    before = path.read_bytes()
    end = b"\r\n" if b"\r\n" in before else b"\n"
    added = block.encode().replace(b"\n", end)
    after, replaced = _EMPTY.subn(lambda found: added, before, count=1)
    if not replaced:
        after = before + (b"" if before.endswith(b"\n") else end) + end + added
    try:
        raw, wanted = yaml.load(after.decode(), UniqueKeyLoader), yaml.safe_load(block)
    except yaml.YAMLError:
        raw, wanted = None, {}
    if raw != {**read_yaml(path), **wanted}:
        raise UserError(f"{path}: attributes: cannot be put at the end of this file; paste them where they belong")
    check_config(raw, str(path))
    _replace(path.resolve(), after)


def _replace(path: Path, content: bytes) -> None:
    scratch = path.with_name(f".{path.name}.{os.getpid()}")
    try:
        scratch.write_bytes(content)
        shutil.copymode(path, scratch)
        scratch.replace(path)
    except OSError as error:
        scratch.unlink(missing_ok=True)
        raise UserError(f"{path}: cannot be written to: {os_reason(error)}") from None


def _scalar(text: str) -> str:
    """A string as YAML in a flow list, quoted where it must be."""
    return yaml.safe_dump([text], default_flow_style=True, allow_unicode=True, width=10_000).strip()[1:-1]
