"""A model card: what a student is, what it was made from, how good it is, and what nobody has checked."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Mapping
from typing import Any

import yaml

from cluster.promotion import promoted_round
from cluster.store import Store
from generation.models import EMBEDDED_ENCODER, EMBEDDED_LM

_LICENCES = {EMBEDDED_LM: "Apache-2.0", EMBEDDED_ENCODER: "Apache-2.0"}
_UNKNOWN = "not recorded: see to it before you pass this on"
_TASKS = {
    "label": "text-classification",
    "pair": "text-classification",
    "multi_label": "text-classification",
    "tags": "token-classification",
}


def student_card(store: Store) -> str:
    """The card of a run's promoted student, in Markdown with the head that model hubs read."""
    run, promoted = store.run(), promoted_round(store)
    number = max(store.rounds()) if promoted is None else promoted
    rounds = [each for each in store.rounds() if each <= number]
    metrics = [found for each in rounds if (found := store.read_json(f"rounds/{each:03d}/metrics.json"))]
    head = {
        "library_name": "transformers",
        "pipeline_tag": _TASKS[run["kind"]],
        "tags": ["labelmill", "distilled", "synthetic-data"],
    }
    parts = [
        f"---\n{yaml.safe_dump(head, sort_keys=False)}---",
        f"# {run['name']}",
        run["description"],
        _labels(run),
        _data(store, run, rounds, metrics),
        _scores(metrics[-1].get("test") if metrics else None),
        _limits(run),
        f"Run `{run['run_id']}`, round {number}, begun {run['created']}.",
    ]
    return "\n\n".join(parts) + "\n"


def _labels(run: Mapping[str, Any]) -> str:
    rows = [(label["name"], label["description"]) for label in run["labels"]]
    return "## Labels\n\n" + _table(("label", "is said of a text that"), rows)


def _data(store: Store, run: Mapping[str, Any], rounds: list[int], metrics: list[dict[str, Any]]) -> str:
    """Counts of rows and where they came from; how many were looked at by a person."""
    config = run["config"]
    statuses: Counter[str] = Counter()
    for each in rounds:
        statuses.update(store.verdicts(each)["status"].to_pylist())
    generation = config.get("generation", {})
    rows = [
        ("model that wrote the rows", f"{run['model']['name']} (hash {run['model']['hash']})"),
        ("its licence", _licence(run["model"]["name"])),
        ("method", generation.get("method", "prompted")),
        ("hand-written seeds", len(store.read_json("seeds.json") or ())),
        ("rows generated", sum(each["generated"] for each in metrics)),
        *((f"rows {status}", count) for status, count in sorted(statuses.items())),
        ("rows that a person checked", 0),
        (
            "prompt and output tokens",
            " and ".join(str(sum(each["tokens"][kind] for each in metrics)) for kind in ("prompt", "output")),
        ),
        ("encoder that was tuned", _encoder(config)),
        ("its licence", _licence(_encoder(config))),
    ]
    return "## Made from\n\n" + _table(("", ""), rows)


def _scores(test: Mapping[str, Any] | None) -> str:
    if test is None:
        return "## How good it is\n\nNobody knows: the run had no held-out rows."
    rows = [("this student", test["student"]), *test["baselines"].items()]
    table = _table(
        ("model", "accuracy", "macro F1"),
        [(name, f"{each['accuracy']:.3f}", f"{each['macro_f1']:.3f}") for name, each in rows if "accuracy" in each],
    )
    per_class = test["student"].get("per_class", {})
    worst = sorted(per_class.items(), key=lambda item: item[1]["f1"])[:5]
    weak = _table(
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


def _licence(model: str) -> str:
    return _LICENCES.get(model, _UNKNOWN)


def _table(head: Iterable[str], rows: Iterable[Iterable[object]]) -> str:
    titles = list(head)
    lines = [f"| {' | '.join(titles)} |", "| --- " * len(titles) + "|"]
    lines += ["| " + " | ".join(_cell(cell) for cell in row) + " |" for row in rows]
    return "\n".join(lines)


def _cell(cell: object) -> str:
    """A cell on one line, with no mark that would end it."""
    return " ".join(str(cell).split()).replace("|", "\\|")
