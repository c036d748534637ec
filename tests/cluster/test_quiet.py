from __future__ import annotations

import subprocess
import sys
from pathlib import Path

SCRIPT = """
import os, sys
from pathlib import Path
from cluster.quiet import chatter_to
os.write(2, b"before\\n")
with chatter_to(Path(sys.argv[1])) as shown:
    os.write(2, b"noise from C\\n")
    print("noise from Python", file=sys.stderr, flush=True)
    print("shown", file=shown, flush=True)
os.write(2, b"after\\n")
"""

NOTEBOOK = """
import io, logging, sys
from pathlib import Path
from cluster.quiet import chatter_to
sys.stderr = cell = io.StringIO()
with chatter_to(Path(sys.argv[1])) as shown:
    print("a warning", file=sys.stderr)
    logging.basicConfig(format="%(message)s")
    logging.warning("a logger that stays")
logging.warning("still heard")
assert sys.stderr is cell and not cell.getvalue()
"""


def stderr_of(script: str, log: Path) -> str:
    done = subprocess.run(
        [sys.executable, "-c", script, str(log)], capture_output=True, text=True, cwd=Path(__file__).parents[2]
    )
    assert done.returncode == 0, done.stderr
    return done.stderr


def test_only_the_view_reaches_the_screen(tmp_path: Path) -> None:
    log = tmp_path / "driver.log"
    assert stderr_of(SCRIPT, log) == "before\nshown\nafter\n"
    assert log.read_text() == "noise from C\nnoise from Python\n"


def test_a_stream_that_is_not_the_descriptor_is_quiet_too(tmp_path: Path) -> None:
    log = tmp_path / "driver.log"
    assert stderr_of(NOTEBOOK, log) == "still heard\n"
    assert log.read_text() == "a warning\na logger that stays\n"
