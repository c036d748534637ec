"""Adapters of a method, trained on a split's seeds once and kept by content."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

from generation.adapters.folder import Adapter, read_adapter
from generation.methods import make_method
from generation.models import model_hash
from generation.records import digest
from training.adapters.job import AdapterJob, AdapterResult
from training.adapters.settings import AdapterSettings
from training.adapters.trainer import AdapterTrainer
from yardstick.sets import Split


@dataclass(frozen=True)
class Adapted:
    """The cache in `folder`, of adapters for the LM in `model`."""

    folder: Path
    model: Path
    settings: AdapterSettings
    exemplars: int

    def adapters(self, split: Split, method: str) -> dict[str, Adapter]:
        """The adapter of each label; none for a method that trains none."""
        made = make_method(method, "completion", self.model)
        if made.adapting is None:
            return {}
        output = self._output(split, method)
        if not output.is_dir():
            trainer = AdapterTrainer(
                AdapterJob(
                    task=split.task,
                    method=made,
                    model_folder=self.model,
                    model_hash=model_hash(self.model),
                    exemplars=self.exemplars,
                    settings=self.settings,
                    output=output,
                )
            )
            while not trainer.finished:
                trainer.step()
            result = trainer.save()
            kept = f"step {result.best_step} of {result.steps} kept"
            print(f"{split.real.name} k={split.k} {split.number} {method}: {kept}", flush=True)
        result = AdapterResult.load(output)
        return {label: read_adapter(output / name) for label, name in result.adapters.items()}

    def seconds(self, split: Split, method: str) -> float:
        """What training took, looks at the held-out seeds aside."""
        output = self._output(split, method)
        return AdapterResult.load(output).seconds if output.is_dir() else 0.0

    def _output(self, split: Split, method: str) -> Path:
        seeds = sorted(seed.id for seed in split.seeds)
        settings = self.settings.model_dump(mode="json")
        name = digest(split.real.name, seeds, method, settings, self.exemplars, model_hash(self.model))
        return (self.folder / name).absolute()
