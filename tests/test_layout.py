"""The repository lies as design.md says, and its four names are its own."""

from __future__ import annotations

import subprocess
from pathlib import Path

from cluster.doctor import check_packages
from cluster.installed import PACKAGES

ROOT = Path(__file__).resolve().parents[1]
FOLDERS = {"requirements", *PACKAGES, "examples", "benchmarks", "docs", "tests"}
FILES = {"README.md", "pyproject.toml", "Makefile", "ray_config.yaml", ".ci/run"}


def test_the_four_packages_are_this_projects_alone() -> None:
    assert check_packages() == []


def test_the_top_level_holds_what_the_design_lists() -> None:
    assert sorted(folder for folder in FOLDERS if not (ROOT / folder).is_dir()) == []
    assert sorted(file for file in FILES if not (ROOT / file).is_file()) == []


def test_no_other_folder_is_tracked() -> None:
    listed = subprocess.run(["git", "ls-files"], cwd=ROOT, capture_output=True, text=True, check=True).stdout.split(
        "\n"
    )
    tracked = {path.split("/")[0] for path in listed if "/" in path}
    assert tracked - FOLDERS - {".ci"} == set()


def test_folders_named_like_a_package_are_packages() -> None:
    """A tests/cluster without __init__.py could be taken for the package `cluster`."""
    homes = [home / name for home in (ROOT, ROOT / "tests") for name in PACKAGES]
    folders = {path.parent for home in homes for path in home.rglob("*.py")}
    assert sorted(folder for folder in folders if not (folder / "__init__.py").is_file()) == []
