"""Dependencies point one way, and what the command line imports first is light."""

from __future__ import annotations

import ast
import subprocess
import sys
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parents[1]
ORDER = ("generation", "training", "denoise", "cluster")  # each may import those before it
HEAVY = {"torch", "vllm", "ray", "transformers", "sklearn", "pandas", "peft", "fastparquet", "numba"}
LIGHT = [
    "cluster.config",
    "cluster.doctor",
    "cluster.predicting",
    "cluster.scaffold",
    "generation.examples",
    "generation.models",
]


def modules(package: str) -> list[Path]:
    return sorted((ROOT / package).rglob("*.py"))


def imported(path: Path) -> set[str]:
    """Top-level names of all imports of a file, wherever they stand; relative ones count as its own package."""
    names: set[str] = set()
    for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
        if isinstance(node, ast.Import):
            names.update(alias.name.split(".")[0] for alias in node.names)
        elif isinstance(node, ast.ImportFrom) and not node.level:
            names.add((node.module or "").split(".")[0])
    return names


@pytest.mark.parametrize("package", ORDER)
def test_imports_point_one_way(package: str) -> None:
    forbidden = set(ORDER[ORDER.index(package) + 1 :]) | {"tests", "benchmarks"}
    paths = modules(package)
    assert paths
    wrong = {str(path.relative_to(ROOT)): sorted(imported(path) & forbidden) for path in paths}
    assert {path: names for path, names in wrong.items() if names} == {}


def heavy_after(module: str) -> str:
    script = f"import sys, {module}; print(sorted({HEAVY} & set(sys.modules)))"
    run = subprocess.run([sys.executable, "-c", script], cwd=ROOT, capture_output=True, text=True, check=True)
    return run.stdout.strip()


@pytest.mark.parametrize("module", LIGHT)
def test_light_modules_import_nothing_heavy(module: str) -> None:
    assert heavy_after(module) == "[]"


def test_the_command_line_imports_nothing_heavy() -> None:
    assert heavy_after("cluster.cli") == "[]"
