"""LoRA (Hu et al. 2021): one for all labels, which stand in the prompt as control codes, or one for each label."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from pathlib import Path

from peft import LoraConfig, get_peft_model, get_peft_model_state_dict
from safetensors.torch import save_file
from torch import nn

from generation.adapters.lora import CONFIG, WEIGHTS
from training.adapters.adaptation import Adaptation, Rates
from training.causal_lm import CausalLM

SHARED = "all"  # the subfolder of an adapter that serves all labels


class Lora(Adaptation):
    """Rank-`rank` updates of all linear layers, in float32; alpha is twice the rank."""

    def __init__(self, lm: CausalLM, labels: Sequence[str], rank: int, shared: bool, rate: float) -> None:
        super().__init__()
        self.rate = rate
        self.names = {label: "l0" if shared else f"l{place}" for place, label in enumerate(labels)}
        config = LoraConfig(r=rank, lora_alpha=2 * rank, target_modules="all-linear", task_type="CAUSAL_LM")
        first, *others = dict.fromkeys(self.names.values())
        # layers are put into the model in place: the LM computes with whichever adapter is active
        self._peft = [get_peft_model(lm.model, config, adapter_name=first)]
        for name in others:
            self._peft[0].add_adapter(name, config)
        self.matrices = nn.ParameterDict(
            {name.replace(".", "/"): value for name, value in lm.model.named_parameters() if "lora_" in name}
        )
        self.matrices.requires_grad_(True)

    def rates(self) -> Rates:
        return [(list(self.matrices.values()), self.rate)]

    def groups(self, labels: Sequence[str]) -> list[list[str]]:
        groups: dict[str, list[str]] = {}
        for label in labels:
            groups.setdefault(self.names[label], []).append(label)
        return list(groups.values())

    def activate(self, label: str) -> None:
        self._peft[0].set_adapter(self.names[label])
        self.matrices.requires_grad_(True)  # set_adapter freezes the others

    def save(self, folder: Path) -> Mapping[str, Path]:
        shared = len(set(self.names.values())) == 1
        folders = {label: folder / (SHARED if shared else f"{place:03d}") for place, label in enumerate(self.names)}
        for label, target in folders.items():
            if target.is_dir():
                continue
            target.mkdir(parents=True)
            name = self.names[label]
            state = get_peft_model_state_dict(self._peft[0], adapter_name=name)
            save_file({key: value.contiguous() for key, value in state.items()}, target / WEIGHTS)
            config = self._peft[0].peft_config[name]
            config.inference_mode = True
            # the folder's hash names the adapter: nothing of this machine, or of a process, whose sets have an order
            config.base_model_name_or_path, config.target_modules = None, sorted(config.target_modules)
            config.save_pretrained(str(target))
            assert (target / CONFIG).is_file()
        return folders
