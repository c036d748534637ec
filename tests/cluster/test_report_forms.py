"""The report as Markdown and JSON, and the command that writes it."""

from __future__ import annotations

import json
import re
from pathlib import Path

import pytest
from typer.testing import CliRunner

from cluster.cli import app
from cluster.report_data import report_data
from cluster.report_markdown import code, render_markdown
from cluster.report_numbers import numbers_of
from cluster.report_page import report_text, write_report
from cluster.store import Store
from generation.errors import UserError
from generation.records import rows_table, verdicts_table
from tests.cluster.cases import add_requests, add_rows, add_verdicts, begin_round, finish_round, make_job, verdict
from tests.cluster.test_report import FATES, HOSTILE, METRICS, RUN, counted, row, view
from tests.cluster.test_report import verdict as said


def test_markdown_has_the_numbers() -> None:
    text = render_markdown(view(rows_table([row(key, label, f"text {key}") for key, label, _ in FATES])))
    for expected in (
        "# `weather`\n\n2 seeds became 4 labelled rows, of 11 generated.\n",
        "The student gets 87.5% of 8 held-out texts right, −2.5 points against `contrastive` on the seeds.\n",
        "Per kept row: 309 tokens.\n",
        "| label | generated | kept | wanted | moved away | moved in | dropped |\n"
        "| --- | ---: | ---: | ---: | ---: | ---: | ---: |\n"
        "| `rain` | 8 | 2 | 4 | 1 | 0 | 5 |\n| `sun` | 3 | 2 | 4 | 0 | 1 | 2 |\n",
        "| `near duplicate` | 2 | 18.2% |\n",
        "| Accuracy on the test texts, student | 87.5% (52.9% to 97.8%) |\n",
        "| Tokens per accepted row | 309 |\n",
        "- round 0 stopped because: `token budget spent`\n",
        "| `student` | 87.5% | 52.9% – 97.8% | 87.1% |\n",
        "`sun` for `rain` (1).",
        "| 3 | 0 | `rain` | `text a`<br>`text d`<br>`text e` |",
    ):  # fmt: skip
        assert expected in text, expected
    assert render_markdown(report_data({}, 0, counted(rows_table([]), verdicts_table([]), {}), [], 0)).startswith(
        "# `run`"
    )


_SPAN = re.compile(r"(?<!`)(`+)(?!`).+?(?<!`)\1(?!`)")  # of inline code


@pytest.mark.parametrize(
    ("text", "shown"),
    [
        ("plain", "`plain`"),
        ("a `b` ``c``", "``` a `b` ``c`` ```"),
        ("a|b||c", r"`a\|b\|\|c`"),
        (r"a\|b", r"`a\⟨U+007C⟩b`"),
        ("one\ntwo", "`one⟨U+000A⟩two`"),
        ("", "(empty)"),
        ("x" * 200, "`" + "x" * 159 + "…`"),
    ],
)
def test_code_is_one_line_and_no_markup(text: str, shown: str) -> None:
    assert code(text) == shown


def test_hostile_names_and_texts_stay_in_code() -> None:
    bad = [*HOSTILE, "@somebody [x](http://y) |", "`| ```"]
    rows = rows_table([row(f"{n}", text, text) for n, text in enumerate(bad * 2)])
    verdicts = [said(f"{n}", "accepted", None, bad[n]) for n in range(len(bad))]
    verdicts += [
        said(f"{n + len(bad)}", "rejected", "exact_duplicate", bad[n]) | {"survivor_id": f"{n}"}
        for n in range(len(bad))
    ]
    run = RUN | {"name": bad[0], "labels": [{"name": text} for text in bad]}
    metrics = [METRICS[0] | {"stop_reason": bad[-1], "given_up": {each: {"accepted": 0} for each in bad}}]
    text = render_markdown(report_data(run, 1, counted(rows, verdicts_table(verdicts), run), metrics, 2))
    assert all(code(each) in text for each in bad)
    assert not set(text) & set("\x00\x1b\u202e")
    bare = _SPAN.sub("", text).replace("<br>", "")
    assert not set(bare) & set("`<@[{")
    columns = [
        line.replace(r"\|", "").count("|") for line in _SPAN.sub("code", text).splitlines() if line.startswith("|")
    ]
    assert set(columns) == {8, 4, 3, 5}  # no cell ends within a text


def test_json_has_the_numbers_under_stable_keys() -> None:
    found = json.loads(json.dumps(numbers_of(view())))
    assert list(found) == [
        "form", "run", "seeds", "requests", "rows", "labels", "tokens", "seconds", "cost", "rounds", "curves",
        "student", "audit", "copies",
    ]  # fmt: skip
    assert found["labels"]["sun"] == {
        "generated": 3, "kept": 2, "wanted": 4, "confirmed": 1, "moved_away": 0, "moved_in": 1,
        "lost": {
            "near duplicate": 0, "label disagrees": 1, "too short": 0, "held: for audit": 1, "over quota": 0,
            "no verdict yet": 0,
        },
    }  # fmt: skip
    assert (found["rows"]["kept"], found["rows"]["counted"], found["rows"]["texts_from"]) == (4, 11, 11)
    assert found["rounds"][0]["accuracy"] == 0.875 and found["rounds"][0]["best_baseline"] == 0.9
    assert found["rounds"][0]["accepted"] == 4 and found["rounds"][0]["tokens"] == 1237
    assert found["curves"]["Tokens per accepted row"] == {
        "": [{"round": 0, "value": 309.25, "low": None, "high": None}]
    }
    assert found["student"]["scores"]["contrastive"]["accuracy"] == 0.9
    assert found["student"]["confusion"] == [[4, 0], [1, 3]]
    assert found["copies"]["clusters"][0]["labels"] == {"rain": 3}
    assert "/data/private" not in json.dumps(found)


def test_the_command_writes_or_prints(store: Store, tmp_path: Path) -> None:
    store.write_json("run.json", RUN)
    begin_round(store, {"rain": 2})
    add_requests(store, ["rain-0", "rain-1"])
    add_rows(store, ["rain-0"])
    add_verdicts(store, [verdict("rain-0")])
    run = str(store.root)
    for form in ("html", "md", "json"):
        done = CliRunner().invoke(app, ["report", run, "--format", form])
        assert (done.exit_code, done.output) == (0, f"{store.root / f'report.{form}'}\n")
    printed = CliRunner().invoke(app, ["report", run, "--format", "json", "--out", "-"]).output
    assert printed == (store.root / "report.json").read_text()
    assert json.loads(printed)["requests"] == 2
    assert write_report(store, "md", str(tmp_path / "to.md")) == tmp_path / "to.md"
    assert (tmp_path / "to.md").read_text() == (store.root / "report.md").read_text()
    with pytest.raises(UserError, match=r"gone/to\.md: cannot be written to: No such file or directory"):
        write_report(store, "md", str(tmp_path / "gone" / "to.md"))
    assert CliRunner().invoke(app, ["report", run, "--format", "pdf"]).exit_code == 2


@pytest.mark.parametrize("form", ["html", "md", "json"])
def test_a_run_whose_budget_was_too_small_for_a_row_has_a_report(tmp_path: Path, form: str) -> None:
    job, store = make_job(tmp_path), Store(tmp_path / "run")
    store.write_json("run.json", job.run_json())
    store.write_json("seeds.json", job.seeds_json())
    begin_round(store, {"pos": 1, "neg": 1})
    finish_round(store, 0)
    assert job.config.name in report_text(store, form)
