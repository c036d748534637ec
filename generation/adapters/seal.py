"""Write an adapter's manifest: what it does to a probe prompt, computed by transformers and peft in float32.

Whoever makes an adapter seals it, once; every engine that loads it later is held to that (proof.py).
"""

from __future__ import annotations

import contextlib
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

from generation.adapters import lora
from generation.adapters.folder import Adapter, check_effect, check_fit, file_hashes, kind_of, read_adapter
from generation.adapters.manifest import NAME, TOP, Kind, Manifest, Probe
from generation.adapters.soft_prompt import load_soft_prompt
from generation.models import model_hash
from generation.tokens import encode_texts

if TYPE_CHECKING:
    import torch

PROMPT = "A list of short texts, one on a line.\n1."
POSITIONS = 4

NextToken = Callable[[Sequence[int]], "torch.Tensor"]


def seal_adapter(folder: Path, model_folder: Path, prompt: str = PROMPT) -> Adapter:
    """Check an adapter's files, measure it on `prompt`, and write its adapter.json. Raises UserError.

    An adapter without effect is refused: take a prompt of its own task if it does little elsewhere. The base model is
    held in float32, four bytes a parameter.
    """
    kind = kind_of(folder)
    files = file_hashes(folder, kind)
    if kind == "lora":
        lora.check_lora(folder)
    check_fit(folder, model_folder, kind)
    hidden, probe = _measure(folder, model_folder, kind, encode_texts(model_folder, [prompt])[0])
    check_effect(folder, probe)
    manifest = Manifest(kind=kind, model_hash=model_hash(model_folder), hidden_size=hidden, files=files, probe=probe)
    write_manifest(folder, manifest)
    return read_adapter(folder)


def write_manifest(folder: Path, manifest: Manifest) -> None:
    """Put adapter.json into an adapter's folder, whole or not at all."""
    scratch = folder / f".{NAME}.tmp"
    scratch.write_text(manifest.model_dump_json(indent=1) + "\n")
    scratch.rename(folder / NAME)


def _measure(folder: Path, model_folder: Path, kind: Kind, prompt: list[int]) -> tuple[int, Probe]:
    """The base model's hidden size, and its next tokens for `prompt` with the adapter and without."""
    import torch
    from transformers import AutoModelForCausalLM
    from transformers.utils import logging

    logging.disable_progress_bar()
    base = AutoModelForCausalLM.from_pretrained(model_folder, dtype=torch.float32).eval()
    embed, hidden = base.get_input_embeddings(), base.get_input_embeddings().embedding_dim
    if kind == "soft_prompt":
        soft = load_soft_prompt(folder).float()

        def adapted(tokens: Sequence[int]) -> torch.Tensor:
            return base(inputs_embeds=torch.cat([soft, embed(torch.tensor(tokens))])[None]).logits[0, -1]

        without: Any = contextlib.nullcontext
    else:
        from peft import PeftModel

        model = PeftModel.from_pretrained(base, folder).eval()
        without = model.disable_adapter

        def adapted(tokens: Sequence[int]) -> torch.Tensor:
            return model(torch.tensor([tokens])).logits[0, -1]

    with torch.inference_mode():
        with_adapter, continuation = _follow(adapted, prompt)
        with without():
            logits = base(torch.tensor([prompt + continuation])).logits[0, -POSITIONS:]
    plain = [_top(each) for each in logits]
    return hidden, Probe.model_validate(
        {"prompt": prompt, "continuation": continuation, "adapter": with_adapter, "base": plain}
    )


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
