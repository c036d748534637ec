"""An environment for each tool, made once."""

from __future__ import annotations

import re
import shutil
import subprocess
import sys
from pathlib import Path

from deduplicators.peer import Peer

MARK = "installed.txt"
LONGEST = 160
ERROR = re.compile(r"[\w.]*(error|exception)\b", re.IGNORECASE)
PLACE = re.compile(r"\S*/\S*/\S*")


class NotInstalled(Exception):
    """Why, in one line."""


def python_of(peer: Peer, name: str, venvs: Path) -> Path:
    """The interpreter of a tool's environment. Raises NotInstalled."""
    if peer.is_ours:
        return Path(sys.executable)
    folder = venvs / name
    wanted = "\n".join(peer.requirements)
    mark, python = folder / MARK, folder / "bin" / "python"
    if mark.is_file() and mark.read_text() == wanted:
        return python
    _run([_interpreter(peer), "-m", "venv", "--clear", str(folder)])
    _run([str(python), "-m", "pip", "install", "--quiet", "--disable-pip-version-check", *peer.requirements])
    mark.write_text(wanted)
    return python


def _interpreter(peer: Peer) -> str:
    if peer.python is None:
        return sys.executable
    name = f"python{peer.python}"
    found = [shutil.which(name), *sorted(Path.home().glob(f".pyenv/versions/{peer.python}*/bin/{name}"))]
    for each in filter(None, found):  # a pyenv shim may be there without what it stands for
        if subprocess.run([each, "--version"], capture_output=True).returncode == 0:
            return str(each)
    raise NotInstalled(f"needs {name}, which is not there")


def _run(command: list[str]) -> None:
    done = subprocess.run(command, capture_output=True, text=True)
    if done.returncode:
        raise NotInstalled(reason_of(done.stderr))


def reason_of(words: str) -> str:
    """The last thing that a program says was wrong, without addresses and folders."""
    lines = [line.strip() for line in words.splitlines() if line.strip()]
    errors = [line for line in lines if ERROR.match(line) and "CalledProcessError" not in line]
    said = (errors or lines or ["it failed without a word"])[-1]
    return PLACE.sub("…", said)[:LONGEST]
