"""`labelmill doctor`: what it says of this machine, and how."""

from __future__ import annotations

import platform
import subprocess
import sys
from importlib import metadata
from pathlib import Path

from cluster.doctor import Finding, check_packages, examine, exit_code, render
from cluster.installed import package_dir, pin, version
from cluster.machine import Gpu, existing, free_memory, parse_gpus, vector_units

FINDINGS = [
    Finding("Python", "ok", "3.12.1"),
    Finding("disk (cache)", "warn", "0.5 GiB free", "free some space"),
]
MISSING = Finding("vLLM", "missing", "not installed", "pip install it")


def test_render_aligns_and_puts_remedies_below() -> None:
    assert render([*FINDINGS, MISSING]) == (
        "ok       Python        3.12.1\n"
        "warn     disk (cache)  0.5 GiB free\n"
        "                       -> free some space\n"
        "missing  vLLM          not installed\n"
        "                       -> pip install it"
    )


def test_exit_code_is_one_only_when_something_is_missing() -> None:
    assert [exit_code([]), exit_code(FINDINGS), exit_code([*FINDINGS, MISSING])] == [0, 0, 1]


def test_examine_is_true() -> None:
    found = {finding.name: finding for finding in examine()}
    assert found["Python"].detail == platform.python_version()
    assert found["Ray"].detail.startswith(metadata.version("ray"))
    assert found["torch"].detail.startswith(metadata.version("torch"))
    assert found["packages"] == Finding("packages", "ok", f"labelmill {metadata.version('labelmill')}")
    assert all(finding.remedy for finding in found.values() if finding.status != "ok")
    assert {"vLLM", "GPUs", "CPU", "memory", "cache", "disk (cache)", "disk (here)"} <= set(found)


def test_an_unusable_cache_is_missing(tmp_path: Path) -> None:
    """A cache below a plain file can be made by nobody, root included."""
    (tmp_path / "file").touch()
    script = "from cluster.doctor import examine; print([f.status for f in examine() if f.name == 'cache'])"
    found = []
    for folder in (tmp_path / "new", tmp_path / "file" / "cache"):
        command = ["env", f"LABELMILL_CACHE={folder}", sys.executable, "-c", script]
        found.append(subprocess.run(command, capture_output=True, text=True, check=True).stdout)
    assert found == ["['ok']\n", "['missing']\n"]


def test_check_packages_names_strangers() -> None:
    root = Path(__file__).resolve().parents[2]
    numpy = package_dir("numpy")
    assert check_packages() == []
    assert check_packages(["numpy"]) == [
        f"numpy: must import from {root / 'numpy'}; got {numpy}",
        "numpy: must belong to labelmill alone; numpy ships it too",
    ]
    assert check_packages(["nowhere_at_all"]) == [
        f"nowhere_at_all: must import from {root / 'nowhere_at_all'}; got None"
    ]


def test_versions_and_pins() -> None:
    assert version("pyarrow") == metadata.version("pyarrow")
    assert version("no-such-distribution") is None
    assert pin("ray", "labelmill") == "2.60.0"
    assert pin("torch", "labelmill") is None  # pinned by an extra only
    assert pin("ray", "no-such-distribution") is None


def test_parse_gpus() -> None:
    text = "NVIDIA H100 80GB HBM3, 81559, 81072\nNVIDIA GB10, Grace, [N/A], [N/A]\n\n"
    assert parse_gpus(text) == [Gpu("NVIDIA H100 80GB HBM3", 79.6, 79.2), Gpu("NVIDIA GB10, Grace", None, None)]
    assert parse_gpus("") == []


def test_vector_units(tmp_path: Path) -> None:
    cpuinfo = tmp_path / "cpuinfo"
    cpuinfo.write_text("processor\t: 0\nflags\t\t: fpu avx2 avx512f avx512_bf16\nbugs\t: amx_tile\n")
    assert vector_units(cpuinfo) == ["AVX2", "AVX512", "AVX512_BF16"]
    assert vector_units(tmp_path / "none") == []


def test_machine_limits(tmp_path: Path) -> None:
    assert free_memory() > 0
    assert existing(tmp_path / "a" / "b") == tmp_path
