"""What a submission ships, and real jobs on a real cluster of two nodes with token authentication."""

from __future__ import annotations

import json
import re
import signal
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

from cluster.submit import code_env, labelmill, plan_submission
from generation.errors import UserError
from tests.cluster.cases import make_job, write_task
from tests.cluster.misbehaving import MODEL, Server, serving
from tests.cluster.real_cluster import ROOT, RealCluster, real_cluster
from tests.generation.adapters.cases import Sealed, copy_of
from tests.test_server_run import write

TINY = ROOT / "tests" / "tiny" / "task.yaml"
SMALL = [part for each in ("quota=2", "student.steps=5", "student.judge_steps=5") for part in ("--set", each)]


# what is shipped


def test_a_submission(tmp_path: Path) -> None:
    plan = plan_submission(make_job(tmp_path), None, ["quota=3", "name=a b"])
    assert plan.entrypoint == (
        'python -m cluster run task.yaml --run "$HOME"/runs/mood '
        "--set quota=3 --set 'name=a b' --set runtime.address=auto"
    )
    assert re.fullmatch(r"labelmill-mood-[0-9a-f]{8}", plan.stem)
    assert plan.metadata == {
        "labelmill_job": plan.stem,
        "labelmill_run": "~/runs/mood",
        "labelmill_code": "installed",
    }
    assert plan.runtime_env() == {"working_dir": str(tmp_path), "excludes": [".git", ".venv", "runs", "__pycache__"]}


def test_the_same_task_and_run_are_the_same_job(tmp_path: Path) -> None:
    job = make_job(tmp_path)
    stems = [plan_submission(job, run, []).stem for run in ("/a", "/b", "/a")]
    assert stems[0] == stems[2] != stems[1]
    other = make_job(tmp_path, generation={"temperature": 0.5})
    assert plan_submission(other, "/a", []).stem != stems[0]


def test_code_is_shipped_as_the_four_packages() -> None:
    assert code_env(False) == {}
    assert code_env(True) == {
        "py_modules": [str(ROOT / name) for name in ("cluster", "generation", "denoise", "training")]
    }


@pytest.mark.parametrize("run", ["runs/a", "a", "./a", "~a"])
def test_a_run_must_be_found_from_everywhere(tmp_path: Path, run: str) -> None:
    with pytest.raises(UserError) as caught:
        plan_submission(make_job(tmp_path), run, [])
    assert str(caught.value) == f"--run: must be an absolute path on the cluster, ~/… or a URI; got {run!r}"


def test_a_run_in_an_object_store(tmp_path: Path) -> None:
    assert " --run s3://bucket/run " in plan_submission(make_job(tmp_path), "s3://bucket/run", []).entrypoint


def test_arguments_are_quoted() -> None:
    assert labelmill("status", "/a b", "$(x)") == "python -m cluster status '/a b' '$(x)'"


def test_files_elsewhere_are_not_shipped(tmp_path: Path) -> None:
    (tmp_path / "task" / "runs").mkdir(parents=True)
    write_task(tmp_path / "task")
    for name in ("../seeds.jsonl", "runs/seeds.jsonl"):
        target = tmp_path / "task" / name
        target.write_bytes((tmp_path / "task" / "seeds.jsonl").read_bytes())
        with pytest.raises(UserError, match=r"task.yaml: seeds: must lie in the task's folder, outside of \.git, "):
            plan_submission(make_job(tmp_path / "task", [f"seeds={name}"]), "/run", [])
    inside = tmp_path / "task" / "seeds.jsonl"  # which no node of the cluster would find by this name
    with pytest.raises(UserError, match=r"task.yaml: seeds: must be named from the task's folder, .* got '/"):
        plan_submission(make_job(tmp_path / "task", [f"seeds={inside}"]), "/run", [])


@pytest.mark.parametrize("place", ["../lora", "runs/lora", "{root}/lora"])
def test_adapters_elsewhere_are_not_shipped(tmp_path: Path, sealed: Sealed, place: str) -> None:
    folder, name = tmp_path / "task", place.format(root=tmp_path)
    for each in (folder / "lora", folder / name):
        copy_of(sealed.lora, each)
    copy_of(sealed.model, folder / "model")
    submitted = plan_submission(make_job(folder, generation={"adapters": {"pos": "lora", "neg": None}}), "/run", [])
    assert submitted.folder == folder
    with pytest.raises(UserError, match=r"task.yaml: generation.adapters.\*: must (lie in|be named from) the task's "):
        plan_submission(make_job(folder, generation={"adapters": {"*": name}}), "/run", [])


def test_a_folder_that_is_too_large(tmp_path: Path) -> None:
    job = make_job(tmp_path)
    (tmp_path / "data").mkdir()
    with (tmp_path / "data" / "big.bin").open("wb") as stream:
        stream.truncate(300 * 1024**2)
    with pytest.raises(UserError) as caught:
        plan_submission(job, "/run", [])
    assert str(caught.value) == (
        f"{tmp_path}: must be at most 200 MiB to be shipped; got 300 MiB, 300 of them in data/big.bin; move what the "
        "task does not name out of this folder, a model to an absolute path that all nodes see"
    )
    (tmp_path / "data").rename(tmp_path / "runs")
    assert plan_submission(job, "/run", []).folder == tmp_path


# on a cluster


@pytest.fixture(scope="module")
def cluster() -> Iterator[RealCluster]:
    with real_cluster() as started:
        yield started


def command(cluster: RealCluster, *arguments: str, token: str | None = None) -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        [sys.executable, "-m", "cluster", *arguments, "--address", cluster.address],
        env=cluster.environment(token),
        capture_output=True,
        text=True,
        timeout=600,
    )


def test_another_token_is_refused(cluster: RealCluster) -> None:
    found = command(cluster, "status", token="0" * 32)
    assert (found.returncode, found.stdout) == (2, "")
    assert found.stderr == (
        f"labelmill: {cluster.address}: the cluster refuses the token (Authentication failed: Forbidden: Invalid "
        "authentication token); set RAY_AUTH_MODE=token, and RAY_AUTH_TOKEN or RAY_AUTH_TOKEN_PATH to that of the "
        "cluster\n"
    )


def test_no_cluster() -> None:
    run = [sys.executable, "-m", "cluster", "status", "--address"]
    for address, said in (
        (
            "http://127.0.0.1:9",
            "--address: no Ray cluster at http://127.0.0.1:9: Failed to connect to Ray at ",
        ),
        ("127.0.0.1:9", "--address: must be that of the cluster's dashboard, http://HEAD:8265; got '127.0.0.1:9'"),
    ):
        found = subprocess.run([*run, address], capture_output=True, text=True, cwd=ROOT)
        assert (found.returncode, found.stdout, found.stderr.count("\n")) == (2, "", 1)
        assert found.stderr.startswith(f"labelmill: {said}")


def test_nothing_is_shipped_of_a_task_with_a_mistake(cluster: RealCluster, tmp_path: Path) -> None:
    task = write_task(tmp_path, quota=0)
    found = command(cluster, "submit", str(task))
    assert (found.returncode, found.stdout) == (2, "")
    assert found.stderr == f"labelmill: {task}: quota: must be greater than or equal to 1; got 0\n"
    assert str(tmp_path) not in command(cluster, "status").stdout


def test_a_job_that_fails(cluster: RealCluster, tmp_path: Path) -> None:
    """The exit code and the line of the run are those of the command on the cluster; it is found afterwards."""
    task = write_task(tmp_path)
    found = command(cluster, "submit", str(task), "--run", "/proc/none/run")
    assert found.returncode == 2
    assert "\nlabelmill: /proc/none/run: cannot be written to: No such file or directory\n" in found.stdout
    name = re.fullmatch(r"labelmill: job (labelmill-mood-[0-9a-f]{8}-0) submitted\n", found.stderr)
    assert name, found.stderr
    line = f"{name[1]} failed with exit code 2, begun "
    assert any(each.startswith(line) for each in command(cluster, "status").stdout.splitlines())
    asked = command(cluster, "status", "/proc/none/run")
    assert asked.returncode == 2
    assert asked.stderr.startswith(f"labelmill: {line}")
    assert asked.stderr.endswith("; /proc/none/run: not a run directory (it has no run.json)\n")


def test_a_run_that_a_node_does_not_see(cluster: RealCluster, tmp_path: Path) -> None:
    if not cluster.second_node_is_blind:
        pytest.skip("mounting is not allowed here")
    run = cluster.hidden / "run"
    found = command(cluster, "submit", str(write_task(tmp_path)), "--run", str(run), "--set", "runtime.kv_cache_gb=1")
    assert found.returncode == 2, found.stdout
    assert re.search(
        f"\nlabelmill: {run}: must be seen by every node of the cluster; [0-9.]+ \\(of 2 nodes\\) sees no such run; "
        "put it on a path that all nodes share, or in an object store\n$",
        found.stdout,
    )
    assert list(run.rglob("part-*")) == []


@pytest.fixture
def scribe() -> Iterator[Server]:
    """It writes for the job's engine, which need not be loaded so; slowly at first."""
    with serving() as server:
        server.write, server.delay = write, 5.0
        yield server


def test_a_job_outlives_its_client(cluster: RealCluster, scribe: Server, tmp_path: Path) -> None:
    """The client is killed; the same command finds the job, follows it to its end, and a third has nothing to do."""
    written = [part for each in (f"server.url={scribe.url}", f"server.model={MODEL}") for part in ("--set", each)]
    arguments = ["submit", str(TINY), "--run", f"{tmp_path}/run", *SMALL, *written]
    client = subprocess.Popen(
        [sys.executable, "-m", "cluster", *arguments, "--address", cluster.address],
        env=cluster.environment(),
        stdout=subprocess.PIPE,
        stderr=subprocess.DEVNULL,
        text=True,
    )
    assert client.stdout is not None
    for line in client.stdout:  # Ctrl-C while it follows
        if "starting engine" in line:
            client.send_signal(signal.SIGKILL)
            break
    assert client.wait() == -signal.SIGKILL

    second = subprocess.Popen(
        [sys.executable, "-m", "cluster", *arguments, "--address", cluster.address],
        env=cluster.environment(),
        stdout=subprocess.DEVNULL,
        stderr=subprocess.PIPE,
        text=True,
    )
    assert second.stderr is not None
    told = second.stderr.readline()
    name = re.fullmatch(r"labelmill: job (labelmill-tiny-[0-9a-f]{8}-0) is there already\n", told)
    assert name, told
    second.send_signal(signal.SIGINT)
    _, errors = second.communicate(timeout=300)
    assert (second.returncode, errors) == (
        130,
        f"labelmill: detached; the same command follows job {name[1]}, `ray job stop {name[1]}` ends it\n",
    )

    asked = command(cluster, "status", f"{tmp_path}/run")
    assert asked.stdout.startswith(f"{name[1]} running, begun ")
    assert "\ntiny: running (driver pid " in asked.stdout

    scribe.delay = 0
    last = command(cluster, *arguments)
    assert last.returncode == 0, last.stdout
    assert f"dataset  {tmp_path}/run/dataset/v000  (6 rows)" in last.stdout
    assert json.loads((tmp_path / "run" / "rounds" / "000" / "metrics.json").read_text())["stop_reason"] == "quota_met"
    again = command(cluster, *arguments, "--no-wait")
    assert again.stderr == f"labelmill: job {name[1][:-1]}1 submitted\n"
