"""Mean pooling as one more layer, so that a student that pools by the mean stays a standard Hugging Face model.

Classifiers of BERT and RoBERTa read the first token alone, where sentence encoders are trained on the mean of all. A
head on the first token starts well below one on the mean. A layer whose attention is even over all tokens puts their
mean into the first one, at the price of a seventh layer.
"""

from __future__ import annotations

import copy

import torch
from torch import nn
from transformers import PreTrainedModel

from training.students.text_head import text_head

MARK = "labelmill_mean_layer"  # in the config: the last layer is one of these
_GAIN = 256.0  # the mean's share against the token's own state, which the layer's residual path adds


def add_mean_layer(model: PreTrainedModel) -> bool:
    """Append the layer to a classifier that has a `text_head`, frozen, in place; once only.

    After it each token's state is the layer norm of the mean over its text (its own state adds 1/256). False, and
    nothing done, when the model is of another kind.
    """
    if text_head(model) is None:
        return False
    layers = model.base_model.encoder.layer
    if getattr(model.config, MARK, False):
        layers[-1].requires_grad_(False)
        return True
    layer = copy.deepcopy(layers[-1])
    _average(layer)
    layers.append(layer.requires_grad_(False))
    model.config.num_hidden_layers += 1
    setattr(model.config, MARK, True)
    return True


@torch.no_grad()
def _average(layer: nn.Module) -> None:
    """Queries of 0 attend evenly, values are the states themselves, and the feed-forward part adds nothing."""
    for parameter in layer.parameters():
        parameter.zero_()
    width = layer.attention.self.value.weight.shape[0]
    layer.attention.self.value.weight.copy_(torch.eye(width) * _GAIN)
    layer.attention.output.dense.weight.copy_(torch.eye(width))
    layer.attention.output.LayerNorm.weight.fill_(1.0)
    layer.output.LayerNorm.weight.fill_(1.0)
