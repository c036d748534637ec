"""Three topics that no encoder confuses."""

from __future__ import annotations

from pathlib import Path

from training.job import TrainingRow

LABELS = ("weather", "music", "food")
SEEDS = (
    ("will it rain in the valley tomorrow", "weather"),
    ("how cold does it get tonight", "weather"),
    ("is there a storm coming this weekend", "weather"),
    ("tell me the forecast for sunday", "weather"),
    ("play the second song of that album", "music"),
    ("turn the volume of the radio down", "music"),
    ("who sang this ballad first", "music"),
    ("put on some quiet piano jazz", "music"),
    ("how long do lentils have to boil", "food"),
    ("find me a recipe for plum cake", "food"),
    ("which spices go into this curry", "food"),
    ("book a table for a late dinner", "food"),
)
UNSEEN = (
    ("do i need an umbrella on friday", "weather"),
    ("will the snow melt by noon", "weather"),
    ("skip to the next track", "music"),
    ("what is the name of this tune", "music"),
    ("how do i bake bread without yeast", "food"),
    ("i would like a soup with noodles", "food"),
)


def rows(pairs: tuple[tuple[str, str], ...]) -> tuple[TrainingRow, ...]:
    return tuple(TrainingRow(text, label) for text, label in pairs)


def tiny_encoder(minilm: Path, folder: Path, model_type: str = "bert") -> Path:
    """A random BERT, or the like, of three narrow layers that reads as MiniLM does: steps of milliseconds."""
    import torch
    from transformers import AutoConfig, AutoModel, AutoTokenizer

    tokenizer = AutoTokenizer.from_pretrained(minilm)
    config = AutoConfig.for_model(
        model_type,
        vocab_size=len(tokenizer),
        pad_token_id=tokenizer.pad_token_id,
        hidden_size=32,
        num_hidden_layers=3,
        num_attention_heads=2,
        intermediate_size=64,
    )
    with torch.random.fork_rng():
        torch.manual_seed(0)
        AutoModel.from_config(config).save_pretrained(folder)
    tokenizer.save_pretrained(folder)
    return folder
