"""Personal data out of texts, before anything learns from them or shows them."""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Iterable, Sequence
from dataclasses import replace

from denoise.personal_data import KINDS, Span, find_personal
from generation.task import Example, Label

MARK = rf"<(?:{'|'.join(KINDS)})(?:_\d+)?>"


def redact(text: str) -> tuple[str, Counter[str]]:
    """The text with a placeholder for each piece of personal data, and how many there were of each kind.

    One value has one placeholder throughout a text: `<email>`, and `<email_2>` for the second value of that kind.
    """
    spans = find_personal(text)
    names = _placeholders(text, spans)
    pieces, place = [], 0
    for span, name in zip(spans, names, strict=True):
        pieces += [text[place : span.start], name]
        place = span.end
    return "".join([*pieces, text[place:]]), Counter(span.kind for span in spans)


def redact_examples(examples: Iterable[Example]) -> tuple[tuple[Example, ...], Counter[str]]:
    """Examples without personal data, under the ids that they had; in tagged ones, tokens of one value become one."""
    found, total = [], Counter[str]()
    for example in examples:
        made, counts = _redact_tokens(example) if example.tokens else _redact_text(example)
        found.append(made)
        total += counts
    return tuple(found), total


def take_out(
    seeds: Sequence[Example], pool: Sequence[Example], labels: Sequence[Label]
) -> tuple[tuple[Example, ...], tuple[Example, ...], tuple[Label, ...], dict[str, str]]:
    """Seeds, pool and labels (their counter-examples) without personal data, and what was found where, in words."""
    clean_seeds, of_seeds = redact_examples(seeds)
    clean_pool, of_pool = redact_examples(pool)
    of_labels, clean_labels = Counter[str](), []
    for label in labels:
        texts = [redact(counter.text) for counter in label.counter_examples]
        of_labels += sum((counts for _, counts in texts), Counter())
        pairs = zip(label.counter_examples, texts, strict=True)
        counters = tuple(counter.model_copy(update={"text": text}) for counter, (text, _) in pairs)
        clean_labels.append(label.model_copy(update={"counter_examples": counters}))
    found = {"seeds": of_seeds, "pool": of_pool, "counter-examples": of_labels}
    return (
        clean_seeds,
        clean_pool,
        tuple(clean_labels),
        {what: told(counts) for what, counts in found.items() if counts},
    )


def told(counts: Counter[str]) -> str:
    """Counts in words: "2 email, 1 phone"."""
    return ", ".join(f"{counts[kind]} {kind}" for kind in KINDS if counts[kind])


def _redact_text(example: Example) -> tuple[Example, Counter[str]]:
    text, counts = redact(example.text)
    return (replace(example, text=text, known_as=example.id) if counts else example), counts


def _redact_tokens(example: Example) -> tuple[Example, Counter[str]]:
    """The placeholder takes the tag of the first token that it stands for."""
    starts = _starts(example.text, example.tokens)
    spans = find_personal(example.text)
    text = example.text
    tokens, tags = list(example.tokens), list(example.tags)
    for span, name in reversed(list(zip(spans, _placeholders(text, spans), strict=True))):
        held = [
            place
            for place, start in enumerate(starts)
            if start < span.end and start + len(example.tokens[place]) > span.start
        ]
        first, last = held[0], held[-1]
        head = text[starts[first] : span.start]
        tail = text[span.end : starts[last] + len(example.tokens[last])]
        tokens[first : last + 1], tags[first : last + 1] = [head + name + tail], [tags[first]]
        text = text[: span.start] + name + text[span.end :]
    if not spans:
        return example, Counter()
    made = replace(example, text=text, tokens=tuple(tokens), tags=tuple(tags), known_as=example.id)
    return made, Counter(span.kind for span in spans)


def _starts(text: str, tokens: Sequence[str]) -> list[int]:
    starts, place = [], 0
    for token in tokens:
        place = text.index(token, place)
        starts.append(place)
        place += len(token)
    return starts


def _placeholders(text: str, spans: Sequence[Span]) -> list[str]:
    seen: dict[str, list[str]] = {}
    names = []
    for span in spans:
        value = re.sub(r"[\s()./-]", "", text[span.start : span.end]).lower()
        values = seen.setdefault(span.kind, [])
        if value not in values:
            values.append(value)
        number = values.index(value) + 1
        names.append(f"<{span.kind}>" if number == 1 else f"<{span.kind}_{number}>")
    return names
