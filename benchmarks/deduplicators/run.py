"""`python -m deduplicators.run NAME SOURCE OUT SETTING`: one tool at work, in its own environment."""

from __future__ import annotations

import importlib
import json
import sys
from pathlib import Path

from deduplicators.peer import Setting

if __name__ == "__main__":
    name, source, out, told = sys.argv[1:]
    setting = Setting(**json.loads(told)) if json.loads(told) else None
    importlib.import_module(f"deduplicators.{name}").run(Path(source), Path(out), setting)
