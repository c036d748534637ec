"""An adapter's folder: read, checked, and known by its content."""

from __future__ import annotations

import hashlib
import shutil
from dataclasses import dataclass
from pathlib import Path

from generation.adapters import lora, mixture, soft_prompt
from generation.adapters.manifest import NAME, Kind, Manifest, Probe, read_manifest
from generation.adapters.proof import LEAST_EFFECT, distance
from generation.adapters.weights import model_shapes
from generation.errors import UserError, os_reason
from generation.folders import whole_folder
from generation.models import read_object
from generation.records import digest

_FILES: dict[Kind, tuple[str, ...]] = {
    "lora": lora.FILES,
    "soft_prompt": soft_prompt.FILES,
    "mixture": mixture.FILES,
}


@dataclass(frozen=True)
class Adapter:
    """A LoRA, a soft prompt or a mixture of them. `id` is the hash of its files, `name` the folder that the user gave.

    `rank` is a LoRA's largest, 0 of others; `tokens` the most soft tokens before a prompt, 0 of a LoRA.
    """

    id: str
    name: str
    kind: Kind
    rank: int = 0
    tokens: int = 0
    modules: tuple[str, ...] = ()


def read_adapter(folder: Path) -> Adapter:
    """A sealed adapter, checked by itself. Raises UserError naming what is wrong."""
    manifest = read_manifest(folder)
    files = file_hashes(folder, manifest.kind)
    for name, content in files.items():
        if manifest.files.get(name) != content:
            raise UserError(f"{folder / name}: is not the file that {NAME} was written for; seal the adapter again")
    check_effect(folder, manifest.probe)
    return _described(folder, manifest)


def check_effect(folder: Path, probe: Probe) -> None:
    """Refuse an adapter that by its maker's own measure does nothing. Raises UserError."""
    if (effect := distance(probe.adapter, probe.base)) < LEAST_EFFECT:
        raise UserError(
            f"{folder}: the adapter has no effect: with it, logprobs on its probe prompt differ by {effect:.3f} from "
            f"the base model's; {LEAST_EFFECT} is the least"
        )


def has_effect(probe: Probe) -> bool:
    """Whether by its maker's own measure an adapter does something."""
    return distance(probe.adapter, probe.base) >= LEAST_EFFECT


def check_base(folder: Path, model_folder: Path, model_hash: str) -> None:
    """Refuse an adapter that was made for another model, or that does not fit into this one. Raises UserError."""
    manifest = read_manifest(folder)
    hidden = hidden_size(model_folder)
    if hidden is not None and manifest.hidden_size != hidden:
        raise UserError(f"{folder / NAME}: hidden_size: must be {hidden}, the base model's; got {manifest.hidden_size}")
    if manifest.model_hash != model_hash:
        raise UserError(
            f"{folder / NAME}: model_hash: the adapter was made for another base model: {manifest.model_hash}; this "
            f"one is {model_hash}"
        )
    check_fit(folder, model_folder, manifest.kind)


def check_fit(folder: Path, model_folder: Path, kind: Kind) -> None:
    """Every shape must be as the base model's weights demand. Raises UserError."""
    if kind == "lora":
        lora.check_shapes(folder, model_shapes(model_folder))
        return
    wanted = hidden_size(model_folder)
    if kind == "mixture":
        weights, got = mixture.WEIGHTS, mixture.read_mixture(folder).hidden
    else:
        weights, got = soft_prompt.WEIGHTS, soft_prompt.check_soft_prompt(folder)[1]
    if wanted is not None and got != wanted:
        raise UserError(f"{folder / weights}: hidden size: must be {wanted}, the base model's; got {got}")


def hidden_size(model_folder: Path) -> int | None:
    """What a model's config says, None where it does not."""
    config = read_object(model_folder / "config.json", "model")
    size = config.get("hidden_size", (config.get("text_config") or {}).get("hidden_size"))
    return size if isinstance(size, int) else None


def kind_of(folder: Path) -> Kind:
    """Which kind of adapter a folder holds, sealed or not. Raises UserError when it holds none."""
    if (folder / soft_prompt.WEIGHTS).is_file():
        return "soft_prompt"
    if (folder / lora.CONFIG).is_file():
        return "lora"
    if (folder / mixture.CONFIG).is_file():
        return "mixture"
    kinds = f"{lora.CONFIG} (LoRA), {soft_prompt.WEIGHTS} (soft prompt) or {mixture.CONFIG} (mixture)"
    raise UserError(f"{folder}: must hold {kinds}")


def file_hashes(folder: Path, kind: Kind) -> dict[str, str]:
    """sha256 of each file of an adapter but its manifest. Raises UserError for a missing one."""
    hashes = {}
    for name in _FILES[kind]:
        try:
            with (folder / name).open("rb") as stream:
                hashes[name] = hashlib.file_digest(stream, "sha256").hexdigest()
        except OSError as error:
            if kind == "lora":
                lora.check_lora(folder)  # which knows of pickled weights
            raise UserError(f"{folder / name}: cannot be read ({os_reason(error)})") from None
    return hashes


def place_adapter(adapter: Adapter, folder: Path) -> None:
    """Put a copy of an adapter at `folder`, whole or not at all; one that is there and unchanged is left alone."""
    if folder.is_dir():
        try:
            if read_adapter(folder).id == adapter.id:
                return
        except UserError:
            pass  # spoilt: made anew from the user's
        shutil.rmtree(folder)
    with whole_folder(folder) as scratch:
        for name in (NAME, *file_hashes(Path(adapter.name), adapter.kind)):
            shutil.copyfile(Path(adapter.name) / name, scratch / name)
        if (found := read_adapter(scratch).id) != adapter.id:
            raise UserError(f"{adapter.name}: changed while it was read: was {adapter.id}, now {found}")


def read_probe(folder: Path) -> Probe:
    """What the adapter's maker measured."""
    return read_manifest(folder).probe


def _described(folder: Path, manifest: Manifest) -> Adapter:
    name, identity = str(folder), digest(manifest.kind, manifest.model_hash, sorted(manifest.files.items()))
    if manifest.kind == "soft_prompt":
        return Adapter(identity, name, "soft_prompt", tokens=soft_prompt.check_soft_prompt(folder)[0])
    if manifest.kind == "mixture":
        shape = mixture.read_mixture(folder)
        return Adapter(identity, name, "mixture", tokens=shape.soft_tokens(len(shape.values)))
    rank = lora.check_lora(folder)
    modules = {module.rpartition(".")[2] for module in lora.lora_modules(folder)}
    return Adapter(identity, name, "lora", rank=rank, modules=tuple(sorted(modules)))
