"""A filter of the user's own in Python, by import path; it runs only where the user has allowed code."""

from __future__ import annotations

import importlib
import os
import sys
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any

import pyarrow as pa

from denoise.filters.base import SEEN
from generation.errors import UserError


def check_code(where: str, paths: Sequence[str], allowed: bool) -> None:
    """Raises UserError for functions that were not allowed to run, or are not there."""
    if paths and not allowed:
        raise UserError(f"{where}: denoise.filters.code: runs Python ({paths[0]}): allow it with --allow-code")
    for each in paths:
        Code.of(each)


@dataclass(frozen=True)
class Code:
    """Calls `module:function` with a batch (columns as in `base.SEEN`); what it answers for each row, a reason or
    None, holds. Raises UserError where it answers something else."""

    path: str
    folder: str

    @classmethod
    def of(cls, path: str) -> Code:
        """Imports it, to see that it is there, from the current folder too. Raises UserError."""
        rule = cls(path, os.getcwd())
        rule.load()
        return rule

    def load(self) -> Callable[[pa.Table], Any]:
        module, _, name = self.path.partition(":")
        if self.folder not in sys.path:
            sys.path.append(self.folder)
        try:
            function = getattr(importlib.import_module(module), name)
        except (ImportError, AttributeError) as error:
            raise UserError(f"filter {self.path}: cannot be imported: {error}") from None
        if not callable(function):
            raise UserError(f"filter {self.path}: must be a function; got {type(function).__name__}")
        return function

    def reasons(self, batch: pa.Table) -> pa.Array:
        found = self.load()(batch.select(list(SEEN)))
        try:
            reasons = pa.array(
                found.to_pylist() if isinstance(found, pa.Array | pa.ChunkedArray) else found, pa.string()
            )
        except (pa.ArrowException, TypeError) as error:
            raise UserError(f"filter {self.path}: must return a string or None for each row: {error}") from None
        if len(reasons) != batch.num_rows:
            raise UserError(f"filter {self.path}: must return {batch.num_rows} reasons; got {len(reasons)}")
        return reasons
