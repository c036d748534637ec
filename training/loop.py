"""Where training runs: students and adapters under Ray Train, what is smaller in a Ray task. Only this file knows Ray,
and what it loads: training/elastic.py, where the number of workers may change, and training/following.py.

The caller has initialised Ray. A worker takes about 10 s to start, so several students share one worker group.
"""

from __future__ import annotations

import contextlib
import tempfile
import time
from collections.abc import Sequence
from pathlib import Path
from typing import Any

from generation.errors import Fault, os_reason
from generation.location import Location, ObjectPath, filesystem_of, path_of
from generation.records import digest
from generation.task import Example
from generation.threads import PATIENT_THREADS
from training.adapters.job import AdapterJob, AdapterResult
from training.folders import is_whole
from training.job import StudentJob, StudentResult
from training.settings import StudentSettings
from training.stored import mend, newest
from training.tracker import Tracker

WORKER_ENV = {**PATIENT_THREADS, "TOKENIZERS_PARALLELISM": "false"}
CHECKPOINT_SECONDS = 30.0  # a report can wait up to 2 s for Ray's controller
RESIZE_SECONDS = 60.0  # between looks at the cluster; a resize costs the steps since the last checkpoint, and a start
# that ranks wait for each other: rank 0 seals adapters alone, of a large model for minutes; Ray tells of a dead one
PATIENCE_SECONDS = 1800

Workers = int | tuple[int, int]  # so many, or from least to most: as many as the cluster has room for


def fit_students(
    jobs: Sequence[StudentJob],
    storage: Location,
    workers: Workers = 1,
    checkpoint_seconds: float = CHECKPOINT_SECONDS,
    gpu: float = 0,
    resize_seconds: float = RESIZE_SECONDS,
    tracker: Tracker | None = None,
) -> list[StudentResult]:
    """Train the jobs one after another in one worker group, and return their results in order.

    A job whose output exists is skipped. A killed call, repeated with the same jobs and `storage`, goes on from
    the last checkpoint; a killed worker is replaced up to three times, then a Fault is raised (an OSError if that is
    what stopped it). Of workers from least to most, as many train as nodes have room for; a group that loses a node
    goes on with what is left, and grows when another comes, which is looked for every `resize_seconds`. `storage` (a
    folder that all nodes see, or a place on an object store) holds the checkpoints and is emptied of them at the end.
    Each worker asks for `gpu` GPUs, a share of one or a whole one. A `tracker` hears of checkpoints and of results.
    """
    pending = [job for job in jobs if not is_whole(job.output)]
    if pending:
        name = "students-" + digest([job.key for job in jobs])
        mend(storage / name)
        _fit(_trainer(pending, name, storage, workers, checkpoint_seconds, gpu, resize_seconds, tracker), storage)
        _remove(storage / name)
    results = [StudentResult.load(job.output) for job in jobs]
    if tracker is not None:
        for job, result in zip(jobs, results, strict=True):
            tracker.finish(job, result)
    return results


def fit_student(job: StudentJob, storage: Location, workers: Workers = 1) -> StudentResult:
    """Train one student; see `fit_students`."""
    return fit_students([job], storage, workers)[0]


def fit_adapters(
    job: AdapterJob,
    storage: Location,
    workers: Workers = 1,
    checkpoint_seconds: float = CHECKPOINT_SECONDS,
    gpu: float = 0,
) -> AdapterResult:
    """Train the adapters of a job; what holds for `fit_students` holds here."""
    if not is_whole(job.output):
        name = "adapters-" + digest(job.key)
        mend(storage / name)
        _fit(_trainer([job], name, storage, workers, checkpoint_seconds, gpu), storage)
        _remove(storage / name)
    return AdapterResult.load(job.output)


def fit_judge(
    seeds: Sequence[tuple[str, Any]],
    labels: Sequence[str],
    settings: StudentSettings,
    folder: Location,
    init_folder: Path | str,
    guideline: Sequence[tuple[str, Any]] = (),
    gpu: float = 0,
    several: bool = False,
) -> Location:
    """`tune_judge` in a Ray task with `gpu` GPUs, repeated if its worker dies. Returns `folder`; one there is kept.

    Where a text has `several` labels, `tune_set_judge`: then seeds and guideline are texts with their labels.
    """
    import ray

    if not is_whole(folder):
        task = ray.remote(num_cpus=1, num_gpus=gpu, max_retries=3, runtime_env={"env_vars": WORKER_ENV})(_judge_worker)
        given = list(seeds), list(labels), settings, folder, str(init_folder), list(guideline)
        ray.get(task.remote(given, gpu > 0, several))
    return folder


def learn_material(
    seeds: Sequence[Example], words: Sequence[str], encoder_folder: Path | str, settings: StudentSettings
) -> dict[str, Any]:
    """`training.learnt.learn` in a Ray task, repeated if its worker dies."""
    import ray

    task = ray.remote(num_cpus=1, max_retries=3, runtime_env={"env_vars": WORKER_ENV})(_learning_worker)
    return ray.get(task.remote(list(seeds), list(words), str(encoder_folder), settings))


def _remove(folder: Location) -> None:
    with contextlib.suppress(FileNotFoundError):
        filesystem_of(folder).delete_dir(path_of(folder))


def _fit(trainer: Any, storage: Location) -> None:
    from ray.train import TrainingFailedError

    try:
        trainer.fit()
    except TrainingFailedError as error:
        failures = getattr(error, "worker_failures", None) or {0: error}
        failure = next(iter(failures.values()))
        cause = getattr(failure, "cause", None) or getattr(failure, "controller_failure", None) or failure
        if isinstance(cause, OSError):
            raise OSError(cause.errno, os_reason(cause), cause.filename or str(storage)) from None
        last_line = (str(cause).strip().splitlines() or [""])[-1]
        raise Fault(f"training failed: {type(cause).__name__}: {last_line}") from None


def _trainer(
    jobs: Sequence[StudentJob | AdapterJob],
    name: str,
    storage: Location,
    workers: Workers,
    checkpoint_seconds: float,
    gpu: float,
    resize_seconds: float = RESIZE_SECONDS,
    tracker: Tracker | None = None,
) -> Any:
    from ray.train import CheckpointConfig, FailureConfig, RunConfig, ScalingConfig
    from ray.train.torch import TorchConfig, TorchTrainer

    from training.elastic import ElasticTrainer
    from training.following import Following

    if 0 < gpu < 1:
        workers = 1  # two cannot share a GPU
    kind = TorchTrainer if isinstance(workers, int) else ElasticTrainer
    return kind(
        _worker,
        train_loop_config={"jobs": list(jobs), "checkpoint_seconds": checkpoint_seconds, "place": storage / name},
        torch_config=TorchConfig(timeout_s=PATIENCE_SECONDS),
        scaling_config=ScalingConfig(
            num_workers=workers,
            elastic_resize_monitor_interval_s=resize_seconds,
            resources_per_worker={"CPU": 1, **({"GPU": gpu} if gpu else {})},
            use_gpu=gpu > 0,
        ),
        run_config=RunConfig(
            name=name,
            storage_path=path_of(storage),
            storage_filesystem=filesystem_of(storage) if isinstance(storage, ObjectPath) else None,
            worker_runtime_env={"env_vars": WORKER_ENV},
            failure_config=FailureConfig(max_failures=3, controller_failure_limit=20),
            checkpoint_config=CheckpointConfig(num_to_keep=2),
            callbacks=[Following(tracker)] if tracker else None,
        ),
    )


def _worker(config: dict[str, Any]) -> None:
    """Runs in each worker: the jobs whose output is missing, the first from its checkpoint."""
    import ray.train
    from ray.train.torch import get_device, prepare_model

    from training.device import prepare_process

    context = ray.train.get_context()
    prepare_process(context.get_local_world_size())
    for job in config["jobs"]:
        if is_whole(job.output):
            continue
        trainer = job.trainer(get_device(), prepare_model)
        if saved := ray.train.get_checkpoint():
            with saved.as_directory() as folder:
                trainer.restore(Path(folder))
        else:  # none that Ray knows of, since its list was lost
            with newest(config["place"]) as folders:
                trainer.restore_first(folders)
        _train(trainer, config["checkpoint_seconds"])


def _train(trainer: Any, checkpoint_seconds: float) -> None:
    """Run a trainer to its end, reporting a checkpoint every so often."""
    saved_at = time.monotonic()
    while not trainer.finished:
        trainer.step()
        if trainer.agree(time.monotonic() - saved_at >= checkpoint_seconds):
            _report(trainer)
            saved_at = time.monotonic()
    trainer.settle()
    if trainer.rank == 0:
        trainer.save()
    trainer.agree(True)  # nobody starts the next job before this one's folder is there


def _report(trainer: Any) -> None:
    """Hand rank 0's checkpoint to Ray Train; every rank has to call it."""
    import ray.train

    progress = trainer.progress
    metrics = {"job": progress.key, "step": progress.step, "loss": progress.loss}
    with tempfile.TemporaryDirectory() as folder:
        trainer.checkpoint(Path(folder))
        checkpoint = ray.train.Checkpoint.from_directory(folder) if trainer.rank == 0 else None
        ray.train.report(metrics, checkpoint)


def _judge_worker(given: tuple[Any, ...], has_gpu: bool, several: bool) -> None:
    from training.contrastive import tune_judge
    from training.device import CPU, best_device, prepare_process
    from training.one_vs_rest import tune_set_judge

    prepare_process()
    tune: Any = tune_set_judge if several else tune_judge
    tune(*given, device=best_device() if has_gpu else CPU)


def _learning_worker(
    seeds: list[Example], words: list[str], encoder_folder: str, settings: StudentSettings
) -> dict[str, Any]:
    from training.device import prepare_process
    from training.learnt import learn

    prepare_process()
    return learn(seeds, words, encoder_folder, settings)
