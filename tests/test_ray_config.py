"""The cluster file passes Ray's own validator; the Kubernetes manifest has the fields that its definition needs."""

from __future__ import annotations

import itertools
import shlex
from importlib.metadata import version
from pathlib import Path
from typing import Any

import yaml

ROOT = Path(__file__).parents[1]


def prepared() -> dict[str, Any]:
    """The file with Ray's defaults filled in, as `ray up` would use it."""
    from ray.autoscaler._private.util import prepare_config, validate_config

    config = prepare_config(yaml.safe_load((ROOT / "ray_config.yaml").read_text()))
    validate_config(config)
    return config


def test_ray_accepts_the_cluster_file() -> None:
    config = prepared()
    assert config["head_node_type"] in config["available_node_types"]
    workers = {name: kind for name, kind in config["available_node_types"].items() if name != config["head_node_type"]}
    assert config["max_workers"] == sum(kind["max_workers"] for kind in workers.values())
    for kind in workers.values():
        assert kind["min_workers"] == 0
        assert kind["node_config"]["InstanceMarketOptions"] == {"MarketType": "spot"}


def test_the_cluster_is_started_with_a_token_and_by_the_python_that_has_labelmill() -> None:
    config = prepared()
    assert config["file_mounts"]["~/.ray/auth_token"] == "~/.ray/auth_token"
    for commands in (config["head_start_ray_commands"], config["worker_start_ray_commands"]):
        (start,) = (command for command in commands if "ray start" in command)
        assert start.startswith("export PATH=$HOME/venv/bin:$PATH RAY_AUTH_MODE=token; ")
    assert any('~/venv/bin/pip install --quiet --editable ".[gpu]"' in command for command in config["setup_commands"])
    assert (ROOT / "requirements" / "models.txt").is_file()


def test_the_options_of_ray_start_exist() -> None:
    from ray.scripts.scripts import start

    known = {name for option in start.params for name in option.opts}
    config = prepared()
    for command in config["head_start_ray_commands"] + config["worker_start_ray_commands"]:
        assert {word.partition("=")[0] for word in shlex.split(command) if word.startswith("--")} <= known


def test_the_kubernetes_manifest() -> None:
    job = yaml.safe_load((ROOT / "docs" / "rayjob.yaml").read_text())
    assert (job["apiVersion"], job["kind"]) == ("ray.io/v1", "RayJob")
    spec = job["spec"]
    cluster = spec["rayClusterSpec"]
    assert cluster["rayVersion"] == version("ray")
    assert cluster["authOptions"] == {"mode": "token"}
    head, (workers,) = cluster["headGroupSpec"], cluster["workerGroupSpecs"]
    assert workers["minReplicas"] <= workers["replicas"] <= workers["maxReplicas"]
    for group in (head, workers):
        assert isinstance(group["rayStartParams"], dict)
        assert all(isinstance(value, str) for value in group["rayStartParams"].values())
        pod = group["template"]["spec"]
        (container,) = pod["containers"]
        assert container["resources"]["requests"] == container["resources"]["limits"]
        mounted = {mount["name"] for mount in container.get("volumeMounts", [])}
        assert mounted == {volume["name"] for volume in pod.get("volumes", [])}
    assert workers["template"]["spec"]["containers"][0]["resources"]["limits"]["nvidia.com/gpu"] == "1"


def test_the_manifests_command_is_one_of_labelmills(tmp_path: Path) -> None:
    from cluster.config import load_config
    from tests.cluster.cases import write_task

    words = shlex.split(yaml.safe_load((ROOT / "docs" / "rayjob.yaml").read_text())["spec"]["entrypoint"])
    assert words[:4] == ["python", "-m", "cluster", "run"]
    settings = [value for option, value in itertools.pairwise(words) if option == "--set"]
    runtime = load_config(write_task(tmp_path), settings).runtime
    assert (runtime.address, runtime.device, runtime.max_engines) == ("auto", "gpu", 4)
