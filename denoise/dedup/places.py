"""Where the steps of a distributed computation run: in this process, or as Ray tasks that hand each other objects."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any, Protocol

RETRIES = 10  # of a task whose process has died


class Place(Protocol):
    """Calls give handles to the values that a function returns; handles among arguments become their values."""

    def put(self, value: Any) -> Any:
        """A handle to a value."""

    def call(self, function: Callable[..., Sequence[Any]], count: int, *arguments: Any) -> list[Any]:
        """Handles to the `count` values that a pure function of a module returns."""

    def get(self, handles: Sequence[Any]) -> list[Any]:
        """The values."""


class Here:
    """One after the other in this process: a handle is the value itself."""

    def put(self, value: Any) -> Any:
        return value

    def call(self, function: Callable[..., Sequence[Any]], count: int, *arguments: Any) -> list[Any]:
        values = list(function(*arguments))
        assert len(values) == count
        return values

    def get(self, handles: Sequence[Any]) -> list[Any]:
        return list(handles)


class OnRay:
    """As tasks of the Ray that is running; Ray moves objects to disk where memory is short."""

    def __init__(self) -> None:
        import ray

        self._task = ray.remote(_values)

    def put(self, value: Any) -> Any:
        import ray

        return ray.put(value)

    def call(self, function: Callable[..., Sequence[Any]], count: int, *arguments: Any) -> list[Any]:
        task = self._task.options(num_cpus=1, max_retries=RETRIES, num_returns=count)
        made = task.remote(function, count == 1, *arguments)
        return [made] if count == 1 else made

    def get(self, handles: Sequence[Any]) -> list[Any]:
        import ray

        return ray.get(list(handles))


def _values(function: Callable[..., Sequence[Any]], alone: bool, *arguments: Any) -> Any:
    values = function(*arguments)
    return values[0] if alone else tuple(values)
