"""Which changes make another run, and what is refused before anything starts."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest

from cluster.job import check_identity, example_prompts, prepare
from cluster.spec import plan_engines
from generation.errors import UserError
from generation.methods.prompted import COMPLETION
from generation.plan import plan_wave
from generation.records import SCHEMA_VERSION
from tests.cluster.cases import LABELS, SEEDS, make_job, write_task


def changed(folder: Path, **changes: Any) -> list[str]:
    """Fields of the identity that a change of the task changes."""
    (folder / "mine.j2").write_text("{{ label.name }}")
    (folder / "pool.jsonl").write_text('{"text": "x"}\n')
    (folder / "test.jsonl").write_text('{"text": "x", "label": "pos"}\n')
    before, after = make_job(folder), make_job(folder, **changes)
    differ = [name for name in after.identity if before.identity.get(name) != after.identity[name]]
    assert bool(differ) == (before.run_id != after.run_id)
    return differ


@pytest.mark.parametrize(
    "same",
    [
        {},
        {"test": "test.jsonl"},
        {"pool": "pool.jsonl"},
        {"quota": 99, "rounds": 3, "token_budget": 10},
        {"runtime": {"max_num_seqs": 3, "max_model_len": 512, "engines": 2}},
        {"generation": {"temperature": 1}},
    ],
)
def test_what_may_change_in_a_run(tmp_path: Path, same: dict[str, Any]) -> None:
    assert changed(tmp_path, **same) == []


def test_neither_the_order_of_seeds_nor_their_file_matters(tmp_path: Path) -> None:
    before = make_job(tmp_path).run_id
    path = write_task(tmp_path, SEEDS[::-1])
    (tmp_path / "seeds.jsonl").rename(tmp_path / "others.jsonl")
    assert prepare(path, ["seeds=others.jsonl"]).run_id == before


@pytest.mark.parametrize(
    ("change", "fields"),
    [
        ({"name": "other"}, ["name"]),
        ({"description": "Other remarks."}, ["description"]),
        ({"labels": [LABELS[0], {"name": "neg", "description": "is sad"}]}, ["labels.neg.description"]),
        ({"labels": [LABELS[0] | {"rules": ["r"]}, LABELS[1]]}, ["labels.pos.rules"]),
        ({"labels": LABELS[::-1]}, ["labels"]),
        ({"generation": {"form": "chat"}}, ["generation.form", "generation.template"]),
        ({"generation": {"template": "mine.j2"}}, ["generation.template"]),
        ({"generation": {"temperature": 0.5}}, ["generation.temperature"]),
        ({"generation": {"augment": "mix"}}, ["generation.augment"]),
        ({"attributes": [{"name": "tone", "values": ["dry"]}]}, ["attributes"]),
        ({"personas": ["a child"]}, ["personas"]),
        ({"denoise": {"relabel": 0.8}}, ["denoise.relabel"]),
        ({"student": {"model": "model", "steps": 7}}, ["student.steps"]),
    ],
)
def test_what_makes_another_run(tmp_path: Path, change: dict[str, Any], fields: list[str]) -> None:
    assert changed(tmp_path, **change) == fields


@pytest.mark.parametrize("last", [None, SEEDS[3] | {"text": "I do not like that"}, SEEDS[3] | {"label": "pos"}])
def test_the_content_of_seeds_makes_another_run(tmp_path: Path, last: dict[str, str] | None) -> None:
    before = make_job(tmp_path).identity
    after = prepare(write_task(tmp_path, [*SEEDS[:3], *([last] if last else [])])).identity
    assert [name for name in after if before[name] != after[name]] == ["seeds"]


def test_the_content_of_models_makes_another_run_and_their_place_does_not(tmp_path: Path) -> None:
    before = make_job(tmp_path).identity
    (tmp_path / "model").rename(tmp_path / "moved")
    assert make_job(tmp_path, model="moved", student={"model": "moved"}).identity == before
    (tmp_path / "moved" / "model.safetensors").write_bytes(b"others")
    after = make_job(tmp_path, model="moved", student={"model": "moved"}).identity
    assert [name for name in after if before[name] != after[name]] == ["model", "student.model"]


def test_a_template_is_known_by_its_content(tmp_path: Path) -> None:
    (tmp_path / "same.j2").write_text(COMPLETION)
    assert changed(tmp_path, generation={"template": "same.j2"}) == []
    job = make_job(tmp_path, generation={"template": "same.j2"})
    assert (job.template, make_job(tmp_path).template) == (str(tmp_path / "same.j2"), None)


def test_a_changed_run_is_refused_by_name(tmp_path: Path) -> None:
    run = json.loads(json.dumps(make_job(tmp_path).run_json()))
    check_identity(make_job(tmp_path, quota=50), run, tmp_path / "run")
    other = make_job(tmp_path, ["generation.temperature=0.5", "generation.min_p=0.2"])
    with pytest.raises(UserError) as caught:
        check_identity(other, run, tmp_path / "run")
    assert str(caught.value) == (
        f"{tmp_path}/task.yaml: generation.min_p: was 0.05, now 0.2; {tmp_path}/run keeps its own: "
        "start another run with --run FOLDER"
    )


def test_a_run_of_another_schema_is_refused(tmp_path: Path) -> None:
    job = make_job(tmp_path)
    with pytest.raises(UserError) as caught:
        check_identity(job, {"identity": job.identity}, tmp_path / "run")
    assert str(caught.value) == (
        f"{tmp_path}/run: run.json: schema: must be {SCHEMA_VERSION}, was 1: another version of labelmill began it; "
        "start another run with --run FOLDER"
    )


def test_run_json(tmp_path: Path) -> None:
    job = make_job(tmp_path)
    run = job.run_json()
    assert (run["run_id"], run["name"], run["identity"]) == (job.run_id, "mood", job.identity)
    assert run["model"] == {"name": "model", "hash": job.model_hash}
    assert [label["name"] for label in run["labels"]] == ["pos", "neg"]
    assert run["config"]["quota"] == 30
    assert {"python", "ray", "pyarrow"} <= set(run["versions"])
    assert json.loads(json.dumps(run)) == run


def test_seeds_are_held_out_for_early_stopping(tmp_path: Path) -> None:
    job = make_job(tmp_path, student={"model": "model", "dev_per_label": 1})
    assert (len(job.task.seeds), len(job.task.dev), len(job.seeds)) == (2, 2, 4)
    assert [dev.label for dev in job.task.dev] == ["pos", "neg"]


def test_example_prompts(tmp_path: Path) -> None:
    prompts = example_prompts(make_job(tmp_path, generation={"exemplars": 0}))
    assert prompts == {"pos": "Short remarks.\npos: is glad\n\n1.", "neg": "Short remarks.\nneg: is not\n\n1."}


def message(folder: Path, seeds: list[dict[str, str]] = SEEDS, **changes: Any) -> str:
    path = write_task(folder, seeds, **changes)
    with pytest.raises(UserError) as caught:
        prepare(path)
    return str(caught.value).removeprefix(f"{folder}/")


SHORT = {"max_model_len": 106}  # 10 tokens beside an answer of 96


def test_a_seed_beyond_the_context(tmp_path: Path) -> None:
    seeds = [*SEEDS, {"text": "w " * 11, "label": "neg"}]
    assert message(tmp_path, seeds, runtime=SHORT) == (
        "seeds.jsonl line 5: text has 11 tokens; the context has room for 10 "
        "(runtime.max_model_len 106 less generation.max_tokens)"
    )


def test_a_prompt_beyond_the_context(tmp_path: Path) -> None:
    assert message(tmp_path, runtime=SHORT) == (
        "task.yaml: generation.exemplars: a prompt for 'pos' has 26 tokens; the context has room for 10 "
        "(runtime.max_model_len 106 less generation.max_tokens)"
    )


def test_what_a_later_prompt_can_hold_must_fit_too(tmp_path: Path) -> None:
    wordy = [{"name": "tone", "values": ["dry", "as dry as a desert"]}]
    for changes, tokens in (({"attributes": wordy}, 26 + 6), ({"generation": {"sparse": 0.1}}, 26 + 96)):
        expected = f"task.yaml: generation.exemplars: a prompt for 'pos' has {tokens} tokens; "
        assert message(tmp_path, runtime=SHORT, **changes).startswith(expected)


def test_a_mixture_learns_attributes_that_seeds_tell_of(tmp_path: Path) -> None:
    assert message(tmp_path, generation={"method": "mixture"}, personas=["a child", "a judge"]) == (
        "task.yaml: attributes: 'mixture' learns a prompt of each value from seeds; 'persona=a child' has none: give "
        "seeds a column 'persona'"
    )


def test_a_context_beyond_the_models(tmp_path: Path) -> None:
    assert message(tmp_path, runtime={"max_model_len": 4097}) == (
        "task.yaml: runtime.max_model_len: must be at most 4096, the model's own context; got 4097"
    )


def test_a_model_without_a_tokenizer(tmp_path: Path) -> None:
    write_task(tmp_path)
    (tmp_path / "model" / "tokenizer.json").unlink()
    assert message(tmp_path).startswith(f"model: {tmp_path}/model/tokenizer.json must be a tokenizer; ")


def test_a_method_that_needs_seeds_of_every_label(tmp_path: Path) -> None:
    labels = [*LABELS, {"name": "odd", "description": "is neither"}]
    for method in ("wanli", "paraphrase", "eda", "mix"):
        assert message(tmp_path, labels=labels, generation={"method": method}) == (
            f"task.yaml: generation.method: {method!r} needs seeds of every label; 'odd' has none"
        )
    # one that only helps out is never asked for such a label
    make_job(tmp_path, labels=labels, generation={"augment": "paraphrase"})


def test_a_template_for_a_method_without_prompts(tmp_path: Path) -> None:
    (tmp_path / "mine.j2").write_text("{{ label.name }}")
    assert message(tmp_path, generation={"method": "eda", "template": "mine.j2"}) == (
        "task.yaml: generation.template: must be left out: 'eda' has no prompt"
    )


def test_prompts_of_every_method_must_fit(tmp_path: Path) -> None:
    room = {"max_model_len": 120}  # 24 tokens beside an answer: enough for the seeds, not for a paraphrase's prompt
    expected = (
        "task.yaml: generation.exemplars: a prompt for 'pos' has 31 tokens; the context has room for 24 "
        "(runtime.max_model_len 120 less generation.max_tokens)"
    )
    alone = {"borrow_below": 0}
    assert message(tmp_path, generation={"method": "paraphrase"}, runtime=room) == expected
    assert message(tmp_path, generation={"augment": "paraphrase"} | alone, runtime=room) == expected
    make_job(tmp_path, generation={"augment": "mix"} | alone, runtime=room)
    assert "has 26 tokens" in message(tmp_path, generation={"augment": "mix"}, runtime=room)


def test_a_method_for_the_pool(tmp_path: Path) -> None:
    (tmp_path / "pool.jsonl").write_text('{"text": "it is so so"}\n{"text": "I like that a lot"}\n')
    labelling = {"method": "pseudo_label", "exemplars": 2}
    job = make_job(tmp_path, generation=labelling, pool="pool.jsonl")
    assert (
        [row.text for row in job.pool]
        == ["it is so so", "I like that a lot"]
        == [row.text for row in job.material().pool]
    )
    assert make_job(tmp_path, pool="pool.jsonl").pool == ()
    assert message(tmp_path, generation=labelling) == (
        "task.yaml: pool: must be a file of texts: generation.method 'pseudo_label' labels them"
    )
    assert message(tmp_path, generation=labelling, pool="pool.jsonl", server=SERVER) == (
        "task.yaml: generation.method: 'pseudo_label' needs an LM that engines load; a server (server.url) "
        "cannot be held to the labels"
    )


def test_the_methods_of_a_job(tmp_path: Path) -> None:
    (tmp_path / "mine.j2").write_text("{{ label.name }}")
    job = make_job(tmp_path, generation={"augment": "paraphrase", "template": "mine.j2"})
    assert [method.name for method in job.methods] == ["prompted", "paraphrase"]
    assert job.augmenter is not None
    assert job.augmenter.source == job.augmenter.templates["completion"]
    assert job.needs == {"kept"}
    plain = make_job(tmp_path)
    assert (plain.augmenter, plain.methods, plain.needs) == (None, (plain.method,), frozenset())
    assert make_job(tmp_path, generation={"method": "wanli", "augment": "eda"}).needs == {
        *("variability", "neighbours", "kept", "synonyms"),
    }


def test_example_prompts_of_a_literal_method(tmp_path: Path) -> None:
    prompts = example_prompts(make_job(tmp_path, rows=SEEDS[:3], generation={"method": "mix"}))
    assert prompts["neg"] == ""  # of one seed there is no pair
    assert prompts["pos"] in ("what a like it", "what a it", "I like good day", "I good day")


SERVER = {"url": "http://127.0.0.1:1/v1", "model": "scribe"}


def test_a_server_needs_no_model_folder(tmp_path: Path) -> None:
    job = make_job(tmp_path, model="nowhere", server=SERVER)
    assert (job.model_folder, job.model_hash) == (None, "server:scribe")
    assert (job.identity["model"], job.identity["server.extra"]) == ("server:scribe", "{}")
    assert job.run_json()["model"] == {"name": "scribe", "hash": "server:scribe"}


def test_what_of_a_server_is_identity(tmp_path: Path) -> None:
    before = make_job(tmp_path, server=SERVER)
    moved = {"url": "http://127.0.0.1:2/v1", "key_env": "ANY", "concurrency": 3, "tries": 2}
    assert make_job(tmp_path, server=SERVER | moved, prices={"prompt": 3}, cost_budget=1.5).identity == before.identity
    other = make_job(tmp_path, server=SERVER | {"model": "another"}).identity
    assert {name for name in other if other[name] != before.identity[name]} == {"model"}
    sampled = make_job(tmp_path, server=SERVER | {"extra": {"min_p": 0.2}})
    assert {name for name in other if sampled.identity[name] != before.identity[name]} == {
        "generation.min_p",
        "server.extra",
    }
    # what is not sent does not stand in the rows either
    assert (before.generation.min_p, sampled.generation.min_p) == (0.0, 0.2)
    without = make_job(tmp_path, generation={"min_p": 0.9}, server=SERVER)
    assert without.identity == before.identity


def test_a_server_is_asked_in_messages_and_without_padding(tmp_path: Path) -> None:
    generation = {"form": "chat", "samples": 3, "max_tokens": 10, "exemplars": 0}
    job = make_job(tmp_path, server=SERVER, generation=generation)
    prompt = example_prompts(job)["pos"]
    assert prompt.startswith("Short remarks.\nWrite one new text")
    plan = plan_wave(job.material(), job.method, 0, {"pos": 9})
    assert set(plan["prompt"].to_pylist()) == {prompt}
    # no token is shorter than a byte, and the prompt may have to be sent for each text
    assert set(plan["most_tokens"].to_pylist()) == {3 * (len(prompt.encode()) + 128) + 3 * 10}
    assert set(plan["padding"].to_pylist()) == {0}


def test_a_key_that_is_not_there(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    job = make_job(tmp_path, server=SERVER | {"key_env": "SCRIBE_KEY"})
    for held, problem in [
        ("", "the environment variable SCRIBE_KEY must hold the key; it is empty"),
        ("two words", "the key in SCRIBE_KEY must be one word of ASCII characters; it is not"),
    ]:
        monkeypatch.setenv("SCRIBE_KEY", held)
        with pytest.raises(UserError) as caught:
            plan_engines(job, 0)
        assert str(caught.value) == f"server.key_env: {problem}"


def test_a_server_is_told_the_longest_answer(tmp_path: Path) -> None:
    newer = {"max_tokens": None, "max_completion_tokens": 96}
    assert make_job(tmp_path, server=SERVER | {"extra": newer}).generation.max_tokens == 96
    for extra in ({"max_tokens": None}, newer | {"max_completion_tokens": 500}):
        with pytest.raises(UserError) as caught:
            make_job(tmp_path, server=SERVER | {"extra": extra})
        got = extra.get("max_completion_tokens")
        rule = f"max_completion_tokens: must be generation.max_tokens, 96; got {got}"
        assert str(caught.value) == f"{tmp_path / 'task.yaml'}: server.extra: {rule}"


def test_personal_data_is_out_before_anything_reads_it(tmp_path: Path) -> None:
    rows = [*SEEDS, {"text": "write to ann@shop.example", "label": "pos"}]
    (tmp_path / "pool.jsonl").write_text('{"text": "call 415-555-2671"}\n')
    counter = {"text": "not ann@shop.example", "label": "pos"}
    labels = [LABELS[0], LABELS[1] | {"counter_examples": [counter]}]
    changes: dict[str, Any] = {"pool": "pool.jsonl", "generation": {"method": "pseudo_label"}, "labels": labels}
    raw = prepare(write_task(tmp_path, rows, **changes))
    clean = prepare(write_task(tmp_path, rows, denoise={"redact": True}, **changes))
    assert [seed.text for seed in clean.seeds if "<" in seed.text] == ["write to <email>"]
    assert sorted(seed.id for seed in clean.shown.seeds) == sorted(seed.id for seed in raw.shown.seeds)
    assert [row.text for row in clean.pool] == ["call <phone>"]
    assert clean.task.label("neg").counter_examples[0].text == "not <email>"
    path = tmp_path / "task.yaml"
    told = [f"{path}: personal data was taken out of {what}" for what in ("seeds", "pool", "counter-examples")]
    assert clean.warnings == (f"{told[0]}: 1 email", f"{told[1]}: 1 phone", f"{told[2]}: 1 email")
    assert raw.warnings == ()
    assert clean.run_id != raw.run_id
    assert not any("ann@" in prompt for prompt in example_prompts(clean).values())
