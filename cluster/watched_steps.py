"""The steps of a round's waves with an eye on bias: after each wave, and before the next where that is asked for."""

from __future__ import annotations

import functools
from typing import Any

from cluster.bias import Guess, check_bias, found_bias, likeliest_labels, refuse_biased
from cluster.wave_steps import WaveSteps
from generation.location import Location
from training.folders import local_folder
from training.job import ONE_LABEL


class WatchedSteps(WaveSteps):
    """WaveSteps that look for bias in what is kept (denoise.bias)."""

    def plan(self, wave: int, judged: int) -> bool:
        """As ever. Raises UserError where an alarm is to be looked at first."""
        if self._job.config.denoise.bias == "pause":
            refuse_biased(self._store)
        return super().plan(wave, judged)

    def judge(self, wave: int) -> None:
        """As ever; then the check of this wave, unless it was made before an interruption."""
        super().judge(wave)
        checked = found_bias(self._store, self._now.number)
        if self._job.config.denoise.bias != "off" and (checked is None or checked["wave"] < wave):
            check_bias(self._store, self._journal, self._now.number, wave, self._guess())

    def _guess(self) -> Guess | None:
        if self._judge_folder is None or self._job.kind.name not in ONE_LABEL:
            return None
        load = functools.partial(_load_judge, self._judge_folder())
        return functools.partial(likeliest_labels, labels=self._job.task.label_names, load_judge=load)


def _load_judge(folder: Location) -> Any:
    from training.contrastive import Judge

    return Judge.load(local_folder(folder))
