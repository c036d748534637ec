"""The LM is asked for labels of picks, in a Ray task, which a worker's death repeats."""

from __future__ import annotations

from collections.abc import Callable, Sequence

import numpy as np

from cluster.feed.settings import FeedSettings
from cluster.job import Job
from generation.methods import make_method
from generation.methods.pseudo_label import PseudoLabel
from training.loop import WORKER_ENV

# texts and the labels that each may have -> logprobs [ways, n, labels]
Ask = Callable[[Sequence[str], Sequence[Sequence[str]]], np.ndarray]


def choice_spec(job: Job, settings: FeedSettings) -> object | None:
    """What the LM is asked with; None where it lies on a server, which tells no logprobs of what it did not say."""
    from training.choosing import ChoiceSpec

    if job.model_folder is None or not settings.lm:
        return None
    method = make_method("pseudo_label", job.generation.form, job.model_folder)
    assert isinstance(method, PseudoLabel)
    return ChoiceSpec(job.task, method, job.model_folder, settings.exemplars, settings.ways)


def ask_lm(spec: object, gpu: float = 0) -> Ask:
    """Asks the LM of a spec. Needs an initialised Ray."""

    def ask(texts: Sequence[str], among: Sequence[Sequence[str]]) -> np.ndarray:
        import ray

        task = ray.remote(num_cpus=1, num_gpus=gpu, max_retries=3, runtime_env={"env_vars": WORKER_ENV})(_answers)
        return np.array(ray.get(task.remote(spec, list(texts), list(among), gpu > 0)))

    return ask


def _answers(spec: object, texts: list[str], among: list[list[str]], on_gpu: bool) -> np.ndarray:
    from training.choosing import ChoiceSpec, LabelChooser

    assert isinstance(spec, ChoiceSpec)
    return LabelChooser(spec, on_gpu).logprobs(texts, among)
