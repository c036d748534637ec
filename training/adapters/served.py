"""Adapters as they were saved, put back beside the LM: to score texts with what wrote them."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from pathlib import Path

import torch
from peft import PeftModel
from torch import Tensor

from generation.adapters.folder import Adapter
from generation.adapters.mixture import load_mixture, values_of
from generation.adapters.soft_prompt import load_soft_prompt
from training.adapters.adaptation import Adaptation, Rates
from training.branching import Document
from training.causal_lm import CausalLM

_BASE = ""


class Served(Adaptation):
    """The adapters of labels, frozen; a label without one has the base model."""

    def __init__(self, lm: CausalLM, adapters: Mapping[str, Adapter]) -> None:
        super().__init__()
        self._lm, self._adapters = [lm], dict(adapters)
        different = {each.id: each for each in adapters.values()}
        self._soft = {key: _soft_of(each, lm) for key, each in different.items() if each.kind != "lora"}
        self._peft: PeftModel | None = None
        for each in different.values():
            if each.kind == "lora":
                self._load_lora(each)

    def rates(self) -> Rates:
        return []

    def save(self, folder: Path) -> Mapping[str, Path]:
        raise NotImplementedError("these are saved already")

    def groups(self, labels: Sequence[str]) -> list[list[str]]:
        """Labels of one LoRA together; soft prompts share the base model."""
        groups: dict[str, list[str]] = {}
        for label in labels:
            groups.setdefault(self._lora_of(label), []).append(label)
        return list(groups.values())

    def activate(self, label: str) -> None:
        if self._peft is None:
            return
        name = self._lora_of(label)
        self._peft.base_model.enable_adapter_layers() if name else self._peft.base_model.disable_adapter_layers()
        if name:
            self._peft.set_adapter(name)

    def soft_tokens(self, document: Document) -> int:
        soft = self._soft_of(document)
        return 0 if soft is None else len(soft)

    def soft(self, documents: Sequence[Document]) -> Tensor | None:
        found = [soft for document in documents if (soft := self._soft_of(document)) is not None]
        return torch.cat(found) if found else None

    def _soft_of(self, document: Document) -> Tensor | None:
        adapter = self._adapters.get(document.label)
        if adapter is None or adapter.kind == "lora":
            return None
        made = self._soft[adapter.id]
        if isinstance(made, Tensor):
            return made
        lm = self._lm[0]
        return made(
            values_of(document.label, document.attributes), lm.embeddings(torch.tensor(document.prompt).to(lm.device))
        )

    def _lora_of(self, label: str) -> str:
        adapter = self._adapters.get(label)
        return adapter.id if adapter is not None and adapter.kind == "lora" else _BASE

    def _load_lora(self, adapter: Adapter) -> None:
        if self._peft is None:
            self._peft = PeftModel.from_pretrained(self._lm[0].model, adapter.name, adapter_name=adapter.id)
        else:
            self._peft.load_adapter(adapter.name, adapter_name=adapter.id)


def _soft_of(adapter: Adapter, lm: CausalLM) -> Tensor | torch.nn.Module:
    folder = Path(adapter.name)
    if adapter.kind == "soft_prompt":
        return load_soft_prompt(folder).float().to(lm.device)
    return load_mixture(folder).to(lm.device).requires_grad_(False)
