"""Students, one kind a file; adding one touches its file and the table here."""

from __future__ import annotations

from training.students.multi_label import MultiLabelClassifier
from training.students.network import Network
from training.students.sequence_classification import SequenceClassifier
from training.students.token_tagging import TokenTagger

NETWORKS: dict[str, type[Network]] = {
    "label": SequenceClassifier,
    "pair": SequenceClassifier,
    "multi_label": MultiLabelClassifier,
    "tags": TokenTagger,
}
