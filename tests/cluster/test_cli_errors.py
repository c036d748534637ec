"""Every mistake of a user's gets one line on standard error and exit code 2, and nothing is written."""

from __future__ import annotations

import json
import os
import shutil
import signal
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path

import pytest

from cluster.job import prepare
from cluster.lease import Lease
from tests.cluster.cases import LABELS, SEEDS, write_task

Folder = Path
Arguments = list[str]
# what a case does to a folder with a good task, and the command line that follows
Case = tuple[Callable[[Folder], Arguments], str]


def labelmill(folder: Path, arguments: Arguments) -> subprocess.CompletedProcess[str]:
    """The real command, run in a folder."""
    return subprocess.run(
        [sys.executable, "-m", "cluster", *arguments],
        cwd=folder,
        env=environment(folder),
        stdin=subprocess.DEVNULL,
        capture_output=True,
        text=True,
        timeout=600,
    )


def environment(folder: Path) -> dict[str, str]:
    cache = str(folder.parent / "cache")
    return {**os.environ, "HF_HUB_OFFLINE": "1", "LABELMILL_CACHE": cache, "CUDA_VISIBLE_DEVICES": ""}


def contents(folder: Path) -> dict[str, bytes | None]:
    paths = folder.rglob("*")
    return {str(path.relative_to(folder)): path.read_bytes() if path.is_file() else None for path in paths}


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    """The working folder, with a good task in it."""
    (tmp_path / "work").mkdir()
    write_task(tmp_path / "work")
    return tmp_path / "work"


def run_task(*options: str) -> Arguments:
    return ["run", "task.yaml", *options]


def task(*options: str, **changes: object) -> Callable[[Folder], Arguments]:
    """`labelmill run` of the good task with some settings changed in its file."""

    def case(folder: Path) -> Arguments:
        write_task(folder, **changes)
        return run_task(*options)

    return case


def file(name: str, content: str | bytes | None, *arguments: str) -> Callable[[Folder], Arguments]:
    """A file changed (None: removed), then `labelmill run`, or the arguments given."""

    def case(folder: Path) -> Arguments:
        if content is None:
            (folder / name).unlink()
        else:
            (folder / name).write_bytes(content if isinstance(content, bytes) else content.encode())
        return list(arguments) or run_task()

    return case


def seeds(*rows: object) -> Callable[[Folder], Arguments]:
    """`labelmill run` with these rows after the good seeds."""
    lines = [row if isinstance(row, str) else json.dumps(row) for row in (*SEEDS, *rows)]
    return file("seeds.jsonl", "\n".join(lines))


def template(source: str) -> Callable[[Folder], Arguments]:
    """`labelmill run` with a template of the user's."""
    return file("my.j2", source, *run_task("--set", "generation.template=my.j2"))


def with_attributes(*arguments: str) -> Callable[[Folder], Arguments]:
    """A command after the good task was given attributes."""

    def case(folder: Path) -> Arguments:
        write_task(folder, attributes=[{"name": "tone", "values": ["dry", "angry"]}])
        return list(arguments)

    return case


def old_run(folder: Path, name: str = "old") -> Path:
    """A run directory of the good task, begun and stopped."""
    run = folder / name
    run.mkdir()
    (run / "run.json").write_text(json.dumps(prepare(folder / "task.yaml").run_json()))
    return run


def begun(*arguments: str) -> Callable[[Folder], Arguments]:
    """A command after a run directory `old` was made."""

    def case(folder: Path) -> Arguments:
        old_run(folder)
        (folder / "texts.jsonl").write_text('{"text": "x"}\n')
        return list(arguments)

    return case


def bin_only(folder: Path) -> Arguments:
    (folder / "model" / "model.safetensors").rename(folder / "model" / "pytorch_model.bin")
    return run_task()


def student_bin_only(folder: Path) -> Arguments:
    shutil.copytree(folder / "model", folder / "encoder")
    (folder / "encoder" / "model.safetensors").rename(folder / "encoder" / "pytorch_model.bin")
    return run_task("--set", "student.model=encoder")


def plain(*arguments: str) -> Callable[[Folder], Arguments]:
    return lambda folder: list(arguments)


CONTEXT = "(runtime.max_model_len 106 less generation.max_tokens)"
SHORT = ("--set", "runtime.max_model_len=106")
CASES: dict[str, Case] = {
    "no task file": (plain("run", "none.yaml"), "none.yaml: no such file"),
    "task file is a folder": (plain("run", "model"), "model: cannot be read (Is a directory)"),
    "malformed YAML": (file("task.yaml", "name: a\n  b: c\n"), "task.yaml line 2: not valid YAML: mapping values"),
    "unknown key": (task(qouta=3), "task.yaml: qouta: unknown setting; did you mean 'quota'?"),
    "unknown nested key": (task(runtime={"engine": 3}), "task.yaml: runtime.engine: unknown setting; did you mean"),
    "rule that is no expression": (
        task(denoise={"filters": {"rules": {"long": "words >"}}}),
        "task.yaml: denoise.filters.rules: long: syntax error at or near",
    ),
    "rule that reads a file": (
        task(denoise={"filters": {"rules": {"odd": "text IN (FROM read_text('task.yaml'))"}}}),
        "task.yaml: denoise.filters.rules: odd: must be about one row, without subquery; got",
    ),
    "code that was not allowed": (
        task(denoise={"filters": {"code": ["os:getcwd"]}}),
        "task.yaml: denoise.filters.code: runs Python (os:getcwd): allow it with --allow-code",
    ),
    "code that is not there": (
        task("--allow-code", denoise={"filters": {"code": ["os:no_such_filter"]}}),
        "filter os:no_such_filter: cannot be imported: module 'os' has no attribute 'no_such_filter'",
    ),
    "filter without parts": (plain("filter", "model", "out"), "model: must hold .parquet files; got none"),
    "set without value": (plain(*run_task("--set", "quota")), "--set: must have the form a.b=value; got 'quota'"),
    "set of an unknown key": (plain(*run_task("--set", "a.b=1")), "task.yaml: a: unknown setting; known are name"),
    "set below a value": (plain(*run_task("--set", "quota.b.c=1")), "task.yaml: quota: must be a valid integer; got"),
    "one label": (task(labels=LABELS[:1]), "task.yaml: labels: must have at least 2; got 1"),
    "no seeds file": (task(seeds="none.csv"), "none.csv: no such file"),
    "seeds in another form": (task(seeds="seeds.txt"), "seeds.txt: must end in one of .json, .jsonl, .csv, .parquet"),
    "empty seeds": (file("seeds.jsonl", ""), "seeds.jsonl: no rows"),
    "unknown label": (seeds({"text": "x", "label": "poz"}), "seeds.jsonl line 5: unknown label 'poz'; did you mean"),
    "no label": (seeds({"text": "x"}), "seeds.jsonl line 5: label is missing; got 'text'"),
    "empty text": (seeds({"text": " ", "label": "pos"}), "seeds.jsonl line 5: text must not be blank; got ' '"),
    "a number for a text": (seeds({"text": 3, "label": "pos"}), "seeds.jsonl line 5: text must be a string; got 3"),
    "no object": (seeds([1]), "seeds.jsonl line 5: must be an object with a text; got [1]"),
    "two labels": (
        seeds({"text": "so bad", "label": "pos"}),
        "seeds.jsonl line 5: text 'so bad' has label 'pos', but label 'neg' in line 3",
    ),
    "seeds of one label": (
        file("seeds.jsonl", json.dumps(SEEDS[0])),
        "seeds.jsonl: must hold seeds of two labels or more; got only 'pos'",
    ),
    "malformed JSONL": (seeds('{"text": '), "seeds.jsonl line 5 column 10: not valid JSON: expecting value"),
    "not UTF-8": (file("seeds.jsonl", b'\n{"text": "\xff"}'), "seeds.jsonl line 2: must be UTF-8; byte 11 is 0xff"),
    "no pool file": (task(pool="none.csv"), "none.csv: no such file"),
    "no model folder": (task(model="none"), "task.yaml: model: must be a folder with a config.json"),
    "unknown embedded model": (task(model="embedded:gpt"), "task.yaml: model: no embedded model called 'embedded:gpt'"),
    "weights in .bin only": (bin_only, "task.yaml: model: 'model' holds no *.safetensors"),
    "remote code": (file("model/config.json", '{"auto_map": {}}'), "task.yaml: model: 'model' needs remote code"),
    "no tokenizer": (file("model/tokenizer.json", None), "model: {folder}/model/tokenizer.json must be a tokenizer; "),
    "no student model": (task(student={"model": "none"}), "task.yaml: student.model: must be a folder with a config"),
    "student's weights in .bin only": (student_bin_only, "task.yaml: student.model: 'encoder' holds no *.safetensors"),
    "workers that are no number": (
        plain(*run_task("--set", "runtime.workers=[3, 2]")),
        "task.yaml: runtime.workers: must be a number of at least 1, or two of them, [least, most]; got [3, 2]",
    ),
    "more workers than a batch has rows": (
        plain(*run_task("--set", "runtime.workers=[1, 17]")),
        "task.yaml: runtime.workers: must be at most student.batch_size, 16, a row each; got (1, 17)",
    ),
    "a student that one worker shares out": (
        plain(*run_task("--set", "student.shard=always")),
        "task.yaml: student.shard: 'always' needs several workers to share the student; runtime.workers is 1",
    ),
    "no chat template": (
        file("model/chat_template.jinja", None, *run_task("--set", "generation.form=chat")),
        "generation.form: 'chat' needs a model with a chat template; use 'completion'",
    ),
    "seed beyond the context": (
        lambda folder: [*seeds({"text": "w " * 11, "label": "neg"})(folder), *SHORT],
        f"seeds.jsonl line 5: text has 11 tokens; the context has room for 10 {CONTEXT}",
    ),
    "prompt beyond the context": (
        plain(*run_task(*SHORT)),
        f"task.yaml: generation.exemplars: a prompt for 'pos' has 26 tokens; the context has room for 10 {CONTEXT}",
    ),
    "context beyond the model's": (
        plain(*run_task("--set", "runtime.max_model_len=5000")),
        "task.yaml: runtime.max_model_len: must be at most 4096, the model's own context; got 5000",
    ),
    "template with a mistake": (
        template("\n{% if %}"),
        "{folder}/my.j2 line 2: not a valid template: Expected an expression",
    ),
    "template with an unknown name": (template("{{ x }}"), "{folder}/my.j2: cannot be rendered: 'x' is undefined"),
    "template that breaks": (template("{{ 1 / 0 }}"), "{folder}/my.j2: cannot be rendered: division by zero"),
    "no template": (plain(*run_task("--set", "generation.template=no.j2")), "generation.template: "),
    "run below a file": (
        plain(*run_task("--run", "task.yaml/run")),
        "{folder}/task.yaml/run: cannot be written to: Not a",
    ),
    "run is a file": (plain(*run_task("--run", "task.yaml")), "{folder}/task.yaml: cannot be written to: File exists"),
    "run in /proc": (plain(*run_task("--run", "/proc/none/run")), "/proc/none/run: cannot be written to: No such"),
    "too little memory": (
        plain(*run_task("--set", "runtime.kv_cache_gb=100000")),
        "runtime.engines: 1 engine(s) need 100002.5 GiB (0.0 weights + 100000 KV cache + 2.5 overhead each), ",
    ),
    "too little memory for a preview": (
        plain("preview", "task.yaml", "--set", "runtime.kv_cache_gb=100000"),
        "runtime.engines: 1 engine(s) need 100002.5 GiB",
    ),
    "another task's run": (
        begun(*run_task("--run", "old", "--set", "generation.temperature=0.5")),
        "task.yaml: generation.temperature: was 1.0, now 0.5; {folder}/old keeps its own: start another run with",
    ),
    "status of no run": (plain("status", "model"), "{folder}/model: not a run directory (it has no run.json)"),
    "status of nothing": (plain("status", "none"), "{folder}/none: not a run directory (it has no run.json)"),
    "status of what": (plain("status"), "status: needs a RUN, or --address for the jobs of a cluster"),
    "submit to a relative run": (
        plain("submit", "task.yaml", "--address", "http://127.0.0.1:9", "--run", "runs/a"),
        "--run: must be an absolute path on the cluster, ~/… or a URI; got 'runs/a'",
    ),
    "submit to no dashboard": (
        plain("submit", "task.yaml", "--address", "127.0.0.1:9"),
        "--address: must be that of the cluster's dashboard, http://HEAD:8265; got '127.0.0.1:9'",
    ),
    "submit a task with a mistake": (
        plain("submit", "task.yaml", "--address", "http://127.0.0.1:9", "--set", "quota=0"),
        "task.yaml: quota: must be greater than or equal to 1; got 0",
    ),
    "report on no run": (plain("report", "model"), "{folder}/model: not a run directory (it has no run.json)"),
    "attributes written where nobody can be asked": (
        plain("attributes", "task.yaml", "--write"),
        "task.yaml: --write asks before it writes, and there is no terminal to ask on; add --yes",
    ),
    "attributes where some are": (
        with_attributes("attributes", "task.yaml", "--write", "--yes"),
        "task.yaml: attributes: are there already; take them out, or go without --write",
    ),
    "predict by no run": (
        plain("predict", "model", "seeds.jsonl"),
        "{folder}/model: not a run directory (it has no run.json)",
    ),
    "predict without a student": (
        begun("predict", "old", "texts.jsonl"),
        "{folder}/old: has no student yet; `labelmill run` makes one",
    ),
    "predict of no file": (begun("predict", "old", "none.csv"), "none.csv: no such file"),
    "predict to another form": (
        begun("predict", "old", "texts.jsonl", "--out", "a.xlsx"),
        "a.xlsx: must end in one of .jsonl, .csv, .parquet",
    ),
    "predict to no folder": (
        begun("predict", "old", "texts.jsonl", "--out", "no/a.csv"),
        "no/a.csv: cannot be written: no is no folder",
    ),
    "predict of a folder": (
        plain("predict", "model", "model"),
        "predict: several files, or a folder of them, need --out FOLDER; got model",
    ),
    "predict of a file with what folders take": (
        plain("predict", "model", "seeds.jsonl", "--text", "body"),
        "--text: needs --out FOLDER; got none",
    ),
    "dedup with a summary to no folder": (
        plain("dedup", "model", "out", "--json", "no/found.json"),
        "no/found.json: cannot be written: no is no folder",
    ),
    "init on a folder in use": (plain("init", "model"), "model: must be a new or an empty folder; it holds "),
    "init below a file": (plain("init", "task.yaml/new"), "task.yaml/new: "),
}


@pytest.mark.parametrize(("case", "expected"), CASES.values(), ids=CASES)
def test_one_line_and_nothing_written(folder: Path, case: Callable[[Path], Arguments], expected: str) -> None:
    arguments = case(folder)
    before = contents(folder)
    run = labelmill(folder, arguments)
    assert run.stderr.count("\n") == 1, run.stderr
    assert run.stderr.startswith("labelmill: " + expected.replace("{folder}", str(folder))), run.stderr
    assert (run.returncode, run.stdout) == (2, "")
    assert contents(folder) == before


@pytest.mark.parametrize(
    "arguments", [["bogus"], ["run"], ["run", "task.yaml", "--bogus"], ["preview", "t", "-n", "0"]]
)
def test_a_mistaken_command_line(folder: Path, arguments: Arguments) -> None:
    before = contents(folder)
    run = labelmill(folder, arguments)
    assert (run.returncode, run.stdout) == (2, "")
    assert run.stderr.startswith("Usage: ")
    assert "Traceback" not in run.stderr
    assert contents(folder) == before


def test_a_label_without_seeds_is_a_warning(folder: Path) -> None:
    write_task(folder, labels=[*LABELS, {"name": "mixed", "description": "is both"}])
    before = contents(folder)
    run = labelmill(folder, run_task("--dry-run"))
    assert run.returncode == 0
    assert run.stderr == (
        "labelmill: warning: seeds.jsonl: no seeds for label 'mixed'; its description alone guides it\n"
    )
    figures = dict(line.rsplit("  ", 1) for line in run.stdout.splitlines())
    assert {name.strip(): value for name, value in figures.items()}["labels"] == "3"
    assert contents(folder) == before


def test_a_run_that_another_driver_holds(folder: Path) -> None:
    old = old_run(folder)
    with Lease(old):
        run = labelmill(folder, run_task("--run", "old"))
        assert run.stderr.startswith(f"labelmill: {old}: another driver holds this run (pid {os.getpid()} on ")
    assert (run.returncode, run.stderr.count("\n")) == (2, 1)
    assert sorted(path.name for path in old.iterdir()) == ["driver.log", "lease.json", "lease.lock", "run.json"]


def test_an_interrupt(folder: Path) -> None:
    """The command waits for its seeds from a pipe when it is interrupted."""
    os.mkfifo(folder / "pipe.jsonl")
    command = [sys.executable, "-m", "cluster", *run_task("--set", "seeds=pipe.jsonl")]
    run = subprocess.Popen(command, cwd=folder, env=environment(folder), stderr=subprocess.PIPE, text=True)
    with (folder / "pipe.jsonl").open("w"):  # opens once the command reads
        run.send_signal(signal.SIGINT)
        _, errors = run.communicate(timeout=300)
    assert errors == "labelmill: interrupted; run the same command to go on\n"
    assert run.returncode == 130
