"""task.yaml: what loads, and the one line that each mistake gets."""

from __future__ import annotations

from importlib.util import find_spec
from pathlib import Path

import pytest

from cluster.config import EXTENDABLE, IDENTITY, RUNTIME, TaskConfig, load_config
from generation.errors import UserError

GOOD = """name: a
description: d
labels:
- {name: pos, description: p}
- {name: neg, description: n}
seeds: s.jsonl
"""


def load(folder: Path, text: str | bytes, overrides: list[str] | None = None) -> TaskConfig:
    path = folder / "task.yaml"
    path.write_bytes(text if isinstance(text, bytes) else text.encode())
    return load_config(path, overrides)


def message(folder: Path, text: str | bytes, overrides: list[str] | None = None) -> str:
    """What the user is told, without the folder."""
    with pytest.raises(UserError) as caught:
        load(folder, text, overrides)
    assert "\n" not in str(caught.value)
    return str(caught.value).removeprefix(f"{folder}/")


def test_a_short_task_gets_the_defaults(tmp_path: Path) -> None:
    config = load(tmp_path, "\ufeff" + GOOD.replace("\n", "\r\n"))
    assert (config.name, [label.name for label in config.labels], config.seeds) == ("a", ["pos", "neg"], "s.jsonl")
    assert (config.quota, config.rounds, config.pool, config.token_budget) == (30, 1, None, None)
    assert config.student.learning_rate == 3e-4


def test_numbers_without_a_point_are_read(tmp_path: Path) -> None:
    """PyYAML takes 5e-5 for a string."""
    assert load(tmp_path, GOOD + "student: {learning_rate: 2e-5}\n").student.learning_rate == 2e-5


@pytest.mark.parametrize(("workers", "limits"), [("2", (2, 2)), ("[1, 4]", (1, 4)), ("[3, 3]", (3, 3))])
def test_workers_are_a_number_or_two(workers: str, limits: tuple[int, int], tmp_path: Path) -> None:
    runtime = load(tmp_path, GOOD, [f"runtime.workers={workers}"]).runtime
    assert (runtime.least_workers, runtime.most_workers) == limits


@pytest.mark.skipif(find_spec("mlflow") is not None, reason="mlflow is installed")
def test_mlflow_must_be_there(tmp_path: Path) -> None:
    told = message(tmp_path, GOOD, ["runtime.mlflow=runs"])
    assert told == "task.yaml: runtime.mlflow: needs the package mlflow-skinny: pip install 'labelmill[mlflow]'"


@pytest.mark.parametrize("workers", ["0", "[0, 2]", "[4, 1]", "[1]", "[1, 2, 3]", "1.5", "true", "many"])
def test_other_workers_are_refused(workers: str, tmp_path: Path) -> None:
    told = message(tmp_path, GOOD, [f"runtime.workers={workers}"])
    assert told.startswith(
        "task.yaml: runtime.workers: must be a number of at least 1, or two of them, [least, most]; got"
    )


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("", "task.yaml: must be a mapping of settings; got None"),
        ("- a\n", "task.yaml: must be a mapping of settings; got ['a']"),
        (GOOD.encode() + b"pool: \xff\n", "task.yaml: must be UTF-8; byte 112 is not"),
        (GOOD + "\tx: 1\n", "task.yaml line 7: not valid YAML: found character '\\t' that cannot start any token"),
        (GOOD + "pool: \x01\n", "task.yaml line 7: not valid YAML: character U+0001 is not allowed"),
        (GOOD + "quota: 2024-99-99\n", "task.yaml: not valid YAML: month must be in 1..12"),
        (GOOD + "quota: 3\nquota: 4\n", "task.yaml line 8: not valid YAML: 'quota' is given twice"),
        ("[" * 2000, "task.yaml: not valid YAML: nested too deeply"),
        (GOOD.replace("seeds: s.jsonl\n", ""), "task.yaml: seeds: is required"),
        (GOOD.replace(", description: p", ""), "task.yaml: labels.0.description: is required"),
        (
            GOOD.replace("name: a", "name: a b"),
            "task.yaml: name: must match pattern '^[A-Za-z0-9][A-Za-z0-9_.-]*$'; got 'a b'",
        ),
        (
            GOOD.replace("description: d", "description: ' '"),
            "task.yaml: description: must have at least 1 character; got ' '",
        ),
        (GOOD.replace("- {name: neg, description: n}\n", ""), "task.yaml: labels: must have at least 2; got 1"),
        (GOOD.replace("name: neg", "name: pos"), "task.yaml: labels: label names must be unique; got 'pos' twice"),
        (GOOD.replace("name: neg", "name: no"), "task.yaml: labels.1.name: must be a valid string; got False"),
        (GOOD.replace("- {name: neg, description: n}", "- neg"), "task.yaml: labels.1: must be a mapping; got 'neg'"),
        (
            GOOD.replace("description: n", "description: n, counter_examples: [{text: t, label: x}]"),
            "task.yaml: labels: counter-example of 'neg' names an unknown label 'x'",
        ),
        (GOOD + "quota: 0\n", "task.yaml: quota: must be greater than or equal to 1; got 0"),
        (
            GOOD + "quota: many\n",
            "task.yaml: quota: must be a valid integer, unable to parse string as an integer; got 'many'",
        ),
        (GOOD + "quota: 2.5\n", "task.yaml: quota: must be a whole number; got 2.5"),
        (GOOD + "generation:\n", "task.yaml: generation: must be a mapping; got None"),
        (
            GOOD + "generation: {method: promted}\n",
            "task.yaml: generation: unknown method 'promted'; did you mean 'prompted'?",
        ),
        (
            GOOD + "generation: {form: chot}\n",
            "task.yaml: generation.form: must be 'completion' or 'chat'; got 'chot'",
        ),
        (
            GOOD + "generation: {temperature: .nan}\n",
            "task.yaml: generation.temperature: must be less than or equal to 3; got nan",
        ),
        (
            GOOD + "generation: {adapters: {pos: a, nag: b, '*': c}}\n",
            "task.yaml: task: generation.adapters names an unknown label 'nag'",
        ),
        (
            GOOD + "runtime: {max_lora_rank: 24}\n",
            "task.yaml: runtime.max_lora_rank: must be 1, 8, 16, 32, 64, 128, 256, 320 or 512; got 24",
        ),
        (GOOD + "runtime: {max_loras: 0}\n", "task.yaml: runtime.max_loras: must be greater than or equal to 1; got 0"),
        (
            GOOD + "runtime: {tensor_parallel: 2, gpus_per_engine: 0.5}\n",
            "task.yaml: runtime: gpus_per_engine must be left at 1 where an engine spans 2 GPUs; got 0.5",
        ),
        (
            GOOD + "runtime: {tensor_parallel: 4, nodes_per_engine: 3}\n",
            "task.yaml: runtime: nodes_per_engine must divide tensor_parallel x pipeline_parallel, 4; got 3",
        ),
        (
            GOOD + "runtime: {engines: 3, max_engines: 2}\n",
            "task.yaml: runtime: max_engines must be at least engines, 3; got 2",
        ),
        (
            GOOD + "generation: {penalty: 0.9}\n",
            "task.yaml: generation.penalty: must be greater than or equal to 1; got 0.9",
        ),
        (
            GOOD + "attributes: [{name: tone, values: [a, b]}, {name: tone, values: [c]}]\n",
            "task.yaml: attributes: attribute names must be unique; got 'tone' twice",
        ),
        (
            GOOD + "attributes: [{name: persona, values: [a, b]}]\n",
            "task.yaml: attributes: 'persona' is what `personas` are called; list them there, or take another name",
        ),
        (
            GOOD + "attributes: [{name: tone, values: [a, b], phrase: tonal}]\n",
            "task.yaml: attributes.0: phrase must hold {value}; got 'tonal'",
        ),
        (GOOD + "attributes: [{name: tone}]\n", "task.yaml: attributes.0.values: is required"),
        (
            GOOD + "attributes: [{name: tone, values: [a], prase: '{value}'}]\n",
            "task.yaml: attributes.0.prase: unknown setting; did you mean 'phrase'?",
        ),
        (GOOD + "personas: [a child, a  child]\n", "task.yaml: personas: personas must differ; got 'a child' twice"),
        (
            GOOD + "generation: {sparse: 0.6}\n",
            "task.yaml: generation.sparse: must be less than or equal to 0.5; got 0.6",
        ),
        (GOOD + "denoise: {accept: 2}\n", "task.yaml: denoise.accept: must be less than or equal to 1; got 2"),
    ],
)
def test_mistakes(tmp_path: Path, text: str | bytes, expected: str) -> None:
    assert message(tmp_path, text) == expected


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        (GOOD + "quotas: 3\n", "quotas: unknown setting; did you mean 'quota'?"),
        (
            GOOD + "student: {learning-rate: 1}\n",
            "student.learning-rate: unknown setting; did you mean 'learning_rate'?",
        ),
        (GOOD + "runtime: {engine: 1}\n", "runtime.engine: unknown setting; did you mean 'engines'?"),
        (GOOD.replace("name: pos,", "name: pos, rule: [x],"), "labels.0.rule: unknown setting; did you mean 'rules'?"),
        (
            GOOD.replace("description: n", "description: n, counter_examples: [{text: t, label: pos, lable: pos}]"),
            "labels.1.counter_examples.0.lable: unknown setting; did you mean 'label'?",
        ),
        (
            GOOD.replace("description: n", "description: n, xyz: 1"),
            "labels.1.xyz: unknown setting; known are name, description, rules, counter_examples",
        ),
    ],
)
def test_a_misspelt_setting_gets_the_nearest_name(tmp_path: Path, text: str, expected: str) -> None:
    assert message(tmp_path, text) == f"task.yaml: {expected}"


def test_files_that_cannot_be_read(tmp_path: Path) -> None:
    for path, expected in ((tmp_path / "none.yaml", "no such file"), (tmp_path, "cannot be read (Is a directory)")):
        with pytest.raises(UserError) as caught:
            load_config(path)
        assert str(caught.value) == f"{path}: {expected}"


def test_overrides(tmp_path: Path) -> None:
    overrides = ["quota=7", "generation.samples=3", "runtime.address=auto", "pool=null", "generation.samples=2"]
    config = load(tmp_path, GOOD + "pool: p.csv\ngeneration: {samples: 5, min_p: 0.5}\n", overrides)
    assert (config.quota, config.runtime.address, config.pool) == (7, "auto", None)
    assert (config.generation.samples, config.generation.min_p) == (2, 0.5)


@pytest.mark.parametrize(
    ("override", "expected"),
    [
        ("quota", "--set: must have the form a.b=value; got 'quota'"),
        ("=3", "--set: must have the form a.b=value; got '=3'"),
        ("quota=[", "--set quota: not a YAML value: '['"),
        ("quota=2024-99-99", "--set quota: not a YAML value: '2024-99-99'"),
        ("name.x=3", "--set name.x: 'name' is not a group of settings"),
        ("labels.0.name=x", "--set labels.0.name: 'labels' is not a group of settings"),
        ("quota=0", "task.yaml: quota: must be greater than or equal to 1; got 0"),
        ("generation.sample=3", "task.yaml: generation.sample: unknown setting; did you mean 'samples'?"),
        ("generatoin.samples=3", "task.yaml: generatoin: unknown setting; did you mean 'generation'?"),
    ],
)
def test_override_mistakes(tmp_path: Path, override: str, expected: str) -> None:
    assert message(tmp_path, GOOD, [override]) == expected


SERVER = GOOD + "server: {url: 'http://127.0.0.1:8000/v1/', model: m"


def test_a_server(tmp_path: Path) -> None:
    config = load(tmp_path, SERVER + ", extra: {min_p: 0.1, n: null}}\nruntime: {engines: 4}\n")
    assert (config.server.url, config.server.model, config.server.key_env) == ("http://127.0.0.1:8000/v1", "m", None)
    assert config.server.extra == {"min_p": 0.1, "n": None}
    assert (config.engines, load(tmp_path, GOOD + "runtime: {engines: 4}\n").engines) == (1, 4)


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        (
            GOOD + "server: {url: 'localhost:8000'}\n",
            "server.url: must begin with http:// or https:// and a host; got 'localhost:8000'",
        ),
        (
            GOOD + "server: {url: 'https://me:secret@host/v1'}\n",
            "server.url: must hold no user name, password or query; a key belongs into server.key_env's variable",
        ),
        (
            GOOD + "server: {url: 'https://host/v1?key=secret'}\n",
            "server.url: must hold no user name, password or query; a key belongs into server.key_env's variable",
        ),
        (GOOD + "server: {url: 'http://host/v1'}\n", "server.model: is required with server.url"),
        (SERVER + ", key: secret}\n", "server.key: unknown setting; did you mean 'key_env'?"),
        (
            SERVER + ", key_env: sk-secret}\n",
            "server.key_env: must be the name of an environment variable, never the key itself",
        ),
        (SERVER + ", extra: {n: 3}}\n", "server.extra: must not set 'n'; got 3"),
        (SERVER + ", extra: {stream: null}}\n", "server.extra: must not set 'stream'; got None"),
        (SERVER + ", extra: {min_p: much}}\n", "server.extra: min_p: must be a number from 0 to 1; got 'much'"),
        (
            SERVER + "}\ngeneration: {penalty: 1.2}\n",
            "task: generation.penalty must be 1 with server.url: it works inside engines of our own; for a server, see "
            "server.extra; got 1.2",
        ),
        (SERVER + ", tries: 0}\n", "server.tries: must be greater than or equal to 1; got 0"),
        (
            GOOD + "cost_budget: 3\n",
            "cost_budget: needs prices: set prices.prompt and prices.output, or prices.per_engine_hour",
        ),
        (
            GOOD + "prices: {prompt: 1}\ncost_budget: 0\n",
            "cost_budget: must be greater than 0; got 0",
        ),
        (GOOD + "prices: {prompt: -1}\n", "prices.prompt: must be greater than or equal to 0; got -1"),
        (GOOD + "prices: {output: .inf}\n", "prices.output: must be a finite number; got inf"),
    ],
)
def test_mistakes_about_servers_and_money(tmp_path: Path, text: str, expected: str) -> None:
    assert message(tmp_path, text) == f"task.yaml: {expected}"


def test_every_setting_is_of_exactly_one_kind() -> None:
    kinds = [*IDENTITY, *EXTENDABLE, *RUNTIME]
    assert sorted(kinds) == sorted(TaskConfig.model_fields)
