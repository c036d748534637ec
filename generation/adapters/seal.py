"""Write an adapter's manifest: what it does to a probe prompt, computed by transformers and peft in float32.

Whoever makes an adapter seals it, once; every engine that loads it later is held to that (proof.py).
"""

from __future__ import annotations

import contextlib
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

from generation.adapters import lora
from generation.adapters.folder import (
    Adapter,
    check_effect,
    check_fit,
    file_hashes,
    has_effect,
    kind_of,
    read_adapter,
)
from generation.adapters.manifest import NAME, TOP, Kind, Manifest, Probe
from generation.adapters.mixture import LABEL, check_values, load_mixture, values_of
from generation.adapters.soft_prompt import load_soft_prompt
from generation.models import model_hash
from generation.tokens import encode_texts

if TYPE_CHECKING:
    import torch

PROMPT = "A list of short texts, one on a line.\n1."
POSITIONS = 4
MOST_TOKENS = 256  # of a probe's prompt: the last ones

NextToken = Callable[[Sequence[int]], "torch.Tensor"]


def seal_adapter(folder: Path, model_folder: Path, prompt: str = PROMPT, label: str = "") -> Adapter:
    """Check an adapter's files, measure it on `prompt`, and write its adapter.json. Raises UserError.

    An adapter without effect is refused: take a prompt of its own task if it does little elsewhere. The base model is
    held in float32, four bytes a parameter. A mixture is measured with the values of `label`, else of its first.
    """
    return seal_adapters({folder: (prompt, label)}, model_folder)[folder]


def seal_adapters(
    probes: Mapping[Path, tuple[str, str]], model_folder: Path, lenient: bool = False
) -> dict[Path, Adapter]:
    """Seal several adapters, each on a prompt and for a label, with the base model loaded once. Raises UserError.

    `lenient` leaves those without effect unsealed, and out of what is returned.
    """
    kinds = {}
    for folder in probes:
        kinds[folder] = kind_of(folder)
        if kinds[folder] == "lora":
            lora.check_lora(folder)
        check_fit(folder, model_folder, kinds[folder])
    base, identity = _load_base(model_folder), model_hash(model_folder)
    hidden = base.get_input_embeddings().embedding_dim
    sealed = {}
    for folder, (prompt, label) in probes.items():
        files = file_hashes(folder, kinds[folder])
        tokens = encode_texts(model_folder, [prompt])[0][-MOST_TOKENS:]
        probe = _MEASURES[kinds[folder]](base, folder, tokens, label)
        if lenient and not has_effect(probe):
            continue
        check_effect(folder, probe)
        manifest = Manifest(kind=kinds[folder], model_hash=identity, hidden_size=hidden, files=files, probe=probe)
        write_manifest(folder, manifest)
        sealed[folder] = read_adapter(folder)
    return sealed


def write_manifest(folder: Path, manifest: Manifest) -> None:
    """Put adapter.json into an adapter's folder, whole or not at all."""
    scratch = folder / f".{NAME}.tmp"
    scratch.write_text(manifest.model_dump_json(indent=1) + "\n")
    scratch.rename(folder / NAME)


def _load_base(model_folder: Path) -> Any:
    import torch
    from transformers import AutoModelForCausalLM
    from transformers.utils import logging

    logging.disable_progress_bar()
    return AutoModelForCausalLM.from_pretrained(model_folder, dtype=torch.float32).eval()


def _measure_lora(base: Any, folder: Path, prompt: list[int], label: str) -> Probe:
    import torch
    from peft import PeftModel

    model = PeftModel.from_pretrained(base, folder).eval()
    try:
        probe = _probe(base, prompt, lambda tokens: model(torch.tensor([tokens])).logits[0, -1], model.disable_adapter)
    finally:
        model.unload()
    return probe


def _measure_soft_prompt(base: Any, folder: Path, prompt: list[int], label: str) -> Probe:
    soft = load_soft_prompt(folder).float()
    return _probe(base, prompt, _after(base, lambda text: soft), contextlib.nullcontext)


def _measure_mixture(base: Any, folder: Path, prompt: list[int], label: str) -> Probe:
    """The soft tokens are made for each text anew, as an engine does."""
    mixture = load_mixture(folder)
    first = next(value for value in mixture.shape.values if value.startswith(f"{LABEL}="))
    values = values_of(label or first.removeprefix(f"{LABEL}="), {})
    check_values(folder, values)
    return _probe(base, prompt, _after(base, lambda text: mixture(values, text)), contextlib.nullcontext, values)


_MEASURES: dict[Kind, Callable[[Any, Path, list[int], str], Probe]] = {
    "lora": _measure_lora,
    "soft_prompt": _measure_soft_prompt,
    "mixture": _measure_mixture,
}


def _after(base: Any, soft: Callable[[torch.Tensor], torch.Tensor]) -> NextToken:
    """The next token after soft tokens and text; the soft tokens are a function of the text's embeddings."""
    import torch

    def next_token(tokens: Sequence[int]) -> torch.Tensor:
        text = base.get_input_embeddings()(torch.tensor(tokens))
        return base(inputs_embeds=torch.cat([soft(text), text])[None]).logits[0, -1]

    return next_token


def _probe(
    base: Any,
    prompt: list[int],
    adapted: NextToken,
    without: Callable[[], contextlib.AbstractContextManager[Any]],
    values: Sequence[str] = (),
) -> Probe:
    """The next tokens for `prompt` with the adapter and without."""
    import torch

    with torch.inference_mode():
        with_adapter, continuation = _follow(adapted, prompt)
        with without():
            logits = base(torch.tensor([prompt + continuation])).logits[0, -POSITIONS:]
    measured = {"adapter": with_adapter, "base": [_top(each) for each in logits]}
    return Probe.model_validate({"prompt": prompt, "continuation": continuation, "values": values, **measured})


def _follow(next_token: NextToken, prompt: list[int]) -> tuple[list[dict[int, float]], list[int]]:
    """The likeliest tokens at POSITIONS places of the greedy answer, and the answer but for its last token."""
    tops, answer = [], list[int]()
    for _ in range(POSITIONS):
        tops.append(_top(next_token(prompt + answer)))
        answer.append(max(tops[-1], key=tops[-1].__getitem__))
    return tops, answer[:-1]


def _top(logits: torch.Tensor) -> dict[int, float]:
    """The likeliest tokens and their logprobs."""
    values, tokens = logits.float().log_softmax(-1).topk(min(TOP, len(logits)))
    return dict(zip(tokens.tolist(), values.tolist(), strict=True))
