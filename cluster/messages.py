"""What engines and their pool tell each other, and the pool its driver: names, counts and errors, never text."""

from __future__ import annotations

from dataclasses import dataclass

from generation.errors import Fault, UserError


@dataclass(frozen=True)
class EngineName:
    """Which engine, which life of it, and under which driver. Part names begin with it, so none ever collide."""

    epoch: int
    engine: int
    incarnation: int

    def __str__(self) -> str:
        return f"d{self.epoch:04d}-e{self.engine:03d}-i{self.incarnation:03d}"


@dataclass(frozen=True)
class Ready:
    """What an engine found when it started; `node` is Ray's id of where that was."""

    name: EngineName
    pids: list[int]
    model_hash: str
    seconds: float
    node: str = ""


@dataclass(frozen=True)
class Committed:
    """A part that an engine has committed: counts, never text. `estimated` tokens are a guess: no server told."""

    part: str
    request_ids: tuple[str, ...]
    rows: int
    prompt_tokens: int
    cached_tokens: int
    output_tokens: int
    estimated: int = 0


@dataclass(frozen=True)
class Report:
    """News since the last report.

    `refused` are requests that the engine cannot answer, with the error of each; `returned` are to be tried again.
    `buffered` rows are finished but not committed; `produced` counts all output tokens so far, `lost` the tokens since
    the last report that brought no row, `loaded` the adapters loaded since then. `error` tells why the engine ends;
    `fatal` why nothing can be committed at all (a full disk, a later driver), whichever engine tries.
    """

    committed: tuple[Committed, ...]
    buffered: int
    produced: int
    refused: tuple[tuple[str, str], ...] = ()
    error: str | None = None
    fatal: UserError | Fault | None = None
    returned: tuple[str, ...] = ()
    lost: int = 0
    loaded: int = 0


@dataclass(frozen=True)
class PoolStatus:
    """Tokens and rows at one moment. `produced` counts lost tokens too, `in_flight` rows asked for.

    `aside` counts requests that no engine can answer, `adapter_loads` adapters loaded by engines. `awaits`: there is
    nothing to give to engines before more requests are known.
    """

    produced: int
    lost: int
    in_flight: int
    engines: int
    aside: int = 0
    adapter_loads: int = 0
    awaits: bool = False
