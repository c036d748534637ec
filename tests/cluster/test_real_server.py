"""An engine that asks a real `vllm serve` on loopback."""

from __future__ import annotations

from pathlib import Path

import pytest

from cluster.config import RuntimeSettings
from cluster.job import prepare
from cluster.pool import EnginePool
from cluster.session import ray_session
from cluster.spec import plan_engines
from cluster.store import Store
from generation.errors import UserError
from generation.models import EMBEDDED_LM, resolve_model
from generation.plan import plan_wave
from generation.records import expected_row_ids
from generation.tokens import count_tokens
from tests.chaos.driver import TINY
from tests.cluster.conftest import RealServer


def generate(store: Store, server: RealServer, *settings: str) -> dict[str, int]:
    """Have a wave written; returns the tokens that the server counted."""
    overrides = [f"server.url={server.url}", f"server.model={server.model}", "server.key_env=VLLM_TEST_KEY"]
    job = prepare(TINY, [*overrides, "server.extra={min_p: 0.05}", *settings])
    plan = plan_wave(job.material(), job.method, 0, {"lost_pet": 4, "bake_sale": 4})
    store.write_json("rounds/000/round.json", {})
    store.write_json("lease.json", {"epoch": 1})
    store.commit(0, "requests", "w000", plan, "run")
    pool = EnginePool(plan_engines(job, 0), 1, store, "run", 1)
    try:
        pool.start()
        parts = list(pool.generate(store.open_requests(0)))
    finally:
        pool.stop()
    rows = store.generated(0)
    assert sorted(rows["id"].to_pylist()) == sorted(expected_row_ids(plan))
    assert set(rows["finish_reason"].to_pylist()) <= {"stop", "length"}
    assert sum(part.estimated for part in parts) == 0
    return {name: sum(getattr(part, name) for part in parts) for name in ("prompt_tokens", "output_tokens")}


def test_a_real_server(real_server: RealServer, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    with ray_session(RuntimeSettings()):
        monkeypatch.setenv("VLLM_TEST_KEY", "another-key")
        with pytest.raises(UserError, match="refuses the key in VLLM_TEST_KEY; HTTP 401"):
            generate(Store(tmp_path / "wrong"), real_server)

        monkeypatch.setenv("VLLM_TEST_KEY", real_server.key)
        with pytest.raises(UserError, match="has no model 'nobody'; HTTP 404: "):
            generate(Store(tmp_path / "missing"), real_server, "server.model=nobody")

        store = Store(tmp_path / "completion")
        tokens = generate(store, real_server)
        prompts = store.requests(0)["prompt"].to_pylist()
        assert tokens["prompt_tokens"] == sum(count_tokens(resolve_model(EMBEDDED_LM), prompts))
        assert 32 < tokens["output_tokens"] <= 32 * 40
        assert len(set(store.generated(0)["text"].to_pylist())) > 16

        chat = Store(tmp_path / "chat")
        assert generate(chat, real_server, "generation.form=chat")["output_tokens"] > 32
        assert any(chat.generated(0)["text"].to_pylist())
