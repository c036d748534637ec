"""Rows are erased from everywhere, whenever it is killed; what stays is whole, and nothing is asked for again."""

from __future__ import annotations

import contextlib
import json
import shutil
from pathlib import Path

import fastparquet
import pytest

from cluster.audit.lots import current_lot
from cluster.dataset import read_dataset
from cluster.evidence.lineage import find_row
from cluster.evidence.tracing import trace
from cluster.explaining import generate
from cluster.explanations import store_of as explanations_of
from cluster.exporting import export_of_run
from cluster.feed.opening import feed
from cluster.feed.pool import Wish
from cluster.forgetting.calls import call, preview
from cluster.forgetting.forgetting import finish, forget, plan
from cluster.forgetting.learners import take_away
from cluster.forgetting.pending import Forgetting, named_students, pending, refuse_unfinished
from cluster.forgetting.targets import find_targets
from cluster.journal import Journal
from cluster.lease import Lease
from cluster.material import material_of
from cluster.metrics import tokens_of
from cluster.promotion import promote, promoted_round
from cluster.review.transfer import import_file
from cluster.review.writing.bank import ahead_of
from cluster.status import read_status
from cluster.store import Store
from cluster.suggesting import suggest
from generation.errors import UserError
from generation.plan import plan_wave
from generation.records import rows_table
from tests.cluster.audit.cases import make_run as make_audited_run
from tests.cluster.cases import LABELS, RUN_ID, begin_round, make_job
from tests.cluster.forgetting.cases import SECRET, make_run, open_a_lot, person_rewrites, quoting, row
from tests.cluster.test_cli_errors import contents, labelmill
from training.folders import is_whole


@pytest.fixture(scope="module")
def template(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Made once; each test has a copy."""
    root = tmp_path_factory.mktemp("forgetting") / "run"
    root.mkdir()
    make_run(Store(root))
    return root


@pytest.fixture
def made(template: Path, tmp_path: Path) -> Store:
    shutil.copytree(template, tmp_path / "run")
    return Store(tmp_path / "run")


def ids(store: Store) -> set[str]:
    return {id for number in store.rounds() for id in store.rows(number, ["id"])["id"].to_pylist()}


def test_the_secret_stands_in_many_places_before(made: Store) -> None:
    assert [name for name in quoting(made) if "generated" not in name] == [
        *("dataset/v000/_metadata", "dataset/v000/part-00000.parquet", "dataset/v001/_metadata"),
        *("dataset/v001/part-00000.parquet", "driver.log", "explanations/rounds/000/requests/part-w000.parquet"),
        *("index/report.json", "log.jsonl", "report.html", "rounds/000/bias.json", "rounds/000/map.parquet"),
        "rounds/000/metrics.json",
        *("rounds/001/requests/part-w000.parquet", "training/w0/rows.json"),
    ]


def test_nothing_quotes_it_afterwards_and_the_rest_is_as_it_was(made: Store) -> None:
    before = {id for id in ids(made) if id not in ("a", "copy")}
    told = call(made, ["a"], "ann", "by mail", False, False)
    assert quoting(made) == []
    assert ids(made) == before
    assert told.split("\n")[:3] == ["2 rows are forgotten", "  a  asked for", "  copy  has its text"]
    assert "dataset versions: v000, v001" in told
    assert "learnt from it, and stay: rounds/000/student, rounds/001/student; so does what was exported" in told
    for version, rows in {"v000": 7, "v001": 8}.items():
        table, manifest = read_dataset(made, version), made.read_json(f"dataset/{version}/manifest.json")
        assert table.num_rows == manifest["rows"] == sum(manifest["labels"].values()) == rows
        assert fastparquet.ParquetFile(f"{made.root}/dataset/{version}").count() == rows
    assert {each["id"] for number in (0, 1) for each in made.revisions(number).to_pylist()} == before
    assert not (made.root / "training").exists() and not [*made.root.rglob("*.tmp")]
    assert (made.root / "driver.log").read_text() == "fine\n[forgotten]\nfine\n"
    nearest = made.read_json("rounds/000/metrics.json")["seen"]["worst"][0]["nearest"]
    assert nearest == [{"id": "a", "text": "[forgotten]", "label": "pos", "similarity": 0.5}]
    assert (made.root / "report.html").is_file() and pending(made) is None
    assert Journal(made.root, print).events("forgot")[0]["ids"] == ["a", "copy"]


def test_a_tombstone_stays_and_nothing_is_open_again(made: Store) -> None:
    spent = tokens_of(made, Journal(made.root, print), 0)
    call(made, ["a"], "ann", "by mail", False, False)
    stone = {"round": 0, "prompt_tokens": 30, "output_tokens": 5, "who": "ann", "why": "by mail"}
    told = [{name: each[name] for name in (*stone, "id", "request_id", "reason")} for each in made.forgotten()]
    assert told == [
        stone | {"id": "a", "request_id": "q-a", "reason": "asked for"},
        stone | {"id": "copy", "request_id": "q-copy", "reason": "has its text"},
    ]
    assert [each.request_id for each in made.open_requests(0)] == []
    assert [each.request_id for each in made.open_requests(1)] == ["q-free"]
    assert made.aside(1).to_pylist() == [
        {"request_id": "q-open", "samples": 1, "error": "its prompt quoted a row that was forgotten"}
    ]
    assert tokens_of(made, Journal(made.root, print), 0) == spent
    state = read_status(made)
    assert (state.open_requests, state.rows, state.judged) == (1, 9, 9)
    with pytest.raises(UserError, match=r"a was forgotten by ann on 20"):
        find_row(made, "a")
    assert trace(made, "child")["request"]["prompt"] == "[forgotten]"


def test_explanations_of_it_go_too(made: Store) -> None:
    call(made, ["a"], "ann", "by mail", False, False)
    nested = explanations_of(made)
    assert nested.generated(0)["id"].to_pylist() == ["eb"] and nested.revisions(0).num_rows == 0
    prompts = dict(zip(*nested.requests(0, ["request_id", "prompt"]).to_pydict().values(), strict=True))
    assert prompts == {"q-ea": "[forgotten]", "q-eo": "[forgotten]", "q-eb": "Why is bbb pos?"}
    assert [*nested.open_requests(0)] == [] and nested.aside(0)["request_id"].to_pylist() == ["q-eo"]


def test_suggestions_that_quote_it_go_too(made: Store) -> None:
    ahead = ahead_of(made)
    rows = [row("s1", f"As she says: {SECRET}"), row("s2", "fine")]
    ahead.commit(0, "generated", "e0", rows_table(rows), RUN_ID)
    begin_round(ahead, {"pos": 1})
    call(made, ["a"], "ann", "by mail", False, False)
    assert ahead.generated(0)["id"].to_pylist() == ["s2"] and quoting(made) == []
    assert [(each["id"], each["reason"]) for each in ahead.forgotten()] == [("s1", "quotes it")]


def test_what_is_near_or_made_from_it_is_told_and_stays_unless_asked_for(made: Store) -> None:
    new = person_rewrites(made)
    found = find_targets(made, ["a"])
    assert {id: reason for id, (_, reason) in found.kin.items()} == {
        "near": "near duplicate",
        new: "made from it",
        "child": "made from it",
    }
    told = call(made, ["a"], "ann", "by mail", True, False)
    assert f"  {new}  made from it" in told and "  child  made from it" in told
    assert {"a", "copy", new, "child"} & ids(made) == set() and "near" in ids(made)
    assert quoting(made) == []


def test_a_row_that_people_wrote(made: Store) -> None:
    new = person_rewrites(made)
    told = call(made, [new], "ann", "by mail", False, False)
    assert "a  a person made it anew" in told
    assert new not in ids(made) and "a" in ids(made)
    assert made.forgotten()[0]["request_id"] is None


def test_a_row_that_quotes_another_goes_with_it_and_a_short_text_is_no_quote(store: Store) -> None:
    store.write_json("run.json", {"run_id": RUN_ID, "labels": LABELS, "config": {"labels": LABELS}})
    begin_round(store, {"pos": 1})
    rows = [
        row("a", SECRET),
        row("b", f"He said: {SECRET}"),
        row("c", "so bad"),
        row("d", "it is so bad"),
        row("e", "is glad"),
    ]
    store.commit(0, "generated", "e0", rows_table(rows), RUN_ID)
    assert {id: why for id, (_, why) in find_targets(store, ["a"]).going.items()} == {
        "a": "asked for",
        "b": "quotes it",
    }
    assert [*find_targets(store, ["c"]).going] == ["c"]
    # what stands in the task is in every prompt: it is told, and only the row goes
    found = find_targets(store, ["e"])
    assert ([*found.going], found.own, bool(found.quotes)) == (["e"], ("is glad",), False)


def test_on_any_store(any_store: Store) -> None:
    make_audited_run(any_store, rows=6)
    first, second = sorted(read_dataset(any_store)["id"].to_pylist())[:2]
    call(any_store, [first, second], "ann", "by mail", False, False)
    assert {first, second} & ids(any_store) == set() and any_store.revisions(0).num_rows == 4
    assert read_dataset(any_store).num_rows == any_store.read_json("dataset/v000/manifest.json")["rows"] == 4
    assert is_whole(any_store.root / "dataset" / "v000") and pending(any_store) is None
    assert [each["id"] for each in any_store.forgotten()] == [first, second]


def test_a_text_of_the_pool_is_not_asked_about_again(store: Store, tmp_path: Path) -> None:
    texts = [f"where has parcel number {number} gone to?" for number in range(3)]
    (tmp_path / "pool.jsonl").write_text("".join(json.dumps({"text": text}) + "\n" for text in texts))
    job = make_job(tmp_path, generation={"method": "pseudo_label"}, pool="pool.jsonl")
    store.write_json("run.json", job.run_json())
    begin_round(store, {"pos": 1, "neg": 1})
    plan = plan_wave(material_of(job, store, 0), job.method, 0, {"pos": 1})
    store.commit(0, "requests", "w000", plan, job.run_id)
    (asked,) = plan.to_pylist()
    answer = row("a", asked["text"], source="pool", method="pseudo_label", request_id=asked["request_id"])
    store.commit(0, "generated", "e0", rows_table([answer]), job.run_id)
    call(store, ["a"], "ann", "by mail", False, False)
    assert store.requests(0)["text"].to_pylist() == ["[forgotten]"] and quoting(store, asked["text"]) == []
    assert sorted(each.text for each in material_of(job, store, 0).pool) == sorted({*texts} - {asked["text"]})


def test_a_preview_writes_nothing(made: Store) -> None:
    before = contents(Path(made.root))
    told = preview(made, ["a"], "ann", "by mail", False, False)
    assert "2 rows would go" in told and "  child  made from it: 'Call the cobbler'" in told
    assert contents(Path(made.root)) == before


def test_killed_at_some_write_it_is_finished_by_the_next_call(made: Store, tmp_path: Path) -> None:
    """At each sixth of its writes; with a step of 1 it takes longer, and passes as well."""
    open_a_lot(made)
    (made.root / "report.html").unlink()
    told, _ = plan(made, ["a"], "ann", "by mail")
    whole = _copy(made, tmp_path / "whole")
    writes = _interrupted(whole, told, None)
    assert writes > 12 and quoting(whole) == []
    for last in range(1, writes, 6):
        killed = _copy(made, tmp_path / f"killed-{last}")
        assert _interrupted(killed, told, last) == last
        if last > 1:
            with pytest.raises(UserError, match="rows are being forgotten"):
                refuse_unfinished(killed)
            assert "q-a" not in {each.request_id for each in killed.open_requests(0)} or last == 2
        again = Store(killed.root)
        finish(again) if last > 1 else forget(again, told)
        assert quoting(again) == [], last
        assert _state(again) == _state(whole), last
        shutil.rmtree(killed.root)


def test_nothing_is_done_with_a_run_that_is_half_erased(made: Store, tmp_path: Path) -> None:
    open_a_lot(made)
    decided, _ = plan(made, ["a"], "ann", "by mail")
    _interrupted(made, decided, 6)
    with pytest.raises(UserError, match="rows are being forgotten"):
        feed(make_job(tmp_path), Store(made.root), Wish(("pool.csv",)), print)
    told = labelmill(tmp_path, ["review", str(made.root)])
    assert (told.returncode, told.stdout) == (2, "")
    assert told.stderr.endswith(
        ": rows are being forgotten, or were when it was killed; finish: labelmill forget RUN\n"
    )
    with pytest.raises(UserError, match="rows are being forgotten"):
        export_of_run(str(made.root), str(tmp_path / "out"))
    with pytest.raises(UserError, match="rows are being forgotten"):
        import_file(made, tmp_path / "none.jsonl", "ann")
    with pytest.raises(UserError, match="rows are being forgotten"):
        suggest(make_job(tmp_path), made, 2)
    with pytest.raises(UserError, match="rows are being forgotten"):
        generate(make_job(tmp_path), made, 2, (), print)


def test_the_same_call_again_finishes_what_was_begun(made: Store) -> None:
    decided, _ = plan(made, ["a"], "ann", "by mail")
    _interrupted(made, decided, 6)
    made.fence = lambda: None
    assert call(made, ["a"], "ann", "by mail", False, False).startswith("2 rows are forgotten")
    with pytest.raises(UserError, match="forget needs an ID; nothing was begun"):
        call(made, [], "ann", "", False, False)
    with pytest.raises(UserError, match="a was forgotten"):
        call(made, ["a"], "ann", "", False, False)


def test_a_row_of_an_open_lot_is_replaced(made: Store) -> None:
    open_a_lot(made)
    before = current_lot(made)
    assert before is not None
    call(made, ["a"], "ann", "by mail", False, False)
    after = current_lot(made)
    assert after is not None and "a" not in {each.id for each in after.sample}
    left = {id for id in read_dataset(made, before.version)["id"].to_pylist()}
    assert {each.id for each in after.sample} <= left
    assert len(after.sample) == min(len(before.sample), len(left))


def test_a_new_student_is_trained_where_that_is_asked_for(made: Store) -> None:
    made.write_json("rounds/001/metrics.json", {"round": 1, "stop_reason": "quota_met"})
    made.write_json("rounds/001/held_out.json", {})
    promote(made, 1)
    told = call(made, ["a"], "ann", "by mail", False, True)
    assert "rounds/001/student is taken away: `labelmill run TASK` trains another" in told
    assert not (made.root / "rounds/001/student").exists() and not (made.root / "rounds/001/metrics.json").exists()
    assert (made.root / "rounds/000/student").is_dir()
    assert promoted_round(made) == 0 and not (made.root / "rounds/001/held_out.json").exists()
    assert named_students(made) == {"rounds/000/student": 2}


def test_later_it_can_be_asked_for_alone(made: Store) -> None:
    call(made, ["a"], "ann", "by mail", False, False)
    assert call(made, [], "ann", "", False, True).startswith("rounds/001/student is taken away")
    with pytest.raises(UserError, match="has no student that learnt from rows forgotten since"):
        call(made, [], "ann", "", False, True)


@pytest.mark.parametrize(("failed", "stands"), [([], 1), ([1], 0), ([0, 1], 1)])
def test_a_student_whose_lot_failed_takes_no_other_s_place(made: Store, failed: list[int], stands: int) -> None:
    begin_round(made, {"pos": 9}, 2)
    made.folder(2, "student").mkdir()
    promote(made, 2)
    for number, round_ in enumerate(failed):
        made.write_json(f"audit/lot-{number:03d}/lot.json", {"round": round_})
        made.write_json(f"audit/lot-{number:03d}/decision.json", {"round": round_, "state": "failed"})
    take_away(made, "rounds/002/student")
    assert promoted_round(made) == stands


def test_a_run_without_rounds_has_no_student_to_take_away(store: Store) -> None:
    store.write_json("run.json", {"run_id": RUN_ID})
    with pytest.raises(UserError, match="has no student that learnt from rows forgotten since"):
        call(store, [], "ann", "", False, True)


def test_a_reason_that_quotes_the_row_is_refused(made: Store) -> None:
    with pytest.raises(UserError, match="--why: must not quote"):
        plan(made, ["a"], "ann", f"it says {SECRET}")


def test_while_a_driver_holds_the_run_it_is_refused(made: Store) -> None:
    with Lease(Path(made.root)), pytest.raises(UserError, match="another driver holds this run"):
        call(made, ["a"], "ann", "by mail", False, False)
    assert pending(made) is None and "a" in ids(made)


def test_the_command(made: Store, tmp_path: Path) -> None:
    done = labelmill(tmp_path, ["forget", "run", "copy", "--by", "ann"])
    assert done.stdout.startswith("2 rows are forgotten\n  copy  asked for\n  a  has its text\n"), done.stderr
    assert json.loads((tmp_path / "run/forgotten.json").read_text())["calls"][0]["why"] == "not told"


def _copy(store: Store, folder: Path) -> Store:
    shutil.copytree(Path(store.root), folder)
    return Store(folder)


def _interrupted(store: Store, told: Forgetting, last: int | None) -> int:
    """Erase, and die before the write number `last`; returns how many writes there were, that one included."""
    writes = 0

    class Killed(BaseException):
        pass

    def fence() -> None:
        nonlocal writes
        writes += 1
        if writes == last:
            raise Killed

    store.fence = fence
    with contextlib.suppress(Killed):
        forget(store, told)
    return writes


def _state(store: Store) -> dict[str, object]:
    """What a run holds, but for times."""
    rows = {number: sorted(each["id"] for each in store.rows(number).to_pylist()) for number in store.rounds()}
    open_ = {number: [each.request_id for each in store.open_requests(number)] for number in store.rounds()}
    prompts = {number: store.requests(number, ["prompt"])["prompt"].to_pylist() for number in store.rounds()}
    held = {version: sorted(read_dataset(store, version)["id"].to_pylist()) for version in ("v000", "v001")}
    lot = current_lot(store)
    files = sorted(str(path.relative_to(store.root)) for path in Path(store.root).rglob("*") if path.is_file())
    gone = [{**each, "at": None} for each in store.forgotten()]
    return {"rows": rows, "open": open_, "prompts": prompts, "held": held, "lot": lot, "files": files, "gone": gone}
