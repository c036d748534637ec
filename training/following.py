"""A tracker told of training while it runs, by Ray Train's controller. Like training/loop.py, it knows Ray."""

from __future__ import annotations

import logging
from typing import Any

from ray.train import UserCallback

from training.tracker import Tracker


class Following(UserCallback):
    """Notes each report; training goes on where that fails, since what a tracker keeps is a copy."""

    def __init__(self, tracker: Tracker) -> None:
        self.tracker = tracker

    def after_report(self, run_context: Any, metrics: list[dict[str, Any]], checkpoint: Any) -> None:
        told = metrics[0]
        try:
            self.tracker.follow(told["job"], told["step"], {"loss": told["loss"]})
        except Exception:
            logging.getLogger(__name__).warning("the tracker could not be told of training", exc_info=True)
