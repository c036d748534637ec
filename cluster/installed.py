"""What is installed: versions and pins from package metadata, without importing anything heavy."""

from __future__ import annotations

import re
from collections.abc import Sequence
from importlib import metadata
from importlib.util import find_spec
from pathlib import Path

PACKAGES = ("cluster", "generation", "denoise", "training")
PROJECT = "labelmill"


def version(distribution: str) -> str | None:
    """The installed version, None when it is not installed."""
    try:
        return metadata.version(distribution)
    except metadata.PackageNotFoundError:
        return None


def pin(distribution: str, of: str) -> str | None:
    """The exact version of `distribution` that the installed package `of` requires without extras, if it pins one."""
    try:
        requirements = metadata.requires(of) or []
    except metadata.PackageNotFoundError:
        return None
    for requirement in requirements:
        found = re.match(rf"{re.escape(distribution)}(?:\[[^]]*\])?==([^;\s,]+)(?!.*extra ==)", requirement)
        if found:
            return found.group(1)
    return None


def package_dir(package: str) -> Path | None:
    """Folder of a package that could be imported; None when there is none. It is not imported."""
    spec = find_spec(package)
    locations = spec.submodule_search_locations if spec else None
    return Path(next(iter(locations))) if locations else None


def cuda_of_torch() -> str | None:
    """CUDA version that the installed torch was built for; None for a CPU build."""
    folder = package_dir("torch")
    stated = folder / "version.py" if folder else None
    if stated is None or not stated.is_file():
        return None
    found = re.search(r"^cuda\b[^=]*=\s*['\"]([^'\"]+)", stated.read_text(), re.MULTILINE)
    return found.group(1) if found else None


def check_packages(names: Sequence[str] = PACKAGES) -> list[str]:
    """One line for each name that does not import from this project, or that another distribution ships too."""
    root = Path(__file__).resolve().parents[1]
    owners = metadata.packages_distributions()
    problems = []
    for name in names:
        folder = package_dir(name)
        if folder is None or folder.resolve() != root / name:
            problems.append(f"{name}: must import from {root / name}; got {folder}")
        if others := sorted(set(owners.get(name, [])) - {PROJECT}):
            problems.append(f"{name}: must belong to {PROJECT} alone; {', '.join(others)} ships it too")
    return problems
