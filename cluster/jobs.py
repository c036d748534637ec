"""Labelmill's jobs on a Ray cluster: find, start, follow, tell how they stand. All through Ray's job API."""

from __future__ import annotations

import asyncio
import logging
import os
import signal
import time
from collections.abc import Callable
from datetime import datetime
from typing import Any

from cluster.submit import Submission, code_env, labelmill
from generation.errors import Fault, UserError, clip

END_SECONDS = 60.0  # that the state of a job may lag behind its log
ASK_SECONDS = 300.0  # for a short command, once the cluster has a worker for it
POLL_SECONDS = 0.5


def connect(address: str) -> Any:
    """Ray's job client of the cluster whose dashboard is at `address`. Raises UserError when there is none."""
    if not address.startswith(("http://", "https://")):
        raise UserError(f"--address: must be that of the cluster's dashboard, http://HEAD:8265; got {clip(address)}")
    os.environ["RAY_API_SERVER_ADDRESS"] = address  # Ray would take $RAY_ADDRESS before its own argument
    # what git does not keep, such as data, is the task's nevertheless
    os.environ["RAY_RUNTIME_ENV_IGNORE_GITIGNORE"] = "1"
    from ray.exceptions import AuthenticationError
    from ray.job_submission import JobSubmissionClient

    # after the import, which sets the levels of two of them so that they tell of every step
    for chatty in ("ray", "ray.dashboard.modules.dashboard_sdk", "ray.dashboard.modules.job.sdk"):
        logging.getLogger(chatty).setLevel(logging.ERROR)
    try:
        return JobSubmissionClient(address)
    except AuthenticationError as error:
        raise UserError(
            f"{address}: the cluster refuses the token ({error.message.splitlines()[0].rstrip('.')}); set "
            "RAY_AUTH_MODE=token, and RAY_AUTH_TOKEN or RAY_AUTH_TOKEN_PATH to that of the cluster"
        ) from None
    except (OSError, RuntimeError, ValueError) as error:
        raise UserError(f"--address: no Ray cluster at {address}: {str(error).splitlines()[0]}") from None


def jobs_of(client: Any, **metadata: str) -> list[Any]:
    """Labelmill's jobs with this metadata, as Ray's JobDetails, oldest first."""
    found = [job for job in client.list_jobs() if "labelmill_job" in (job.metadata or {})]
    wanted = [job for job in found if metadata.items() <= job.metadata.items()]
    return sorted(wanted, key=lambda job: job.start_time or 0)


def start(client: Any, submission: Submission) -> tuple[str, bool]:
    """Submit it, unless it is there and has not ended: (name of the job, whether it is new)."""
    earlier = jobs_of(client, labelmill_job=submission.stem)
    for job in earlier:
        if not job.status.is_terminal():
            return job.submission_id, False
    name = f"{submission.stem}-{len(earlier)}"
    try:
        client.submit_job(
            entrypoint=submission.entrypoint,
            submission_id=name,
            runtime_env=submission.runtime_env(),
            metadata=submission.metadata,
        )
    except RuntimeError as error:
        if "already exists" in str(error):  # somebody was faster
            return name, False
        raise Fault(f"the cluster takes no job: {' '.join(str(error).split())[:400]}") from None
    return name, True


def follow(client: Any, name: str, write: Callable[[str], None]) -> int:
    """Pass on the job's log from its beginning until it ends; returns its exit code.

    Raises Fault when contact is lost or the job ended otherwise, KeyboardInterrupt on Ctrl-C. The job does not depend
    on being followed. Only for the main thread.
    """
    import aiohttp

    # Ctrl-C in a half-built event loop makes Python complain of it, so until the loop runs it is only noted
    interrupts: list[int] = []
    earlier = signal.signal(signal.SIGINT, lambda number, _: interrupts.append(number))

    async def tail() -> None:
        signal.signal(signal.SIGINT, earlier)
        if interrupts:
            raise KeyboardInterrupt
        async for lines in client.tail_job_logs(name):
            write(lines)

    try:
        asyncio.run(tail())
        return _exit_code(_ended(client, name))
    except (RuntimeError, OSError, aiohttp.ClientError) as error:
        raise Fault(
            f"contact with the cluster is lost ({error}); job {name} does not need it: the same command follows it"
        ) from None
    finally:
        signal.signal(signal.SIGINT, earlier)


def describe(client: Any, run: str | None, as_json: bool = False) -> str:
    """All jobs, one a line; or with `run`, its newest job and what `labelmill status` says on the cluster."""
    if run is None:
        return "\n".join(_line(job) for job in jobs_of(client)) or "no labelmill jobs"
    if not (found := jobs_of(client, labelmill_run=run)):
        known = sorted({job.metadata["labelmill_run"] for job in jobs_of(client)})
        raise UserError(f"{run}: no job of this cluster has this run; known are {', '.join(known) or 'none'}")
    shipped = found[-1].metadata["labelmill_code"] == "shipped"
    good, said = _ask(client, labelmill("status", run, *(["--json"] if as_json else [])), code_env(shipped))
    if not good:
        raise UserError(f"{_line(found[-1])}; {said.removeprefix('labelmill: ')}")
    return said if as_json else f"{_line(found[-1])}\n{said}"


def _line(job: Any) -> str:
    began = datetime.fromtimestamp((job.start_time or 0) / 1000).isoformat(" ", "seconds")
    code = f" with exit code {job.driver_exit_code}" if job.driver_exit_code else ""
    return f"{job.submission_id} {job.status.value.lower()}{code}, begun {began}, run {job.metadata['labelmill_run']}"


def _ask(client: Any, command: str, env: dict[str, Any]) -> tuple[bool, str]:
    """Whether a short command succeeds on the cluster's head, and what it says."""
    name = client.submit_job(entrypoint=command, runtime_env=env)
    job = _ended(client, name, ASK_SECONDS)
    log = client.get_job_logs(name)
    client.delete_job(name)
    said = log.partition("Running entrypoint for job ")[2].partition("\n")[2]
    return job.status.value == "SUCCEEDED", said.strip()


def _ended(client: Any, name: str, seconds: float = END_SECONDS) -> Any:
    """The job once it has ended. Raises Fault when it does not within so many seconds."""
    deadline = time.monotonic() + seconds
    while not (job := client.get_job_info(name)).status.is_terminal():
        if time.monotonic() > deadline:
            raise Fault(f"job {name} is still {job.status.value.lower()} after {seconds:g} s")
        time.sleep(POLL_SECONDS)
    return job


def _exit_code(job: Any) -> int:
    if job.status.value == "SUCCEEDED":
        return 0
    if job.driver_exit_code and job.driver_exit_code > 0:
        return job.driver_exit_code
    reason = (job.message or "no reason is given").splitlines()[0]
    raise Fault(f"job {job.submission_id} is {job.status.value.lower()}: {reason}")
