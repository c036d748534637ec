"""Explanations of a run's rows, people's votes on them, and the best one of each row (Wiegreffe et al. 2022).

All of it lies in `RUN/explanations/`, a store of its own.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc

from cluster.audit.frame import UNDONE
from cluster.store import Store
from denoise.audit.agreement import agreeing, krippendorff
from denoise.audit.explanations import Explanations, SelectionAccuracy, best_of_rows, selection_accuracy
from generation.errors import UserError, clip
from generation.items import read_items
from generation.parts import read_parts
from generation.records import VERDICT_SCHEMA, digest, verdicts_table

FOLDER = "explanations"
LEAST_VOTES = 10  # of either kind, before a model is made of them
_YES, _NO = {"1", "true", "yes", "y"}, {"0", "false", "no", "n"}


@dataclass(frozen=True)
class Chosen:
    """What there is of explanations: `table` has one a row, `figures` and `scored` once there are enough votes.

    Columns of `table`: `id` (of the explanation), `row`, `text`, `label`, `explanation`, `greedy`, `mean_logprob`,
    `votes` (share of people who accept it, null: nobody was asked), `acceptability` (the model's, from folds that have
    not seen the row where it was voted on), `chosen` (of its row's the best).
    """

    table: pa.Table
    figures: SelectionAccuracy | None
    scored: bool


def store_of(run: Store) -> Store:
    """Where a run's explanations are kept."""
    return Store(run.root / FOLDER)


def read_explanations(run: Store) -> pa.Table:
    """All explanations: `id`, `row`, `text`, `label`, `explanation`, `greedy`, `mean_logprob`, `votes`; by row, id."""
    store = store_of(run)
    answers = store.generated(0, ["id", "request_id", "label", "text", "seed_ids", "mean_logprob", "finish_reason"])
    if not answers.num_rows:
        raise UserError(f"{run.root}: has no explanations yet; `labelmill explain RUN` makes them")
    requests = store.requests(0, ["request_id", "samples", "text"]).to_pylist()
    asked = {each["request_id"]: each for each in requests}
    shares = votes_of(store)
    rows = [
        {
            "id": each["id"],
            "row": each["seed_ids"][0],
            "text": asked[each["request_id"]]["text"],
            "label": each["label"],
            "explanation": each["text"],
            "greedy": asked[each["request_id"]]["samples"] == 1,
            "mean_logprob": each["mean_logprob"],
            "votes": shares.get(each["id"]),
        }
        for each in answers.to_pylist()
        if each["text"].strip() and each["finish_reason"] == "stop"
    ]
    schema = {name: pa.string() for name in ("id", "row", "text", "label", "explanation")}
    types = pa.schema(
        [*schema.items(), ("greedy", pa.bool_()), ("mean_logprob", pa.float64()), ("votes", pa.float64())]
    )
    return pa.Table.from_pylist(rows, schema=types).sort_by([("row", "ascending"), ("id", "ascending")])


def votes_of(store: Store) -> dict[str, float]:
    """By explanation, the share of people who accept it; of each person the last vote counts."""
    return {id: sum(given.values()) / len(given) for id, given in votes_by_person(store).items()}


def votes_by_person(store: Store) -> dict[str, dict[str, bool]]:
    """By explanation, whether each person accepts it, by their last vote. Votes that were taken back are none."""
    votes = read_parts(store.filesystem, store.parts(0, "verdicts"), VERDICT_SCHEMA)
    found: dict[str, dict[str, bool]] = {}
    for each in votes.select(["id", "auditor", "status", "reason", "revision"]).sort_by("revision").to_pylist():
        given = found.setdefault(each["id"], {})
        given.pop(each["auditor"], None)
        if each["reason"] != UNDONE:
            given[each["auditor"]] = each["status"] == "accepted"
    return {id: given for id, given in found.items() if given}


def next_revision(store: Store) -> int:
    """Above that of every vote so far."""
    votes = read_parts(store.filesystem, store.parts(0, "verdicts"), VERDICT_SCHEMA, ["revision"])["revision"]
    return int(pc.max(votes).as_py() or 0) + 1


def agreement(store: Store) -> tuple[int, int, float | None]:
    """Explanations on which all who voted agree, of so many that two or more voted on; Krippendorff's alpha."""
    votes = votes_by_person(store)
    return (*agreeing(votes.values()), krippendorff(votes))


def take_votes(run: Store, path: Path) -> int:
    """Commit the votes in a file: `id` of an explanation, `acceptable` (yes or no), perhaps `person`.

    Rows with nothing in `acceptable` are passed over. Raises UserError naming the place; then none is taken.
    """
    store = store_of(run)
    known = set(read_explanations(run)["id"].to_pylist())
    unit, items = read_items(path)
    now, votes = datetime.now(UTC), []
    for place, item in items:
        where = f"{path} {unit} {place}"
        if not isinstance(item, Mapping) or "id" not in item:
            raise UserError(f"{where}: must be an object with an id and acceptable")
        said = str(item.get("acceptable") if item.get("acceptable") is not None else "").strip().lower()
        if not said:
            continue
        if said not in _YES | _NO:
            raise UserError(f"{where}: acceptable: must be yes or no; got {clip(item['acceptable'])}")
        if item["id"] not in known:
            raise UserError(f"{where}: id: no explanation of this run has it; got {clip(item['id'])}")
        status = "accepted" if said in _YES else "rejected"
        person = str(item.get("person") or "file")
        votes.append({"id": item["id"], "stage": "vote", "status": status, "auditor": person, "at": now})
    if votes:
        number = next_revision(store)
        numbered = [vote | {"revision": number} for vote in votes]
        name = f"v{number:06d}-{digest(str(now))[:8]}"
        store.commit(0, "verdicts", name, verdicts_table(numbered), run.run()["run_id"])
    return len(votes)


def choose(told: pa.Table, embed: Callable[[Sequence[str]], np.ndarray]) -> Chosen:
    """Of each row's explanations (as `read_explanations` has them) the best one, and how good such choices are."""
    rows = np.unique(np.array(told["row"].to_pylist()), return_inverse=True)[1]
    votes = np.array([np.nan if vote is None else vote for vote in told["votes"].to_pylist()])
    logprob = told["mean_logprob"].to_numpy()
    seen = Explanations(rows, told["greedy"].to_numpy(zero_copy_only=False), logprob, votes)
    accepted, voted = seen.accepted, seen.voted
    enough = min(accepted[voted].sum(), (~accepted[voted]).sum()) >= LEAST_VOTES
    scores = _scores(told, seen, embed) if enough else None
    ranked = logprob if scores is None else scores
    chosen = np.isin(np.arange(len(rows)), best_of_rows(seen, ranked))
    table = told.append_column(
        "acceptability", pa.array(scores, pa.float64()) if enough else pa.nulls(len(rows), pa.float64())
    )
    return Chosen(table.append_column("chosen", pa.array(chosen)), selection_accuracy(seen, scores), bool(enough))


def _scores(told: pa.Table, seen: Explanations, embed: Callable[[Sequence[str]], np.ndarray]) -> np.ndarray:
    from training.acceptability import features, fit, out_of_fold

    text, label, explanation = (told[name].to_pylist() for name in ("text", "label", "explanation"))
    vectors = features(text, label, explanation, seen.mean_logprob, embed)
    voted, accepted = seen.voted, seen.accepted
    scores = fit(vectors[voted], accepted[voted]).predict_proba(vectors)[:, 1]
    scores[voted] = out_of_fold(vectors[voted], accepted[voted], seen.row[voted])
    return scores


def render(chosen: Chosen, rows: int, agreed: tuple[int, int, float | None] = (0, 0, None)) -> str:
    """What there is, in lines; `agreed` as `agreement` has it."""
    table = chosen.table
    voted = len(table) - table["votes"].null_count
    lines = [f"{len(table)} explanations of {rows} rows, {voted} of them voted on"]
    same, several, alpha = agreed
    if several:
        told = "" if alpha is None else f", Krippendorff's alpha {alpha:.2f}"
        lines.append(f"people agree on {same} of {several} that two or more voted on{told}")
    if chosen.figures is None:
        return "\n".join([*lines, "how often the best is taken is known once people have voted on all of a row's"])
    figures = chosen.figures
    lines.append(f"acceptable, of {figures.rows} rows with all their votes, when chosen")
    for name in ("random", "greedy", "lowest_nll", "model", "oracle"):
        value = getattr(figures, name)
        shown = f"{value:.1%}" if value is not None else f"needs {LEAST_VOTES} votes of yes and of no"
        lines.append(f"  {name.replace('_', ' '):<12} {shown:>6}")
    return "\n".join(lines)
