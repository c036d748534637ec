"""The group `server` of task.yaml."""

from __future__ import annotations

import re
from typing import Annotated, Any
from urllib.parse import urlsplit

from pydantic import Field, ValidationInfo, field_validator

from generation.errors import clip
from generation.settings import Settings

Name = Annotated[str, Field(min_length=1)]
# set by the request itself: these always, those unless the server is to be asked without
_ALWAYS = frozenset({"model", "prompt", "messages", "stream"})
_OURS = frozenset({"n", "max_tokens", "temperature", "seed", "stop"})


class ServerSettings(Settings):
    """An OpenAI-compatible server that writes the texts, in place of engines of our own; without a url, none."""

    url: str | None = Field(None, description="its address up to the version, such as http://127.0.0.1:8000/v1")
    model: Name | None = Field(None, description="the model's name on the server")
    key_env: str | None = Field(
        None, description="name of the environment variable that holds the key, such as OPENAI_API_KEY; none: no key"
    )
    extra: dict[str, Any] = Field(
        default_factory=dict, description="fields added to every request, such as min_p: 0.05; null leaves one out"
    )
    requests_per_minute: float | None = Field(None, gt=0, allow_inf_nan=False, description="none: no limit")
    tokens_per_minute: float | None = Field(
        None, gt=0, allow_inf_nan=False, description="prompt + output; none: no limit"
    )
    concurrency: int = Field(32, ge=1, description="requests in flight at most")
    timeout_seconds: float = Field(120.0, gt=0, allow_inf_nan=False, description="for one answer")
    tries: int = Field(8, ge=1, description="attempts at a request before it is set aside")

    @field_validator("url")
    @classmethod
    def _url_is_plain(cls, url: str | None) -> str | None:
        if url is None:
            return None
        parts = urlsplit(url)
        if parts.scheme not in ("http", "https") or not parts.hostname:
            raise ValueError(f"must begin with http:// or https:// and a host; got {clip(url)}")
        if parts.username is not None or parts.query or parts.fragment:  # the url is stored: keys have no place in it
            raise ValueError("must hold no user name, password or query; a key belongs into server.key_env's variable")
        return url.rstrip("/")

    @field_validator("model")
    @classmethod
    def _model_is_named(cls, model: str | None, info: ValidationInfo) -> str | None:
        if info.data.get("url") and not model:
            raise ValueError("is required with server.url")
        return model

    @field_validator("key_env")
    @classmethod
    def _key_env_is_a_name(cls, name: str | None) -> str | None:
        if name is not None and not re.fullmatch(r"[A-Za-z_][A-Za-z0-9_]*", name):
            raise ValueError("must be the name of an environment variable, never the key itself")  # so it is not shown
        return name

    @field_validator("extra")
    @classmethod
    def _extra_adds(cls, extra: dict[str, Any]) -> dict[str, Any]:
        for name, value in extra.items():
            if name in _ALWAYS or (name in _OURS and value is not None):
                raise ValueError(f"must not set {name!r}; got {clip(value)}")
        min_p = extra.get("min_p", 0.0)
        if not isinstance(min_p, int | float) or not 0 <= min_p <= 1:
            raise ValueError(f"min_p: must be a number from 0 to 1; got {clip(min_p)}")
        return extra
