"""How good is a student on whole clean sets, beside the Hugging Face Trainer on the same backbone?

    python benchmarks/references.py --data DATA                     # all sets, both arms: about an hour on two cores
    python benchmarks/references.py --data DATA --set rte --arm labelmill

All real train rows, MiniLM, the same batches of 32, epochs and learning rate for both. The Trainer is as its
documentation uses it: AutoModel…, its optimizer and linear schedule, texts of a pair as two segments, a word tagged at
its first piece. Every finished figure is kept under --out and not made again.
"""

from __future__ import annotations

import json
import os
import sys
import tempfile
import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Annotated, Any

os.environ |= {"OMP_WAIT_POLICY": "PASSIVE", "KMP_BLOCKTIME": "0"}
os.environ.setdefault("HF_HUB_OFFLINE", "1")

import typer
from yardstick.kinds import crossner
from yardstick.sets import read_set

from generation.errors import UserError
from generation.items import read_items
from generation.kinds import make_kind
from generation.kinds.pair import MARK
from generation.models import EMBEDDED_ENCODER, resolve_model
from generation.records import digest
from training.device import prepare_process
from training.job import StudentJob, TrainingRow
from training.measures.scores import score
from training.settings import StudentSettings

BATCH, RATE = 32, 1e-4
DOMAINS = ("music", "politics")


@dataclass(frozen=True)
class Whole:
    """A set's train and test rows, and how often the train rows are seen."""

    kind: str
    labels: tuple[str, ...]
    train: tuple[TrainingRow, ...]
    test: tuple[TrainingRow, ...]
    epochs: int

    @property
    def steps(self) -> int:
        return self.epochs * -(-len(self.train) // BATCH)


def intents(name: str) -> Callable[[Path], Whole]:
    """A set of single labels."""

    def read(data: Path) -> Whole:
        real = read_set(name, data)
        train, test = (tuple(map(TrainingRow.of, part)) for part in (real.train, real.test))
        return Whole("label", tuple(label.name for label in real.labels), train, test, 4)

    return read


def pairs(data: Path) -> Whole:
    """RTE; its dev rows are the test, as those of its test have no labels."""
    if not (folder := data / "rte").is_dir():
        raise UserError(f"--data: {data} must hold a folder 'rte'")
    labels = ("entailment", "not_entailment")
    kind = make_kind("pair", labels)
    train, test = (
        tuple(
            TrainingRow.of(kind.read(name, place, {"text_a": row["premise"], "text_b": row["hypothesis"]} | row))
            for place, row in read_items(folder / name)[1]
        )
        for name in ("train.jsonl", "dev.jsonl")
    )
    return Whole("pair", labels, train, test, 6)


def tags(domain: str) -> Callable[[Path], Whole]:
    """A domain of CrossNER, train and dev rows together."""

    def read(data: Path) -> Whole:
        split = crossner(data, domain, 1)
        train, test = (tuple(map(TrainingRow.of, part)) for part in (split.train, split.test))
        return Whole("tags", tuple(label.name for label in split.task.labels), train, test, 30)

    return read


SETS: dict[str, Callable[[Path], Whole]] = {
    **{name: intents(name) for name in ("banking77", "hwu64", "clinc150")},
    "rte": pairs,
    **{f"crossner-{domain}": tags(domain) for domain in DOMAINS},
}


def labelmill(whole: Whole) -> list[Any]:
    """What the product's student says of the test rows."""
    from training.predict import Student
    from training.trainer import StudentTrainer

    settings = StudentSettings(batch_size=BATCH, learning_rate=RATE, steps=whole.steps)
    with tempfile.TemporaryDirectory() as folder:
        output = Path(folder) / "student"
        start = resolve_model(EMBEDDED_ENCODER)
        StudentTrainer(StudentJob(whole.labels, whole.train, start, output, settings, kind=whole.kind)).run()
        student = Student.load(output)
        return student.predict([student.classifier.input_of(row) for row in whole.test])[0]


def trainer(whole: Whole) -> list[Any]:
    """What a model says that the Hugging Face Trainer has trained."""
    import transformers as hf

    folder = resolve_model(EMBEDDED_ENCODER)
    tokenizer = hf.AutoTokenizer.from_pretrained(folder)
    names = ["O", *(f"{mark}-{label}" for label in whole.labels for mark in "BI")]
    columns = names if whole.kind == "tags" else list(whole.labels)
    auto, collate = (
        (hf.AutoModelForTokenClassification, hf.DataCollatorForTokenClassification(tokenizer))
        if whole.kind == "tags"
        else (hf.AutoModelForSequenceClassification, hf.DataCollatorWithPadding(tokenizer))
    )

    def item(row: TrainingRow) -> dict[str, Any]:
        if whole.kind != "tags":
            read = tokenizer(*row.text.split(f" {MARK} "), truncation=True, max_length=128)
            return {**read, "labels": columns.index(row.label)}
        read = tokenizer(list(row.tokens), is_split_into_words=True, truncation=True, max_length=128)
        words = read.word_ids()
        first = [word is not None and word != before for before, word in zip([None, *words], words, strict=False)]
        marks = [
            columns.index(row.tags[word]) if is_first else -100 for is_first, word in zip(first, words, strict=True)
        ]
        return {**read, "labels": marks}

    with tempfile.TemporaryDirectory() as scratch:
        arguments = hf.TrainingArguments(
            scratch,
            max_steps=whole.steps,
            per_device_train_batch_size=BATCH,
            per_device_eval_batch_size=BATCH,
            learning_rate=RATE,
            bf16=True,
            use_cpu=True,
            save_strategy="no",
            logging_strategy="no",
            report_to="none",
            disable_tqdm=True,
        )
        model = auto.from_pretrained(folder, num_labels=len(columns))
        train, test = ([item(row) for row in part] for part in (whole.train, whole.test))
        made = hf.Trainer(model, arguments, train_dataset=train, data_collator=collate)
        made.train()
        found = made.predict(test)
    chosen = found.predictions.argmax(-1)
    if whole.kind != "tags":
        return [columns[place] for place in chosen]
    return [
        _tags(row, each["labels"], guess, columns) for row, each, guess in zip(whole.test, test, chosen, strict=True)
    ]


def _tags(row: TrainingRow, marks: Sequence[int], guess: Sequence[int], columns: Sequence[str]) -> list[str]:
    """One tag for each word; words that were cut off are outside."""
    read = [columns[place] for mark, place in zip(marks, guess, strict=False) if mark != -100]
    return read + ["O"] * (len(row.tokens) - len(read))


ARMS = {"labelmill": labelmill, "trainer": trainer}


def main(
    data: Annotated[Path, typer.Option(help="folder of the real sets")],
    out: Annotated[Path, typer.Option(help="where finished figures are kept")] = Path("runs/references"),
    set_: Annotated[list[str] | None, typer.Option("--set", help=f"of {', '.join(SETS)}")] = None,
    arm: Annotated[list[str] | None, typer.Option(help=f"of {', '.join(ARMS)}")] = None,
) -> None:
    """Train what is not trained yet, and print a Markdown table."""
    prepare_process()
    out.mkdir(parents=True, exist_ok=True)
    try:
        for name in set_ or SETS:
            whole = SETS[name](data)
            for each in arm or ARMS:
                file = out / f"{name}-{each}-{digest(whole.train, whole.test, whole.epochs)}.json"
                if not file.is_file():
                    began = time.monotonic()
                    found = score(whole.kind, whole.test, ARMS[each](whole), whole.labels)
                    file.write_text(json.dumps(found | {"seconds": time.monotonic() - began}))
                print(_line(name, whole, each, json.loads(file.read_text())), flush=True)
    except UserError as error:
        print(f"error: {error}", file=sys.stderr)
        raise typer.Exit(2) from None


def _line(name: str, whole: Whole, arm: str, found: dict[str, Any]) -> str:
    metric = "micro_f1" if whole.kind == "tags" else "accuracy"
    low, high = found["intervals"][metric]
    figure = f"{100 * found[metric]:.1f} [{100 * low:.1f}, {100 * high:.1f}]"
    return (
        f"| {name} | {len(whole.train):,} | {whole.epochs} | {arm} | {metric} | {figure} | {found['seconds']:.0f} s |"
    )


if __name__ == "__main__":
    typer.run(main)
