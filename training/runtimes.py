"""What can run a student, told by the files of its folder. Imports no torch."""

from __future__ import annotations

from pathlib import Path

from generation.errors import UserError

FILES = {"onnx": "onnx/model.onnx", "int8": "onnx/model_int8.onnx"}
RUNTIMES = ("torch", *FILES)


def choose_runtime(folder: Path, runtime: str = "auto") -> str:
    """What is meant: "auto" is ONNX where a student was exported, else torch. Raises UserError for one not there."""
    if runtime == "auto":
        return "onnx" if (folder / FILES["onnx"]).is_file() else "torch"
    if runtime not in RUNTIMES:
        raise UserError(f"--runtime: must be one of auto, {', '.join(RUNTIMES)}; got {runtime!r}")
    if runtime in FILES and not (folder / FILES[runtime]).is_file():
        raise UserError(f"{folder}: has no {FILES[runtime]}; `labelmill export-student` makes it")
    return runtime
