"""transformers' generate, in batches of rows sorted by prompt length. Its memory bounds the batch, not its speed."""

from __future__ import annotations

import time

from contenders.trace import Trace
from contenders.work import SEQUENCES, Work


def run(work: Work) -> Trace:
    began = time.monotonic()
    import torch
    from transformers import AutoModelForCausalLM, AutoTokenizer

    tokenizer = AutoTokenizer.from_pretrained(work.spec.folder, padding_side="left")
    model = AutoModelForCausalLM.from_pretrained(work.spec.folder, dtype=torch.bfloat16).eval()
    trace = Trace(time.monotonic() - began)
    first = time.monotonic()
    requests = sorted(work.requests(padded=False), key=lambda each: len(each[0]))
    tokens = rows = 0
    torch.manual_seed(0)
    batch = SEQUENCES // requests[0][2]
    for start in range(0, len(requests), batch):
        part = requests[start : start + batch]
        inputs = tokenizer.pad({"input_ids": [each[0] for each in part]}, return_tensors="pt")
        sampling, samples = part[0][1], part[0][2]
        with torch.inference_mode():
            answers = model.generate(
                **inputs,
                do_sample=True,
                num_return_sequences=samples,
                temperature=sampling["temperature"],
                min_p=sampling["min_p"],
                top_k=0,
                max_new_tokens=sampling["max_tokens"],
                stop_strings=sampling["stop"],
                tokenizer=tokenizer,
            )
        made = answers[:, inputs["input_ids"].shape[1] :]
        tokens += int((made != tokenizer.pad_token_id).sum())
        rows += len(made)
        trace.latencies += [time.monotonic() - first] * len(made)
        trace.points.append((time.monotonic() - first, tokens, rows))
    return trace
