"""A model card: what a student is, what it was made from, how good it is, and what nobody has checked."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Mapping
from typing import Any

import yaml

from cluster.audit.frame import judged_by_people
from cluster.forgetting.pending import named_students
from cluster.licences import Link, Override, chain_of
from cluster.promotion import promoted_round
from cluster.store import Store
from generation.models import EMBEDDED_ENCODER

TASKS = {
    "label": "text-classification",
    "pair": "text-classification",
    "multi_label": "text-classification",
    "tags": "token-classification",
}


def student_card(store: Store, overrides: Iterable[Override] = ()) -> str:
    """The card of a run's promoted student, in Markdown with the head that model hubs read.

    `overrides` are those that let it out under terms that would have kept it back.
    """
    run, promoted = store.run(), promoted_round(store)
    number = max(store.rounds()) if promoted is None else promoted
    rounds = [each for each in store.rounds() if each <= number]
    metrics = [found for each in rounds if (found := store.read_json(f"rounds/{each:03d}/metrics.json"))]
    head = {
        "library_name": "transformers",
        "pipeline_tag": TASKS[run["kind"]],
        "tags": ["labelmill", "distilled", "synthetic-data"],
    }
    parts = [
        f"---\n{yaml.safe_dump(head, sort_keys=False)}---",
        f"# {run['name']}",
        run["description"],
        _labels(run),
        _data(store, run, rounds, metrics),
        licences_told(chain_of(store), overrides),
        _scores(metrics[-1].get("test") if metrics else None),
        _limits(run),
        f"Run `{run['run_id']}`, round {number}, begun {run['created']}.",
    ]
    return "\n\n".join(parts) + "\n"


def _labels(run: Mapping[str, Any]) -> str:
    rows = [(label["name"], label["description"]) for label in run["labels"]]
    return "## Labels\n\n" + table_of(("label", "is said of a text that"), rows)


def _data(store: Store, run: Mapping[str, Any], rounds: list[int], metrics: list[dict[str, Any]]) -> str:
    """Counts of rows and where they came from; how many were looked at by a person."""
    config = run["config"]
    statuses: Counter[str] = Counter()
    for each in rounds:
        statuses.update(store.verdicts(each)["status"].to_pylist())
    generation = config.get("generation", {})
    rows = [
        ("model that wrote the rows", f"{run['model']['name']} (hash {run['model']['hash']})"),
        ("method", generation.get("method", "prompted")),
        ("hand-written seeds", len(store.read_json("seeds.json") or ())),
        ("rows generated", sum(each["generated"] for each in metrics)),
        *((f"rows {status}", count) for status, count in sorted(statuses.items())),
        ("rows that a person checked", len(judged_by_people(store))),
        *_forgotten(store, rounds[-1]),
        (
            "prompt and output tokens",
            " and ".join(str(sum(each["tokens"][kind] for each in metrics)) for kind in ("prompt", "output")),
        ),
        ("encoder that was tuned", _encoder(config)),
    ]
    return "## Made from\n\n" + table_of(("", ""), rows)


def _forgotten(store: Store, number: int) -> list[tuple[str, int]]:
    """Rows that were erased after the student of this round may have learnt from them."""
    count = named_students(store).get(f"rounds/{number:03d}/student", 0)
    return [("rows erased since, of which it may have learnt some", count)] if count else []


def _scores(test: Mapping[str, Any] | None) -> str:
    if test is None:
        return "## How good it is\n\nNobody knows: the run had no held-out rows."
    rows = [("this student", test["student"]), *test["baselines"].items()]
    table = table_of(
        ("model", "accuracy", "macro F1"),
        [(name, f"{each['accuracy']:.3f}", f"{each['macro_f1']:.3f}") for name, each in rows if "accuracy" in each],
    )
    per_class = test["student"].get("per_class", {})
    worst = sorted(per_class.items(), key=lambda item: item[1]["f1"])[:5]
    weak = table_of(
        ("weakest labels", "precision", "recall", "rows"),
        [(name, f"{each['precision']:.2f}", f"{each['recall']:.2f}", each["support"]) for name, each in worst],
    )
    near = test["near_duplicates_of_dataset"]
    return (
        f"## How good it is\n\nOn {test['rows']} held-out rows ({near} have a near duplicate among the rows that it "
        f"was trained on); the others are models trained on the seeds alone.\n\n{table}\n\n{weak}"
    )


def _limits(run: Mapping[str, Any]) -> str:
    lines = [
        "A language model wrote most rows that it learnt from: what that one gets wrong, it may get wrong too.",
        "A text that fits none of the labels gets one all the same.",
        "Confidences are those of the softmax; see `student.json` for the temperature that they were divided by.",
    ]
    return "## Limits\n\n" + "\n".join(f"- {line}" for line in lines)


def _encoder(config: Mapping[str, Any]) -> str:
    return str(config.get("student", {}).get("model", EMBEDDED_ENCODER))


def licences_told(links: Iterable[Link], overrides: Iterable[Override]) -> str:
    """The chain of licences, and who took on what keeps an export back."""
    rows = [(link.what, link.told) for link in links]
    lines = [f"{each.who} passed this on all the same ({_overridden(each)}): {each.why}" for each in overrides]
    return "\n\n".join(["## Licences", table_of(("made from", "licence"), rows), *lines])


def _overridden(override: Override) -> str:
    return ", ".join(f"{part}: {licence or 'not stated'}" for part, licence in override.terms.items())


def table_of(head: Iterable[str], rows: Iterable[Iterable[object]]) -> str:
    """A table in Markdown; of no rows only its head."""
    titles = list(head)
    lines = [f"| {' | '.join(titles)} |", "| --- " * len(titles) + "|"]
    lines += ["| " + " | ".join(_cell(cell) for cell in row) + " |" for row in rows]
    return "\n".join(lines)


def _cell(cell: object) -> str:
    """A cell on one line, with no mark that would end it."""
    return " ".join(str(cell).split()).replace("|", "\\|")
