"""Where it runs: command line, run store, engines and their pool, the loop."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from cluster.run import Run

__all__ = ["Run"]


def __getattr__(name: str) -> Any:
    """`Run`, loaded when asked for: importing a part of the package stays cheap."""
    if name == "Run":
        from cluster.run import Run

        return Run
    raise AttributeError(f"module 'cluster' has no attribute {name!r}")
