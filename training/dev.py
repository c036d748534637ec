"""What dev rows tell of a student in training: how good it is at a step, and how sure it may be."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import torch
from torch.nn.functional import cross_entropy

from training.job import StudentJob
from training.measures.calibration import fit_temperature
from training.measures.scores import choices_of, count_answers
from training.predict import Student
from training.progress import Look
from training.spec import StudentSpec
from training.students.network import Network, parts_of


class DevRows:
    """A job's dev rows, encoded once, and the network that is looked at."""

    def __init__(self, job: StudentJob, network: Network) -> None:
        self.job, self.network = job, network
        self.inputs = [network.input_of(row) for row in job.dev]
        self.encoded = network.encode(self.inputs)

    def look(self, step: int) -> Look:
        """The network as it is. The loss of a row is the mean cross-entropy of its choices, 0 of a row without any."""
        student, dev = self._student(), self.job.dev
        logits = self.network.logits_of(self.encoded)
        predicted, _ = student.decide(self.inputs, self.encoded, student.to_probabilities(logits))
        macro_f1 = count_answers(self.job.kind, dev, predicted, self.job.labels).scores()["macro_f1"]
        choices, targets = choices_of(student, dev, self.encoded, logits)
        losses = cross_entropy(torch.from_numpy(choices), torch.from_numpy(targets), reduction="none").numpy()
        counts = [len(self.network.targets(row, each)) for row, each in zip(dev, self.encoded, strict=True)]
        means = np.array([part.mean() if len(part) else 0.0 for part in parts_of(losses, counts)])
        error = means.std(ddof=1) / np.sqrt(len(means)) if len(means) > 1 else 0.0
        return Look(step, macro_f1, float(means.mean()), float(error))

    def spec(self) -> StudentSpec:
        """How the student is to be read, with the temperature that suits the rows; of none it is 1."""
        student = self._student()
        if not self.job.dev:
            return student.spec
        choices, targets = choices_of(student, self.job.dev, self.encoded, self.network.logits_of(self.encoded))
        temperature = fit_temperature(choices, targets)
        return replace(student.spec, temperature=temperature, calibration_rows=len(self.job.dev))

    def _student(self) -> Student:
        return Student(self.network, self.network.spec(self.job.kind, self.job.labels))
