"""What a further row costs: tokens for each row that stands, in the order in which rows were asked for."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable, Sequence
from dataclasses import dataclass

from cluster.store import Store

STANDING = ("accepted", "relabelled", "surplus")  # a row beyond the quota is as good as one within


@dataclass(frozen=True)
class Asked:
    """A generated row: what it was meant to be, the tokens of it, and whether it stands under that label."""

    label: str
    tokens: float
    stands: bool


def asked_rows(store: Store, round_: int = 0) -> list[Asked]:
    """All rows of a round by wave and place in the plan. The tokens of a prompt are shared by its answers."""
    plan = store.requests(round_, ["request_id", "wave", "samples"]).to_pylist()
    place = {row["request_id"]: (row["wave"], number) for number, row in enumerate(plan)}
    columns = ["id", "request_id", "intended_label", "prompt_tokens", "output_tokens"]
    rows = store.generated(round_, columns).to_pylist()
    verdicts = store.verdicts(round_).select(["id", "label", "status"]).to_pylist()
    fates = {row["id"]: row for row in verdicts}
    answers: dict[str, int] = defaultdict(int)
    for row in rows:
        answers[row["request_id"]] += 1
    found = []
    for row in sorted(rows, key=lambda row: (place[row["request_id"]], row["id"])):
        fate = fates.get(row["id"], {})
        stands = fate.get("status") in STANDING and fate.get("label") == row["intended_label"]
        tokens = row["prompt_tokens"] / answers[row["request_id"]] + row["output_tokens"]
        found.append(Asked(row["intended_label"], tokens, stands))
    return found


def tokens_per_row(rows: Sequence[Asked], labels: Iterable[str]) -> float | None:
    """Tokens asked for `labels`, for each row that stands; None where none does."""
    wanted = set(labels)
    own = [row for row in rows if row.label in wanted]
    standing = sum(row.stands for row in own)
    return sum(row.tokens for row in own) / standing if standing else None


def first_and_last(rows: Sequence[Asked], labels: Iterable[str], share: float = 0.1) -> tuple[float, float] | None:
    """Tokens for each standing row among the first and the last `share` of every label's; labels of too few are out."""
    first, last = [0.0, 0], [0.0, 0]
    for label in labels:
        own = [row for row in rows if row.label == label]
        standing = [place for place, row in enumerate(own) if row.stands]
        part = int(share * len(standing))
        if part == 0:
            continue
        begins = standing[-part - 1] + 1
        for total, places in ((first, range(standing[part - 1] + 1)), (last, range(begins, standing[-1] + 1))):
            total[0] += sum(own[place].tokens for place in places)
            total[1] += part
    return (first[0] / first[1], last[0] / last[1]) if first[1] else None
