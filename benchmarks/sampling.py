"""Whether sampling plans keep their risks, and how much work they are: lots are simulated, people make no mistakes.

    python benchmarks/sampling.py [--json FILE]

For each plan and size of lot: the rows that were taken on average (and those that were expected) in a good lot (2 %
defects) and a bad one (8 %), and the share of lots that were decided wrongly. Both risks are to be 5 %.
"""

from __future__ import annotations

import argparse
import json
from pathlib import Path
from typing import Any

import numpy as np

from denoise.audit.assurance import Assurance
from denoise.audit.finding import find_plan
from denoise.audit.plans import Plan

SIZES = (300, 10**3, 10**4, 10**5, 10**6)
KINDS = ("sequential", "fixed", "zero_failure")


def simulate(plan: Plan, size: int, rate: float, lots: int, generator: np.random.Generator) -> tuple[float, float]:
    """Share of lots of this defect rate that pass, and mean rows checked."""
    accept, reject = np.array(plan.accept_at[1:]), np.array(plan.reject_at[1:])
    passed, rows = 0, 0
    for _ in range(lots):
        defects = (generator.choice(size, plan.cap, replace=False) < round(rate * size)).cumsum()
        end = int(((defects <= accept) | (defects >= reject)).argmax())
        passed += bool(defects[end] <= accept[end])
        rows += end + 1
    return passed / lots, rows / lots


def measure(lots: int) -> list[dict[str, Any]]:
    """A record per plan and size."""
    generator, found = np.random.default_rng(0), []
    for kind in KINDS:
        for size in SIZES:
            assurance = Assurance.model_validate({"plan": kind})
            plan = find_plan(assurance, size)
            good = simulate(plan, size, assurance.accept, lots, generator)
            bad = simulate(plan, size, assurance.reject, lots, generator)
            found.append(
                {"plan": kind, "lot": size, "cap": plan.cap, "good_fails": 1 - good[0], "bad_passes": bad[0]}
                | {"good_rows": good[1], "bad_rows": bad[1], "good_expected": plan.expected(assurance.accept)}
                | {"bad_expected": plan.expected(assurance.reject)}
            )
    return found


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--lots", type=int, default=2000)
    parser.add_argument("--json", type=Path)
    options = parser.parse_args()
    found = measure(options.lots)
    print("| plan | rows of the lot | most rows | rows when good | when bad | good ones fail | bad ones pass |")
    print("| --- | ---: | ---: | ---: | ---: | ---: | ---: |")
    for each in found:
        good = f"{each['good_rows']:.0f} ({each['good_expected']:.0f})"
        bad = f"{each['bad_rows']:.0f} ({each['bad_expected']:.0f})"
        wrong = f"{100 * each['good_fails']:.1f} % | {100 * each['bad_passes']:.1f} %"
        print(f"| {each['plan']} | {each['lot']:,} | {each['cap']} | {good} | {bad} | {wrong} |")
    if options.json:
        options.json.write_text(json.dumps(found, indent=2) + "\n")


if __name__ == "__main__":
    main()
