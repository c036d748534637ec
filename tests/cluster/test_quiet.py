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


def test_only_the_view_reaches_the_screen(tmp_path: Path) -> None:
    log = tmp_path / "driver.log"
    root = Path(__file__).parents[2]
    done = subprocess.run([sys.executable, "-c", SCRIPT, str(log)], capture_output=True, text=True, cwd=root)
    assert done.stderr == "before\nshown\nafter\n"
    assert log.read_text() == "noise from C\nnoise from Python\n"
