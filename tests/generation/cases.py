"""A small task and a model folder for it: a tokenizer of one token a word, and weights that nobody loads."""

from __future__ import annotations

import json
from pathlib import Path

from tokenizers import Tokenizer
from tokenizers.models import WordLevel
from tokenizers.pre_tokenizers import WhitespaceSplit

from generation.task import Example, Label, Task

TASK = Task(
    name="desk",
    description="Messages to a library.",
    labels=(
        Label(name="lost_card", description="the card is gone", rules=("Not one that broke.",)),
        Label(name="opening_hours", description="asks for times"),
    ),
    seeds=(
        Example("I left my card on the bus", "lost_card"),
        Example("card\n gone", "lost_card"),
        Example("my card is lost", "lost_card"),
        Example("When do you close?", "opening_hours"),
    ),
)
LOST, HOURS = TASK.labels


def make_model(folder: Path, positions: int | None = 4096) -> Path:
    """A model folder in Hugging Face form; `positions` is the context that its config states."""
    folder.mkdir(parents=True)
    tokenizer = Tokenizer(WordLevel({"[UNK]": 0}, "[UNK]"))
    tokenizer.pre_tokenizer = WhitespaceSplit()
    tokenizer.save(str(folder / "tokenizer.json"))
    (folder / "tokenizer_config.json").write_text(json.dumps({"bos_token": "<s>", "eos_token": {"content": "</s>"}}))
    (folder / "chat_template.jinja").write_text(
        "{{ bos_token }}{% for m in messages %}[{{ m.role }}] {{ m.content }}\n{% endfor %}\n"
        "{% if add_generation_prompt %}[assistant] {% endif %}"
    )
    (folder / "config.json").write_text(json.dumps({"max_position_embeddings": positions}))
    (folder / "model.safetensors").write_bytes(b"weights")
    return folder
