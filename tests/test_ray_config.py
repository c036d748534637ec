"""The cluster file passes Ray's own validator."""

from pathlib import Path

import yaml

ROOT = Path(__file__).parents[1]


def test_ray_accepts_the_cluster_file() -> None:
    from ray.autoscaler._private.util import prepare_config, validate_config

    config = yaml.safe_load((ROOT / "ray_config.yaml").read_text())
    validate_config(prepare_config(config))
    assert config["head_node_type"] in config["available_node_types"]
    assert config["max_workers"] == sum(kind.get("max_workers", 0) for kind in config["available_node_types"].values())
