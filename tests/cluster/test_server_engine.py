"""An engine that asks a server, before servers that misbehave: every planned row comes once, or is accounted for."""

from __future__ import annotations

import socket
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from cluster.budget import Budget
from cluster.config import RuntimeSettings
from cluster.job import Job
from cluster.messages import Committed
from cluster.pool import EnginePool
from cluster.prices import PriceSettings
from cluster.server_engine import shares
from cluster.session import ray_session
from cluster.spec import plan_engines
from cluster.store import Store
from generation.errors import Fault, UserError
from generation.forms.json_object import SCHEMA
from generation.parts import read_parts
from generation.plan import plan_wave
from generation.records import ROW_SCHEMA, expected_row_ids, map_column
from tests.cluster.cases import make_job
from tests.cluster.misbehaving import (
    BROKEN,
    BUSY,
    HANG,
    MODEL,
    NO_USAGE,
    NONSENSE,
    ONE,
    RESET,
    SURROGATE,
    Reply,
    Server,
    serving,
)

KEY = "sk-planted-0123456789abcdef"


@pytest.fixture(scope="module")
def session() -> Iterator[None]:
    with ray_session(RuntimeSettings()):
        yield


@pytest.fixture
def server() -> Iterator[Server]:
    with serving() as started:
        yield started


@pytest.fixture
def key(monkeypatch: pytest.MonkeyPatch) -> str:
    monkeypatch.setenv("SCRIBE_KEY", KEY)
    return "SCRIBE_KEY"


class Bench:
    """A run of one wave against a server."""

    def __init__(
        self,
        folder: Path,
        url: str,
        requests: int = 6,
        form: str = "completion",
        method: str = "prompted",
        output: str = "text",
        **settings: Any,
    ) -> None:
        asked = {"form": form, "method": method, "output": output}
        generation = asked | {"samples": 2, "exemplars": 1, "max_tokens": 5}
        server = {"url": url, "model": MODEL, "tries": 3, "timeout_seconds": 2, **settings}
        runtime = {"commit_rows": 4, "commit_seconds": 0.2}
        self.job: Job = make_job(folder, generation=generation, server=server, runtime=runtime)
        (folder / "run").mkdir(exist_ok=True)
        self.store, self.log, self.lost = Store(folder / "run"), list[str](), list[int]()
        self.store.write_json("rounds/000/round.json", {})
        self.epoch = 0
        counts = {"pos": requests // 2, "neg": requests - requests // 2}
        self.plan = plan_wave(self.job.material(), self.job.method, 0, counts)
        self.store.commit(0, "requests", "w000", self.plan, "run")
        self.ids = sorted(expected_row_ids(self.plan))

    def run(self, budget: Budget | None = None) -> list[Committed]:
        """Have all open requests answered, as a driver of its own."""
        self.epoch += 1
        self.store.write_json("lease.json", {"epoch": self.epoch})
        pool = EnginePool(
            plan_engines(self.job, 0), 1, self.store, "run", self.epoch, log=self.log.append, lost=self.lost.append
        )
        try:
            pool.start()
            return list(pool.generate(self.store.open_requests(0), budget))
        finally:
            pool.stop()

    def rows(self) -> list[dict[str, Any]]:
        return self.store.generated(0).to_pylist()

    def committed(self) -> list[str]:
        """Row ids in all parts, as often as they are there."""
        parts = self.store.parts(0, "generated")
        return sorted(read_parts(self.store.filesystem, parts, ROW_SCHEMA, ["id"])["id"].to_pylist())


def test_rows_are_committed_with_their_lineage(session: None, server: Server, tmp_path: Path) -> None:
    bench = Bench(tmp_path, server.url, extra={"min_p": 0.1, "stop": None})
    parts = bench.run()
    assert bench.committed() == bench.ids
    planned = {each["request_id"]: each for each in bench.plan.to_pylist()}
    assert sorted(body["seed"] for body in server.asked) == sorted(
        int(each["seed"]) for each in map_column(bench.plan, "sampling")
    )
    for body in server.asked:
        assert body["prompt"] in bench.plan["prompt"].to_pylist()
        assert body | {"prompt": "", "seed": 0} == {
            "prompt": "",
            "model": MODEL,
            "n": 2,
            "max_tokens": 5,
            "temperature": 1.0,
            "seed": 0,
            "min_p": 0.1,
        }
    for row in bench.rows():
        request = planned[row["request_id"]]
        assert (row["model"], row["model_hash"], row["engine"]) == (MODEL, f"server:{MODEL}", "d0001-e000-i000")
        assert (row["prompt_tokens"], row["output_tokens"], row["finish_reason"]) == (20, 3, "stop")
        assert (row["label"], row["seed_ids"]) == (request["label"], request["seed_ids"])
        assert row["text"].startswith(f"text {int(dict(request['sampling'])['seed'])} ")
    assert len({row["text"] for row in bench.rows()}) == 12
    assert sum(part.prompt_tokens for part in parts) == 6 * 20
    assert sum(part.cached_tokens for part in parts) == 6 * 8
    assert sum(part.output_tokens for part in parts) == 12 * 3
    assert (server.probes, bench.lost, server.keys[0]) == (1, [23], None)


def test_a_literal_request_is_answered_without_the_server(session: None, server: Server, tmp_path: Path) -> None:
    bench = Bench(tmp_path, server.url, method="mix", form="chat")
    parts = bench.run()
    assert bench.committed() == bench.ids
    assert (server.probes, server.asked) == (1, [])
    planned = {each["request_id"]: each for each in bench.plan.to_pylist()}
    for row in bench.rows():
        request = planned[row["request_id"]]
        assert (row["text"], row["seed_ids"]) == (request["prompt"], request["seed_ids"])
        assert (row["label"], row["intended_label"]) == (request["label"], request["label"])
        assert (row["method"], row["source"], row["model"], row["model_hash"]) == ("mix", "generated", None, None)
        assert (row["finish_reason"], row["prompt_tokens"], row["output_tokens"]) == ("stop", 0, 0)
        assert (row["mean_logprob"], row["sampling"]) == (None, [])
    assert [(part.prompt_tokens, part.output_tokens) for part in parts] == [(0, 0)] * len(parts)


def test_chat_sends_a_message_and_lets_the_server_format_it(session: None, server: Server, tmp_path: Path) -> None:
    bench = Bench(tmp_path, server.url, requests=2, form="chat")
    bench.run()
    assert bench.committed() == bench.ids
    assert set(server.paths) == {"/v1/chat/completions"}
    (message,) = server.asked[0]["messages"]
    assert message["role"] == "user"
    assert message["content"].startswith("Short remarks.\nWrite one new text with the label")
    assert bench.rows()[0]["text"].startswith("text ")


@pytest.mark.parametrize("form", ["completion", "chat"])
def test_json_is_asked_for_and_checked(form: str, session: None, server: Server, tmp_path: Path) -> None:
    server.write = lambda body, index: f'{{"text": "text {body["seed"]}"}}' if index else "Sure! Here it is:"
    bench = Bench(tmp_path, server.url, requests=2, form=form, output="json")
    bench.run()
    asked = server.asked[0]["response_format"]
    assert asked["json_schema"] == {"name": "answer", "strict": True, "schema": SCHEMA}
    assert ("stop" in server.asked[0]) == (form == "completion")
    assert sorted((row["text"][:5], row["finish_reason"]) for row in bench.rows()) == [
        *[("", "malformed")] * 2,
        *[("text ", "stop")] * 2,
    ]


def test_a_server_that_knows_no_response_format(session: None, server: Server, tmp_path: Path) -> None:
    bench = Bench(tmp_path, server.url, requests=2, output="json", extra={"response_format": None})
    bench.run()
    assert "response_format" not in server.asked[0]
    assert {row["finish_reason"] for row in bench.rows()} == {"malformed"}


def test_the_longest_answer_under_its_newer_name(session: None, server: Server, tmp_path: Path) -> None:
    bench = Bench(tmp_path, server.url, requests=2, extra={"max_tokens": None, "max_completion_tokens": 5})
    bench.run()
    assert bench.committed() == bench.ids
    assert [(body["max_completion_tokens"], "max_tokens" in body) for body in server.asked] == [(5, False)] * 2
    assert server.probes == 1


@pytest.mark.parametrize(
    "script",
    [
        [BUSY, BUSY],
        [Reply(429, {}, {"Retry-After": "0.1"}), Reply(503, "come back", {"Retry-After": "0.1"})],
        [BROKEN, Reply(502, "<html>bad gateway</html>"), Reply(504)],
        [RESET, RESET],
        [NONSENSE, Reply(200, {"choices": []}), Reply(200, {"error": {"message": "none"}}), Reply(200, [1])],
        [ONE, ONE, ONE],
        [SURROGATE],
    ],
    ids=["429", "retry-after", "5xx", "reset", "nonsense", "one choice", "half a surrogate pair"],
)
def test_every_row_comes_once(script: list[Any], session: None, server: Server, tmp_path: Path) -> None:
    server.script.extend(script)
    bench = Bench(tmp_path, server.url)
    bench.run()
    assert bench.committed() == bench.ids
    assert bench.log == []
    assert bench.store.aside(0).num_rows == 0
    assert not server.script


def test_a_server_that_draws_one_text_a_time_is_asked_again(session: None, server: Server, tmp_path: Path) -> None:
    server.always = ONE
    bench = Bench(tmp_path, server.url, requests=2)
    parts = bench.run()
    assert bench.committed() == bench.ids
    assert sorted(body["n"] for body in server.asked) == [1, 1, 2, 2]
    assert len({row["text"] for row in bench.rows()}) == 4
    assert {row["prompt_tokens"] for row in bench.rows()} == {40}
    assert sum(part.prompt_tokens + part.output_tokens for part in parts) + 23 == server.charged


def test_hung_requests_are_given_up_and_asked_again(session: None, server: Server, tmp_path: Path) -> None:
    server.script.extend([HANG, HANG])
    bench = Bench(tmp_path, server.url, timeout_seconds=0.5)
    bench.run()
    assert bench.committed() == bench.ids
    prompt = max(len(body["prompt"]) for body in server.asked)
    # nobody knows whether they were charged: they count at their most
    assert 2 * (2 * 5) < sum(bench.lost) - 23 <= 2 * (prompt + 128 + 2 * 5)


def test_without_usage_tokens_are_estimated(session: None, server: Server, tmp_path: Path) -> None:
    server.always = NO_USAGE
    bench = Bench(tmp_path, server.url, requests=2)
    parts = bench.run()
    rows = bench.rows()
    assert {row["prompt_tokens"] for row in rows} == {-(-len(body["prompt"]) // 4) for body in server.asked}
    tokens = sum(part.prompt_tokens + part.output_tokens for part in parts)
    assert sum(part.estimated for part in parts) == tokens > 0


def test_a_refused_request_is_set_aside_and_the_others_are_not(session: None, server: Server, tmp_path: Path) -> None:
    server.script.extend([Reply(400, {"error": {"message": "too long"}}), Reply(422, "what?")])
    bench = Bench(tmp_path, server.url)
    bench.run()
    aside = {each["request_id"]: each["error"] for each in bench.store.aside(0).to_pylist()}
    assert sorted(aside.values()) == ["HTTP 400: too long", "HTTP 422: what?"]
    done = {row["request_id"] for row in bench.rows()}
    assert done.isdisjoint(aside)
    assert len(done) == 4
    assert list(bench.store.open_requests(0)) == []


def test_a_request_that_always_fails_is_set_aside_when_others_do_not(
    session: None, server: Server, tmp_path: Path
) -> None:
    bench = Bench(tmp_path, server.url)
    cursed = int(map_column(bench.plan, "sampling")[0]["seed"])
    server.always = lambda body: BROKEN if body["seed"] == cursed else None
    bench.run()
    (aside,) = bench.store.aside(0).to_pylist()
    assert aside["request_id"] == bench.plan["request_id"][0].as_py()
    assert aside["error"] == "3 tries; last: HTTP 500: out of luck"
    assert len(bench.rows()) == 10
    assert server.probes == 2  # nothing else was left to tell whether the server was up


def test_a_server_that_goes_down_ends_the_run_and_the_next_goes_on(
    session: None, server: Server, tmp_path: Path
) -> None:
    bench = Bench(tmp_path, server.url, concurrency=2)
    server.script.extend([None, None])
    server.always = lambda body: setattr(server, "deaf", BROKEN) or BROKEN
    with pytest.raises(Fault, match=f"^{server.url} does not answer; last: HTTP 500: out of luck$"):
        bench.run()
    assert len(bench.committed()) == 4
    assert bench.store.aside(0).num_rows == 0
    server.always = server.deaf = None
    bench.run()
    assert bench.committed() == bench.ids


def test_a_server_that_is_not_there(session: None, tmp_path: Path) -> None:
    with socket.socket() as taken:
        taken.bind(("127.0.0.1", 0))
        url = f"http://127.0.0.1:{taken.getsockname()[1]}/v1"
        with pytest.raises(Fault, match=f"^{url} does not answer; last: cannot connect: "):
            Bench(tmp_path, url, tries=2).run()


def test_a_pause_that_is_too_long_is_not_waited_for(session: None, server: Server, tmp_path: Path) -> None:
    server.script.append(Reply(429, {"error": "come back tomorrow"}, {"Retry-After": "86400"}))
    with pytest.raises(Fault, match="asks for a pause of 86400 s; HTTP 429: come back tomorrow"):
        Bench(tmp_path, server.url).run()


ECHO = {"error": {"message": f"Incorrect API key provided: {KEY}", "code": "invalid_api_key"}}


@pytest.mark.parametrize(
    ("deaf", "says"),
    [
        (
            Reply(401, ECHO),
            "server.key_env: URL refuses the key in SCRIBE_KEY; HTTP 401: Incorrect API key provided: ***",
        ),
        (Reply(403, "no"), "server.key_env: URL refuses the key in SCRIBE_KEY; HTTP 403: no"),
        (
            Reply(404, {"error": {"message": "The model `scribe` does not exist"}}),
            "server.model: URL has no model 'scribe'; HTTP 404: The model `scribe` does not exist",
        ),
        (
            Reply(400, {"error": {"message": "Unknown field: min_p"}}),
            "server.url: URL refuses to answer; HTTP 400: Unknown field: min_p",
        ),
        (
            Reply(429, {"error": {"message": "check your plan", "code": "insufficient_quota"}}),
            "server.key_env: no credit is left for the key in SCRIBE_KEY; HTTP 429: check your plan",
        ),
        (Reply(302, None, {"Location": "/"}), "server.url: URL redirects, which is not followed; HTTP 302"),
    ],
    ids=["401", "403", "model", "field", "credit", "redirect"],
)
def test_what_the_user_can_mend_is_told_in_one_line(
    deaf: Reply, says: str, session: None, server: Server, key: str, tmp_path: Path
) -> None:
    server.deaf = deaf
    with pytest.raises(UserError) as caught:
        Bench(tmp_path, server.url, key_env=key).run()
    assert str(caught.value) == says.replace("URL", server.url)
    assert (server.asked, server.keys[0]) == ([], f"Bearer {KEY}")


def test_a_key_is_taken_back_mid_run_and_stands_nowhere(
    session: None, server: Server, key: str, tmp_path: Path
) -> None:
    bench = Bench(tmp_path, server.url, key_env=key, concurrency=1)
    server.script.extend([None, None, BROKEN])
    server.always = Reply(401, ECHO)
    with pytest.raises(UserError, match="refuses the key in SCRIBE_KEY"):
        bench.run()
    assert len(bench.committed()) == 4
    bench.store.write_json("run.json", bench.job.run_json())
    files = [path for path in tmp_path.rglob("*") if path.is_file()]
    assert any(path.suffix == ".parquet" for path in files)
    assert [path for path in files if KEY.encode() in path.read_bytes()] == []
    assert KEY not in "".join(bench.log)


def test_busy_replies_slow_the_whole_engine(session: None, server: Server, tmp_path: Path) -> None:
    server.delay = 0.4
    server.script.extend([Reply(429, {}, {"Retry-After": "1.2"})] * 8)
    bench = Bench(tmp_path, server.url, requests=16, concurrency=8)
    bench.run()
    assert bench.committed() == bench.ids
    first, later = server.times[:8], server.times[8:]
    assert later[0] - max(first) >= 0.5  # nobody asked meanwhile
    assert sum(time < later[0] + 0.35 for time in later) <= 4  # and then half as many at once


def test_requests_per_minute(session: None, server: Server, tmp_path: Path) -> None:
    Bench(tmp_path, server.url, requests=6, requests_per_minute=240).run()
    gaps = [after - before for before, after in zip(server.times, server.times[1:], strict=False)]
    assert len(gaps) == 5
    assert sum(gaps) >= 0.8  # five quarters of a second, less what the first was late


@pytest.mark.parametrize("always", [None, ONE, NONSENSE], ids=["answers", "one choice", "nonsense"])
def test_the_cost_budget_is_never_exceeded(always: Any, session: None, server: Server, tmp_path: Path) -> None:
    """Whatever the server charges for, answers that cannot be read too, stays within the budget."""
    server.always = always
    bench = Bench(tmp_path, server.url, requests=24, tries=100)
    prices = PriceSettings(prompt=100.0, output=400.0)
    most = Budget(prices=prices, max_tokens=5).most_cost(next(bench.store.request_refs(0)))
    bench.run(Budget(money=3.5 * most, prices=prices, max_tokens=5))
    asked = len(server.asked)
    spent = prices.of_tokens(20 * (asked + server.probes), server.charged - 20 * (asked + server.probes))
    assert 0 < spent <= 3.5 * most
    assert bench.store.aside(0).num_rows == 0
    assert len(bench.committed()) < 48
    if always is NONSENSE:
        assert bench.committed() == []


def test_shares_sum_to_the_whole() -> None:
    assert shares(10, [1, 1, 2]) == [2, 3, 5]
    assert shares(7, [0, 0]) == [3, 4]
    assert shares(0, [3]) == [0]
    assert sum(shares(101, [5, 17, 3, 29])) == 101
