"""Material for methods."""

from __future__ import annotations

from typing import Any

from generation.material import Material
from generation.settings import GenerationSettings
from generation.task import Example, Task
from tests.generation.cases import TASK


def material(task: Task = TASK, **more: Any) -> Material:
    """What a round is planned from."""
    return Material(task, GenerationSettings(exemplars=2, samples=3, max_tokens=10), "run", **more)


KEPT = (Example("cannot find my library card", "lost_card"), Example("open on sundays?", "opening_hours"))
