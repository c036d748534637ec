"""Settings of the judge and the student."""

from __future__ import annotations

from typing import Literal

from pydantic import Field

from generation.models import EMBEDDED_ENCODER
from generation.settings import Settings, Share

Targets = Literal["hard", "soft", "soft_all"]
LossName = Literal["cross_entropy", "label_smoothing", "soft_labels", "generalised", "early_learning", "auto"]


class StudentSettings(Settings):
    """What learns from the rows."""

    model: str = Field(EMBEDDED_ENCODER, description="encoder: the embedded MiniLM or a model folder")
    dev_per_label: int = Field(0, ge=0, description="seeds per label held out for early stopping; 0 trains on all")
    judge_steps: int = Field(60, ge=1, description="contrastive steps on the seeds")
    judge_share: Share = Field(0.5, description="share of the tuned weights in their average with the encoder's own")
    judge_learning_rate: float = Field(5e-5, gt=0, lt=1)
    judge_c: float = Field(10.0, gt=0, description="inverse regularisation of the judge's logistic head")
    steps: int = Field(100, ge=1, description="most training steps of a student that starts from the judge")
    cold_steps: int = Field(
        300, ge=1, description="least steps of one of tags or several labels that starts from a plain encoder"
    )
    cold_epochs: int = Field(
        3, ge=0, description="how often, at least, one that starts from a plain encoder sees every row"
    )
    batch_size: int = Field(16, ge=2)
    learning_rate: float = Field(
        3e-4, gt=0, lt=1, description="of a student that starts from a plain encoder; larger ones than MiniLM want less"
    )
    warm_learning_rate: float = Field(2e-6, gt=0, lt=1, description="of one that starts from the judge")
    loss: LossName | None = Field(
        None,
        description="by default early_learning of a student that starts from the judge, else cross_entropy; "
        "auto searches a little: see docs/students.md",
    )
    targets: Targets = Field(
        "hard",
        description="what generated rows are learnt as: their labels (hard), the judge's shares of labels (soft), "
        "and so too of the rows that the judge doubts (soft_all)",
    )
    share_power: float = Field(
        1.0, gt=0, le=1, description="power of the shares of labels that are learnt; below 1 less sure than they were"
    )
    label_smoothing: float = Field(0.1, ge=0, lt=1, description="share of a label that is spread over all")
    soft_share: Share = Field(0.5, description="share of the judge's distribution in the loss, with soft_labels")
    soft_temperature: float = Field(2.0, gt=0, description="of that distribution and the student's beside it")
    generalised_q: float = Field(0.7, gt=0, le=1, description="0: as cross-entropy, 1: as absolute error")
    early_memory: float = Field(0.7, ge=0, lt=1, description="weight of the past in a row's running target")
    early_strength: float = Field(3.0, ge=0, description="pull towards it, with early_learning")
    ema: float = Field(0.0, ge=0, lt=1, description="weight of the past in averaged weights; 0 averages none")
    seed_weight: int = Field(3, ge=0, description="times the seeds are replayed among generated rows")
    seed_share: float | None = Field(
        None, ge=0, lt=1, description="or the share of seeds among what is trained on, by replaying them"
    )
    balance: Share = Field(
        0.0, description="how far labels count alike, however many rows they have; 0: as many as they have"
    )
    evaluate_every: int = Field(20, ge=1, description="training steps between looks at the held-out seeds")
    patience: int = Field(5, ge=1, description="looks clearly worse than the best before training stops")
    shard: Literal["auto", "always", "never"] = Field(
        "auto", description="cut it up among runtime.workers; auto: where training takes a third of a device's memory"
    )
    max_length: int = Field(128, ge=8, le=512, description="longest text in tokens; longer ones are cut")
    seed: int = Field(0, ge=0, lt=2**31)
