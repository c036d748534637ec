"""Examples from people's files: every format, every mistake, and the held-out part."""

from __future__ import annotations

import json
from pathlib import Path

import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from generation.attribute import Attribute
from generation.errors import UserError
from generation.examples import check_seeds, read_examples, split_dev
from generation.task import Example

LABELS = ("pos", "neg")
ROWS = [("good", "pos"), ("bad, very", "neg"), ('so "so"\nand so', "neg")]


def write(folder: Path, name: str, content: str | bytes) -> Path:
    path = folder / name
    path.write_bytes(content if isinstance(content, bytes) else content.encode())
    return path


def write_all(folder: Path) -> list[Path]:
    rows = [{"text": text, "label": label, "other": 1} for text, label in ROWS]
    table = folder / "a.parquet"
    pq.write_table(pa.Table.from_pylist(rows), table)
    return [
        write(folder, "a.json", json.dumps(rows)),
        write(folder, "a.jsonl", "\n".join(json.dumps(row) for row in rows)),
        write(folder, "a.CSV", 'text,label\ngood,pos\n"bad, very",neg\n"so ""so""\nand so",neg\n'),
        table,
    ]


def message(path: Path, labels: tuple[str, ...] | None = LABELS) -> str:
    """What the user is told, without the folder."""
    with pytest.raises(UserError) as caught:
        read_examples(path, labels)
    return str(caught.value).removeprefix(f"{path.parent}/")


def test_every_format_gives_the_same_examples(tmp_path: Path) -> None:
    for path in write_all(tmp_path):
        examples = read_examples(path, LABELS)
        assert [(example.text, example.label) for example in examples] == ROWS, path.name


@pytest.mark.parametrize(("index", "places"), [(0, [1, 2, 3]), (1, [1, 2, 3]), (2, [2, 3, 4]), (3, [1, 2, 3])])
def test_places(tmp_path: Path, index: int, places: list[int]) -> None:
    assert [example.line for example in read_examples(write_all(tmp_path)[index], LABELS)] == places


def test_without_labels_the_label_column_is_ignored(tmp_path: Path) -> None:
    for path in write_all(tmp_path):
        assert [example.label for example in read_examples(path, None)] == [None, None, None]
    assert read_examples(write(tmp_path, "p.csv", "text\nhello\n"), None) == (Example("hello", None, 2),)


def test_columns_named_after_dimensions_tell_attributes(tmp_path: Path) -> None:
    """An empty cell tells nothing; what fills a slot need not be a value that is asked for, but stands in the text."""
    dimensions = (Attribute(name="tone", values=("dry", "warm")), Attribute(name="slot.city", values=("Rome",)))
    path = write(tmp_path, "a.csv", "text,label,tone,slot.city\nto Ulm,pos,dry,Ulm\nso so,neg,,\nwell,pos,warm,\n")
    examples = read_examples(path, LABELS, dimensions=dimensions)
    assert [each.attributes for each in examples] == [(("slot.city", "Ulm"), ("tone", "dry")), (), (("tone", "warm"),)]
    assert [each.attributes for each in read_examples(path, LABELS)] == [(), (), ()]
    assert examples[1].id == Example("so so", "neg").id != examples[2].id != Example("well", "pos").id
    for row, expected in {
        "to Ulm,pos,drry,": "unknown value of tone 'drry'; did you mean 'dry'?",
        "to Ulm,pos,dry,ulm": "slot.city must stand in the text, letter for letter; got 'ulm'",
        "so so,neg,,\nso so,neg,dry,": "text 'so so' has other attributes in line 2",
    }.items():
        path = write(tmp_path, "b.csv", f"text,label,tone,slot.city\n{row}\n")
        with pytest.raises(UserError) as caught:
            read_examples(path, LABELS, dimensions=dimensions)
        assert str(caught.value).endswith(f": {expected}")


def test_mark_crlf_blank_lines_and_separators_are_tolerated(tmp_path: Path) -> None:
    lines = b'\xef\xbb\xbf{"text": "a", "label": "pos"}\r\n\r\n{"text": "b\xe2\x80\xa8c", "label": "neg"}\r\n'
    assert read_examples(write(tmp_path, "a.jsonl", lines), LABELS) == (
        Example("a", "pos", 1),
        Example("b\u2028c", "neg", 3),
    )
    cells = b'\xef\xbb\xbftext,label\r\na,pos\r\n\r\n"b\r\nc",neg\r\nd,pos\r\n'
    assert read_examples(write(tmp_path, "a.csv", cells), LABELS) == (
        Example("a", "pos", 2),
        Example("b\r\nc", "neg", 4),
        Example("d", "pos", 6),
    )


def test_exact_repetitions_are_dropped(tmp_path: Path) -> None:
    path = write(tmp_path, "a.csv", "text,label\na,pos\nb,neg\na,pos\n")
    assert read_examples(path, LABELS) == (Example("a", "pos", 2), Example("b", "neg", 3))


@pytest.mark.parametrize(
    ("name", "content", "expected"),
    [
        ("a.txt", "x", "a.txt: must end in one of .json, .jsonl, .csv, .parquet; got '.txt'"),
        ("a.jsonl", "", "a.jsonl: no rows"),
        ("a.json", "", "a.json: no rows"),
        ("a.json", "[]", "a.json: no rows"),
        ("a.csv", "text,label\n", "a.csv: no rows"),
        ("a.csv", b"text,label\na\xff,pos\n", "a.csv line 2: must be UTF-8; byte 12 is 0xff"),
        (
            "a.jsonl",
            '{"text": "a", "label": "pos"}\n{"text"',
            "a.jsonl line 2 column 8: not valid JSON: expecting ':' delimiter",
        ),
        ("a.json", '[\n{"text": "a"},\n]', "a.json line 3 column 1: not valid JSON: expecting value"),
        ("a.json", '{"text": "a"}', "a.json: must be a list of objects; got {'text': 'a'}"),
        ("a.json", '["a"]', "a.json item 1: must be an object with a text; got 'a'"),
        ("a.jsonl", "\n[1]\n", "a.jsonl line 2: must be an object with a text; got [1]"),
        ("a.jsonl", "[" * 100_000, "a.jsonl line 1: not valid JSON: a number too long or nesting too deep"),
        ("a.jsonl", '{"txt": "a", "label": "pos"}', "a.jsonl line 1: text is missing; got 'txt, label'"),
        ("a.jsonl", '{"text": "a"}', "a.jsonl line 1: label is missing; got 'text'"),
        ("a.jsonl", '{"text": 3, "label": "pos"}', "a.jsonl line 1: text must be a string; got 3"),
        ("a.jsonl", '{"text": null, "label": "pos"}', "a.jsonl line 1: text must be a string; got None"),
        ("a.jsonl", '{"text": " ", "label": "pos"}', "a.jsonl line 1: text must not be blank; got ' '"),
        ("a.csv", "text,label\n,pos\n", "a.csv line 2: text must not be blank; got ''"),
        ("a.csv", "text,label\na,poss\n", "a.csv line 2: unknown label 'poss'; did you mean 'pos'?"),
        ("a.csv", "text,label\na,xyz\n", "a.csv line 2: unknown label 'xyz'; known are pos, neg"),
        (
            "a.csv",
            "text,label\na,pos\nb,neg\na,neg\n",
            "a.csv line 4: text 'a' has label 'neg', but label 'pos' in line 2",
        ),
        ("a.csv", "text,label\na\n", "a.csv line 2: must have 2 cells; got 1"),
        ("a.csv", 'text,label\na,pos\n"b,neg\nc,pos\n', "a.csv line 3: not valid CSV: unexpected end of data"),
        ("a.csv", "text,text\na,b\n", "a.csv line 1: columns must differ; got 'text' twice"),
        (
            "a.jsonl",
            '{"text": "a\\ud800", "label": "pos"}',
            "a.jsonl line 1: text must be valid Unicode (no lone surrogates); got 'a\\ud800'",
        ),
    ],
)
def test_mistakes(tmp_path: Path, name: str, content: str | bytes, expected: str) -> None:
    assert message(write(tmp_path, name, content)) == expected


def test_files_that_cannot_be_read(tmp_path: Path) -> None:
    (tmp_path / "folder.csv").mkdir()
    assert message(tmp_path / "none.csv") == "none.csv: no such file"
    assert message(tmp_path / "folder.csv") == "folder.csv: cannot be read (Is a directory)"
    assert message(write(tmp_path, "a.parquet", "x" * 20)).startswith("a.parquet: not valid Parquet: ")


def test_parquet_mistakes(tmp_path: Path) -> None:
    pq.write_table(pa.table({"text": [1, 2], "label": ["pos", "neg"]}), tmp_path / "a.parquet")
    pq.write_table(pa.table({"body": ["a"]}), tmp_path / "b.parquet")
    pq.write_table(pa.table({"text": ["a", None], "label": ["pos", "neg"]}), tmp_path / "c.parquet")
    assert message(tmp_path / "a.parquet") == "a.parquet row 1: text must be a string; got 1"
    assert message(tmp_path / "b.parquet") == "b.parquet row 1: text is missing; got 'body'"
    assert message(tmp_path / "c.parquet") == "c.parquet row 2: text must be a string; got None"


def test_parquet_holds_attributes_and_slots_too(tmp_path: Path) -> None:
    items = [{"text": "good", "label": "pos", "tone": "calm"}, {"text": "bad", "label": "neg", "tone": None}]
    tone = Attribute(name="tone", values=["calm", "angry"])
    tagged = [{"text": "meet Ann", "slots": [{"slot": "person", "span": [5, 8]}]}, {"text": "go home", "slots": []}]
    pq.write_table(pa.Table.from_pylist(items), tmp_path / "a.parquet")
    pq.write_table(pa.Table.from_pylist(tagged), tmp_path / "b.parquet")
    assert [each.attributes for each in read_examples(tmp_path / "a.parquet", LABELS, dimensions=[tone])] == [
        (("tone", "calm"),),
        (),
    ]
    assert [each.tags for each in read_examples(tmp_path / "b.parquet", ["person"], "tags")] == [
        ("O", "B-person"),
        ("O", "O"),
    ]


def test_split_takes_dev_from_labels_with_twice_as_many() -> None:
    examples = [Example(f"p{i}", "pos", i) for i in range(4)] + [Example(f"n{i}", "neg", i) for i in range(3)]
    train, dev = split_dev(examples, 2, LABELS)
    assert [example.label for example in dev] == ["pos", "pos"]
    assert len(train) == 5
    assert sorted(train + dev, key=examples.index) == examples
    assert split_dev(examples, 0, LABELS) == (tuple(examples), ())


def test_split_depends_on_content_alone_and_keeps_the_order_given() -> None:
    examples = [Example(f"text {i}", LABELS[i % 2], i) for i in range(12)]
    train, dev = split_dev(examples, 2, LABELS)
    backwards_train, backwards_dev = split_dev(examples[::-1], 2, LABELS[::-1])
    assert backwards_dev == dev[::-1]
    assert backwards_train == train[::-1]
    assert [example.line for example in dev] == sorted(example.line for example in dev)


def test_check_seeds() -> None:
    path, labels = Path("s.csv"), ("a", "b", "c")
    seeds = [Example("x", "a"), Example("y", "b")]
    assert check_seeds(path, seeds, labels) == ["s.csv: no seeds for label 'c'; its description alone guides it"]
    assert check_seeds(path, seeds, ("a", "b")) == []
    with pytest.raises(UserError, match=r"^s.csv: must hold seeds of two labels or more; got only 'a'$"):
        check_seeds(path, seeds[:1], labels)
    with pytest.raises(UserError, match=r"^s.csv: must hold seeds of two labels or more; got none$"):
        check_seeds(path, [], labels)
