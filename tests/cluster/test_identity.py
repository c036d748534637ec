"""What two runs differ in."""

from __future__ import annotations

from cluster.identity import differing

NOW = {"name": "mood", "quota_counts": "rows", "student.balance": 0.0, "seeds": "abc"}


def test_a_setting_that_a_run_was_begun_without_was_at_its_default() -> None:
    assert differing({"name": "mood", "seeds": "abc"}, NOW) == []
    assert differing({"name": "mood", "seeds": "abc"}, NOW | {"student.balance": 1.0}) == ["student.balance"]


def test_all_else_must_be_told_and_equal() -> None:
    assert differing(NOW, NOW) == []
    assert differing({"name": "mood"}, NOW) == ["seeds"]
    assert differing(NOW, {"name": "mood", "seeds": "abd"}) == ["quota_counts", "seeds", "student.balance"]
