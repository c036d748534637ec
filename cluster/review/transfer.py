"""A lot's sample as a file for other tools, and their answers back into the run."""

from __future__ import annotations

import json
from collections import Counter
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from cluster.audit.lots import current_lot, open_lot
from cluster.forgetting.pending import refuse_unfinished
from cluster.review import label_studio, sheet
from cluster.review.cases import Case
from cluster.review.desk import Desk
from cluster.review.leases import Leases
from cluster.review.ledger import Ledger
from cluster.review.opening import alone
from cluster.review.people import pseudonym
from cluster.review.verdicts import Answer
from cluster.store import Store
from generation.errors import UserError, clip
from generation.items import read_items
from generation.kinds import make_kind
from generation.kinds.base import Kind

FORMATS = ("label-studio", "csv")


def export_lot(store: Store, format: str, out: Path) -> list[Path]:
    """Write the sample of the open lot to `out`; for Label Studio its labeling interface beside it. Returns the files.

    Raises UserError, also where a file is there already.
    """
    if format not in FORMATS:
        raise UserError(f"--format: must be one of {', '.join(FORMATS)}; got {clip(format)}")
    wanted = ".csv" if format == "csv" else ".json"
    if out.suffix.lower() != wanted:
        raise UserError(f"{out}: must end in {wanted} for --format {format}")
    kind, cases = kind_of(store), Ledger(store).cases(open_lot(store).sample).values()
    if format == "csv":
        content = {out: sheet.table_of(kind, cases)}
    else:
        tasks = json.dumps(label_studio.tasks_of(kind, cases), indent=1, ensure_ascii=False)
        content = {out: tasks + "\n", out.with_suffix(".xml"): label_studio.configuration(kind)}
    for path in content:
        if path.exists():
            raise UserError(f"{path}: exists already")
    for path, text in content.items():
        path.write_text(text, encoding="utf-8", newline="")
    return [*content]


def import_file(store: Store, file: Path, who: str) -> dict[str, int]:
    """Commit the answers in a file, one by one as the page does; returns how many of each outcome.

    All of the file is read and checked first. `who` is whose answers they are where the file does not say. Answers
    that a person has given already are passed over. Raises UserError naming file, row and field, and where the lot has
    ended and the file has others.
    """
    lot = current_lot(store)
    if lot is None:
        raise UserError(f"{store.root}: has no lot yet; `labelmill audit open` draws one")
    with alone(store):
        refuse_unfinished(store)
        desk = Desk(Ledger(store), lot, Leases(0))
        read = _read(kind_of(store), desk.cases, file, pseudonym(who))
        if lot.is_closed(store) and not all(desk.same(name, row, answer) for row, name, answer in read):
            raise UserError(f"{file}: has new answers, but lot {lot.number} of {store.root} has ended; none is saved")
        counts = Counter[str]()
        for row, name, answer in read:
            if desk.same(name, row, answer):
                counts["known already"] += 1
                continue
            desk.revise(name, row, answer)
            counts[str(desk.cases[row].history.given[name]["reason"])] += 1
    return dict(counts)


def kind_of(store: Store) -> Kind:
    """The kind of a run's task."""
    run = store.run()
    labels = run.get("config", {}).get("labels") or run["labels"]
    return make_kind(run.get("kind", "label"), [label["name"] for label in labels])


def _read(kind: Kind, cases: Mapping[str, Case], file: Path, who: str) -> list[tuple[str, str, Answer]]:
    unit, items = read_items(file)
    reader = sheet.answer_of if file.suffix.lower() == ".csv" else label_studio.answer_of
    found = []
    for place, item in items:
        where = f"{file} {unit} {place}"
        if not isinstance(item, Mapping):
            raise UserError(f"{where}: must be an object; got {clip(item)}")
        case = _case(cases, where, item)
        for name, answer in reader(kind, case, where, item):
            found.append((case.id, _name(where, name, who), answer))
    return found


def _case(cases: Mapping[str, Case], where: str, item: Mapping[str, Any]) -> Case:
    data = item.get("data")
    key = data.get("id") if isinstance(data, Mapping) else item.get("id")
    if not isinstance(key, str) or sheet.plain(key) not in cases:
        raise UserError(f"{where}: id must be that of a row of the lot; got {clip(key)}")
    return cases[sheet.plain(key)]


def _name(where: str, given: str, who: str) -> str:
    try:
        return pseudonym(given) if given.strip() else who
    except UserError as error:
        raise UserError(f"{where}: auditor: {error}") from None
