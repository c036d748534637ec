"""What BERT and RoBERTa put on a text's first token: a layer with a tanh, then a linear one."""

from __future__ import annotations

from typing import Any, NamedTuple

from torch import nn
from transformers import PreTrainedModel

LIKE_ROBERTA = frozenset({"roberta", "xlm-roberta", "camembert"})  # model types whose classifier holds both layers


class TextHead(NamedTuple):
    """The layers of a classifier's head, `pooler` [d, d] and `classifier` [c, d]."""

    pooler: nn.Linear
    classifier: nn.Linear


def text_head(model: PreTrainedModel) -> TextHead | None:
    """The head of a model for sequence classification; None for one that is built in another way."""
    classifier: Any = getattr(model, "classifier", None)
    pooler: Any = getattr(getattr(model, "bert", None), "pooler", None)
    if model.config.model_type in LIKE_ROBERTA:
        return TextHead(classifier.dense, classifier.out_proj)
    return None if pooler is None else TextHead(pooler.dense, classifier)
