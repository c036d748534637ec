"""The plan that all contenders answer, and the engine's arguments that they share."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pyarrow as pa

from cluster.job import Job, gpu_count, prepare
from cluster.spec import EngineSpec, plan_engine
from generation.material import Material
from generation.plan import plan_wave
from generation.records import map_column
from generation.tokens import encode_texts

TASK = Path(__file__).parents[2] / "examples" / "support_tickets" / "task.yaml"
SEQUENCES = 128


@dataclass(frozen=True)
class Work:
    """A wave of the demo's task: `rows` answers in all, of whatever length the model gives them.

    Engines are planned for this machine's GPUs, or for its CPU where it has none; several share one GPU.
    """

    job: Job
    spec: EngineSpec
    plan: pa.Table

    @classmethod
    def make(cls, rows: int, number: int, engines: int = 1) -> Work:
        """Plan `number`; two of other numbers share no request."""
        ours = [f"runtime.max_num_seqs={SEQUENCES // engines}", "runtime.kv_cache_gb=1"]
        ours += [f"runtime.gpus_per_engine={1 / engines:g}"]
        job = prepare(TASK, ours)
        spec = plan_engine(job.config, job.model_folder, job.model_hash, gpu_count())
        names, samples = job.task.label_names, job.config.generation.samples
        counts = dict.fromkeys(names, max(1, round(rows / samples / len(names))))
        plan = plan_wave(Material(job.task, job.config.generation, f"throughput {number}"), job.method, 0, counts)
        return cls(job, spec, plan)

    @property
    def rows(self) -> int:
        return sum(self.plan["samples"].to_pylist())

    def requests(self, padded: bool) -> list[tuple[list[int], dict[str, Any], int]]:
        """Prompt tokens, vLLM's sampling parameters and number of samples of each request."""
        line_break = encode_texts(self.job.model_folder, ["\n"])[0][-1]
        tokens = encode_texts(self.job.model_folder, self.plan["prompt"].to_pylist())
        paddings = self.plan["padding"].to_pylist() if padded else [0] * len(tokens)
        sampling = [
            {
                "temperature": each["temperature"],
                "min_p": each["min_p"],
                "max_tokens": int(each["max_tokens"]),
                "seed": int(each["seed"]),
                "stop": list(self.job.method.stop),
                "logprobs": 0,
            }
            for each in map_column(self.plan, "sampling")
        ]
        prompts = [[line_break] * padding + each for each, padding in zip(tokens, paddings, strict=True)]
        return list(zip(prompts, sampling, self.plan["samples"].to_pylist(), strict=True))

    def offline_args(self) -> dict[str, Any]:
        """Engine arguments as the pool's, less what vLLM's offline class and Ray Data set themselves."""
        ours = ("enable_log_requests", "distributed_executor_backend", "disable_log_stats")
        return {name: value for name, value in self.spec.engine_args().items() if name not in ours}
