"""The metrics, the dashboard that names them, and a real Ray that exports them."""

from __future__ import annotations

import json
import re
import time
import urllib.request
from pathlib import Path

import ray

import cluster
from cluster.gauges import COUNTERS, GAUGES, Figures, Gauges, exported
from cluster.messages import Committed, PoolStatus
from cluster.progress import Progress
from tests.cluster.cases import in_a_process
from tests.cluster.real_cluster import free_port

DASHBOARD = Path(cluster.__file__).with_name("dashboard.json")
PROGRESS = Progress(
    0, 1, "generating", {"a": 3, "b": 9}, {"a": 5, "b": 5}, generated=40, in_flight=7, acceptance_rate=0.5
)


def figures() -> Figures:
    found = Figures(PoolStatus(produced=900, lost=11, in_flight=7, engines=2, aside=1))
    found.committed(Committed("p", ("r1", "r2"), 8, prompt_tokens=300, cached_tokens=256, output_tokens=90))
    return found


def test_every_metric_has_its_value() -> None:
    assert figures().of(PROGRESS) == {
        "labelmill_output_tokens": 900,
        "labelmill_prompt_tokens": 300,
        "labelmill_prefix_cache_hit_tokens": 256,
        "labelmill_lost_tokens": 11,
        "labelmill_requests_set_aside": 1,
        "labelmill_adapter_loads": 0,
        "labelmill_rows_generated": 40,
        "labelmill_rows_accepted": 8,
        "labelmill_rows_wanted": 10,
        "labelmill_acceptance_rate": 0.5,
        "labelmill_rows_in_flight": 7,
        "labelmill_engines": 2,
    }
    assert set(figures().of(PROGRESS)) == set(COUNTERS) | set(GAUGES)


def test_the_dashboard_names_just_these() -> None:
    text = DASHBOARD.read_text()
    queries = [target["expr"] for panel in json.loads(text)["panels"] for target in panel["targets"]]
    assert set(re.findall(r"ray_labelmill_\w+", " ".join(queries))) == exported()


def test_ray_exports_them() -> None:
    in_a_process(export)


def export() -> None:
    """Nothing is recorded without Ray; with it, counters grow by what is new."""
    Gauges("tiny").record(figures().of(PROGRESS))
    port = free_port()
    ray.init("local", num_cpus=1, include_dashboard=False, log_to_driver=False, _metrics_export_port=port)
    try:
        gauges, values = Gauges("tiny"), figures().of(PROGRESS) | {"labelmill_adapter_loads": 2.0}
        gauges.record(values)
        gauges.record(values)
        deadline, found = time.monotonic() + 300, dict[str, float]()
        while len(found) < len(values) and time.monotonic() < deadline:
            time.sleep(0.5)
            found = scraped(port)
        assert set(found) == exported()
        assert found["ray_labelmill_output_tokens_total"] == 900
        assert found["ray_labelmill_rows_in_flight"] == 7
    finally:
        ray.shutdown()


def scraped(port: int) -> dict[str, float]:
    """Our metrics of the run "tiny", as Prometheus would read them."""
    try:
        text = urllib.request.urlopen(f"http://127.0.0.1:{port}/metrics", timeout=5).read().decode()
    except OSError:
        return {}
    lines = re.findall(r'^(ray_labelmill_\w+)\{[^}]*run="tiny"[^}]*\} (\S+)$', text, re.MULTILINE)
    return {name: float(value) for name, value in lines}
