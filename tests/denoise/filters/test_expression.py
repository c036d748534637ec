from __future__ import annotations

from pathlib import Path

import pytest
from pydantic import ValidationError

from denoise.filters.expression import Expression, expression_problem
from denoise.filters.settings import FilterSettings
from tests.denoise.filters.cases import reasons


@pytest.mark.parametrize(
    ("condition", "expected"),
    [
        ("text ILIKE '%refund%'", ["r", None, None]),
        ("words > 3 OR characters < 3", ["r", None, "r"]),
        ("regexp_matches(normal, '^i want')", ["r", None, None]),
        ("label = 'b' -- a comment", [None, "r", None]),
        ("mean_logprob < -2", [None, "r", None]),
        ("CASE WHEN finish_reason = 'stop' THEN NULL ELSE true END", ["r", "r", "r"]),
        ("list_contains(string_split(normal, ' '), 'card')", [None, "r", None]),
    ],
)
def test_rows_of_which_it_is_true_go(condition: str, expected: list[str | None]) -> None:
    assert expression_problem(condition) is None
    columns = {"label": ["a", "b", None], "mean_logprob": [-1.0, -3.0, None]}
    assert reasons(Expression("r", condition), "I want a Refund", "My card", "?!", **columns) == expected


@pytest.mark.parametrize(
    ("condition", "problem"),
    [
        ("text ILIKE", "syntax error"),
        ("colour = 'red'", "colour"),
        ("words + 1", "must be true or false"),
        ("true, false", "must be true or false"),
        ("true) AS y, (true", "must be one expression"),
        ("true); SELECT (true", "must be one expression"),
        ("true) FROM (SELECT 1) t --", "syntax error"),
        ("(SELECT count(*) FROM batch) > 1", "without subquery"),
        ("text IN (SELECT content FROM read_text('/etc/passwd'))", "without subquery"),
        ("row_number() OVER () > 1", "without window"),
        ("count(text) > 1", "must not use count()"),
        ("random() < 0.5", "must not use random()"),
        ("now() > TIMESTAMP '2020-01-01'", "must not use now()"),
        ("sleep_ms(100) IS NULL", "must not use sleep_ms()"),
        ("COLUMNS(*) IS NULL", "without star"),
        ("text = ?", "without parameter"),
        ("no_such_function(text)", "must not use no_such_function()"),
    ],
)
def test_what_is_refused_when_settings_are_read(condition: str, problem: str) -> None:
    found = expression_problem(condition)
    assert found is not None and problem in found
    with pytest.raises(ValidationError, match="mine: "):
        FilterSettings(rules={"mine": condition})


def test_an_expression_reaches_no_file(tmp_path: Path) -> None:
    """Even one that was never checked."""
    import duckdb

    secret = tmp_path / "secret.txt"
    secret.write_text("x")
    for condition in (
        f"(SELECT content FROM read_text('{secret}')) = 'x'",
        f"EXISTS (FROM read_csv('{secret}'))",
        f"EXISTS (FROM glob('{tmp_path}/*'))",
    ):
        with pytest.raises(duckdb.PermissionException):
            reasons(Expression("r", condition), "a")


def test_reasons_have_plain_names() -> None:
    with pytest.raises(ValidationError, match="lower-case words"):
        FilterSettings(rules={"My rule": "true"})
