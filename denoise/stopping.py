"""When further rounds are no longer worth it, by the figures of those that were made."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from denoise.gain import Gain
from denoise.round_settings import StopSettings


@dataclass(frozen=True)
class Figures:
    """What is known of a finished round; None is not known.

    `gain` over the round before, estimated `noise` of all rows kept so far, and who estimated it, the share of its kept
    rows in `new_clusters`.
    """

    gain: Gain | None = None
    noise: float | None = None
    noise_by: str = "judge"
    new_clusters: float | None = None


@dataclass(frozen=True)
class Stop:
    """A setting at `stop:` that ends the run, and `why` in words."""

    setting: str
    why: str


def stop_after(rounds: Sequence[Figures], settings: StopSettings) -> Stop | None:
    """Whether the last of the finished `rounds` is the last one, in the order of the settings; None: go on."""
    if not rounds:
        return None
    last, patience = rounds[-1], settings.patience
    if patience is not None and _idle(rounds) >= patience:
        which = "the last round" if patience == 1 else f"each of the last {patience} rounds"
        return Stop("patience", f"in {which} the student's gain may be zero, last {last.gain}")
    if settings.noise is not None and last.noise is not None and last.noise <= settings.noise:
        return Stop(
            "noise", f"{last.noise:.1%} wrong labels are estimated ({last.noise_by}), {settings.noise:.1%} are enough"
        )
    share, least = last.new_clusters, settings.new_clusters
    if least is not None and share is not None and share < least:
        return Stop("new_clusters", f"{share:.1%} of its rows are unlike all earlier ones, less than {least:.1%}")
    return None


def _idle(rounds: Sequence[Figures]) -> int:
    """How many of the last rounds in a row have a gain that may be none. One without a gain ends the count."""
    count = 0
    for each in reversed(rounds):
        if each.gain is None or not each.gain.may_be_none:
            break
        count += 1
    return count
