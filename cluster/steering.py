"""Temperatures of a wave's labels, steered by the verdicts that are committed."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Sequence

from cluster.rounds import Round
from cluster.store import Store
from denoise.diversity import distinct
from generation.decoding.steer import Measured, next_temperature
from generation.records import map_column
from generation.task import Task

JUDGED = ("agreement", "quota")  # the stages at which a row has been before the judge


def temperatures(store: Store, now: Round, judged: int, task: Task, start: float) -> dict[str, float]:
    """The temperature for each label of the round's next wave, from the waves before `judged`.

    A round begins where the one before it left off, the first one at `start`; what waves of earlier rounds said no
    longer counts, since exemplars and adapters have changed. Equal verdicts give equal temperatures.
    """
    asked = _asked(store, now.number)
    before = _asked(store, now.number - 1) if now.number else {}
    measured: defaultdict[str, list[Measured]] = defaultdict(list)
    for (wave, label), texts in _judged(store, now.number).items():
        if wave < judged and (wave, label) in asked:
            agreed = [text for text, agrees in texts if agrees]
            variety = variety_of(agreed, [seed.text for seed in task.seeds_of(label)])
            measured[label].append(Measured(asked[wave, label], len(texts), len(agreed), variety))
    return {label: next_temperature(_last(before, label, start), measured[label]) for label in now.targets}


def variety_of(texts: Sequence[str], seeds: Sequence[str]) -> float | None:
    """Distinct-2 of texts over that of seeds, both as the mean over groups of as many; None for fewer than two."""
    size = min(len(texts), len(seeds))
    if size < 2:
        return None
    varied = _mean_distinct(seeds, size)
    return _mean_distinct(texts, size) / varied if varied else None


def _mean_distinct(texts: Sequence[str], size: int) -> float:
    groups = [texts[first : first + size] for first in range(0, len(texts) - size + 1, size)]
    return sum(distinct(group, 2) for group in groups) / len(groups)


def _asked(store: Store, round_: int) -> dict[tuple[int, str], float]:
    """The temperature at which each wave asked for each label, in the order of waves; another run's do not count."""
    plan = store.requests(round_, ["wave", "label", "sampling"])
    asked = zip(plan["wave"].to_pylist(), plan["label"].to_pylist(), map_column(plan, "sampling"), strict=True)
    return {
        (wave, label): sampling["temperature"]
        for wave, label, sampling in asked
        if wave >= 0 and "temperature" in sampling  # which no LM is asked for has none
    }


def _last(asked: dict[tuple[int, str], float], label: str, start: float) -> float:
    waves = [wave for wave, name in asked if name == label]
    return asked[max(waves), label] if waves else start


def _judged(store: Store, round_: int) -> dict[tuple[int, str], list[tuple[str, bool]]]:
    """Texts that came before the judge, by wave and intended label, in the order of ids; and whether it agreed."""
    columns = store.verdicts(round_).select(["id", "stage", "status", "label"])
    verdicts = {each["id"]: each for each in columns.to_pylist()}
    rows = store.generated(round_, ["id", "wave", "intended_label", "text"]).sort_by("id")
    found: defaultdict[tuple[int, str], list[tuple[str, bool]]] = defaultdict(list)
    for row in rows.to_pylist():
        verdict = verdicts.get(row["id"])
        if verdict and verdict["stage"] in JUDGED:
            agrees = verdict["status"] not in ("rejected", "held") and verdict["label"] == row["intended_label"]
            found[row["wave"], row["intended_label"]].append((row["text"], agrees))
    return found
