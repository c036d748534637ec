"""What an OpenAI-compatible server answers, read with suspicion."""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from generation.errors import clip
from generation.tokens import count_tokens


class UnansweredError(Exception):
    """The question went out and no answer came that can be read: its tokens may have been charged."""


@dataclass(frozen=True)
class Choice:
    """One text and why it ended."""

    text: str
    finish_reason: str | None


@dataclass(frozen=True)
class Answer:
    """Texts and tokens charged; `estimated` when the server did not tell them."""

    choices: tuple[Choice, ...]
    prompt_tokens: int
    cached_tokens: int
    output_tokens: int
    estimated: bool = False

    @property
    def tokens(self) -> int:
        """Prompt and output together."""
        return self.prompt_tokens + self.output_tokens


def read_answer(content: bytes, body: Mapping[str, Any]) -> Answer:
    """The answer to the question `body`: as many texts as it asked for, or fewer. Raises UnansweredError."""
    try:
        reply = json.loads(content)
    except (ValueError, RecursionError):
        raise UnansweredError("the answer is not JSON") from None
    choices = reply.get("choices") if isinstance(reply, dict) else None
    if not isinstance(choices, list) or not choices:
        raise UnansweredError("the answer has no choices")
    found = tuple(_choice(each) for each in sorted(choices, key=_index)[: body.get("n", 1)])
    if (counted := _usage(reply.get("usage"))) is not None:
        return Answer(found, *counted)
    asked = body.get("prompt") or " ".join(each["content"] for each in body["messages"])
    output = sum(count_tokens(None, [choice.text for choice in found]))
    return Answer(found, count_tokens(None, [asked])[0], 0, output, estimated=True)


def _index(choice: Any) -> int:
    index = choice.get("index") if isinstance(choice, dict) else None
    return index if isinstance(index, int) else 0


def _choice(choice: Any) -> Choice:
    if not isinstance(choice, dict):
        raise UnansweredError(f"a choice is not an object but {clip(choice)}")
    message = choice.get("message")
    text = message.get("content") if isinstance(message, dict) else choice.get("text")
    reason = choice.get("finish_reason")
    # half of a surrogate pair, which JSON can escape, is no text that could be stored
    whole = text.encode(errors="replace").decode() if isinstance(text, str) else ""
    return Choice(whole, reason if isinstance(reason, str) else None)


def _usage(usage: Any) -> tuple[int, int, int] | None:
    """Prompt, cached and output tokens; None when they are not told in whole numbers."""
    if not isinstance(usage, dict):
        return None
    prompt, output = _count(usage.get("prompt_tokens")), _count(usage.get("completion_tokens"))
    if prompt is None or output is None:
        return None
    details = usage.get("prompt_tokens_details")
    cached = _count(details.get("cached_tokens")) if isinstance(details, dict) else None
    return prompt, min(cached or 0, prompt), output


def _count(value: Any) -> int | None:
    return value if isinstance(value, int) and not isinstance(value, bool) and 0 <= value < 2**31 else None
