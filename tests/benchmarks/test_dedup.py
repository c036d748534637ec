"""The parts of benchmarks/dedup.py that its figures rest on."""

from __future__ import annotations

import sys
from pathlib import Path

import numpy as np
import psutil
import pyarrow as pa
import pyarrow.parquet as pq
import pytest
from deduplicators.components import components, jaccard
from deduplicators.corpus import make_corpus, truth_of
from deduplicators.peer import BIGRAMS, WORDS, Peer
from deduplicators.rows import write
from deduplicators.score import Score, score, score_kept
from deduplicators.venvs import NotInstalled, python_of, reason_of
from deduplicators.watch import Limits, watch

TRUTH = pa.table({"id": [0, 1, 2, 3, 4, 5], "group": [0, 0, 0, 3, 3, 5]})  # four pairs


def test_pairs_are_scored_in_any_order() -> None:
    clusters = pa.table({"id": [5, 4, 3, 2, 1, 0], "cluster": ["c", "b", "a", "a", "a", "a"]})
    # of its six pairs in "a" three are planted, and 3 with 4 is missed
    assert score(TRUTH, clusters) == Score(removed=3, removable=3, recall=3 / 4, precision=3 / 6)
    assert score(TRUTH, TRUTH.rename_columns(["id", "cluster"])) == Score(3, 3, 1.0, 1.0)
    assert score_kept(TRUTH, 2) == Score(4, 3)
    with pytest.raises(ValueError, match="each of the 6 rows once; got 5 ids"):
        score(TRUTH, clusters.slice(1))


def test_the_corpus_says_what_it_planted(tmp_path: Path) -> None:
    folder = tmp_path / "corpus"
    make_corpus(folder, 400)
    rows, truth = pq.read_table(folder), pq.read_table(truth_of(folder))
    assert rows.column_names == ["id", "text", "label"]
    assert rows["id"].to_pylist() == truth["id"].to_pylist() == list(range(400))
    texts, groups = rows["text"].to_pylist(), truth["group"].to_pylist()
    assert len(set(groups)) == 340
    assert 340 < len(set(texts)) <= 380  # an edited copy may come out as it was
    assert all(5 <= len(text.split()) <= 63 for text in texts)
    first = {group: place for place, group in reversed(list(enumerate(groups)))}
    alike = [
        jaccard(*(WORDS.shingles(texts[each]) for each in (place, first[group])))
        for place, group in enumerate(groups)
        if first[group] != place
    ]
    assert len(alike) == 60
    assert np.median(alike) > 0.7
    strangers = [jaccard(WORDS.shingles(texts[i]), WORDS.shingles(texts[i + 1])) for i in range(0, 100, 2)]
    assert np.median(strangers) < 0.1
    other = tmp_path / "other"
    make_corpus(other, 400)
    assert pq.read_table(other).equals(rows)


def test_shingles() -> None:
    assert BIGRAMS.shingles("The  cat, SAT!") == {"the cat", "cat sat"}
    assert BIGRAMS.shingles("Cat") == {"cat"}
    assert WORDS.shingles("Don't, DON'T") == {"don", "t"}
    assert WORDS.shingles("?!") == {""}
    assert [title for title, _ in Peer(("x",), (BIGRAMS, WORDS)).contenders("x")] == [
        "x; 2 words, 16×8",
        "x; single words, 25×6, J ≥ 0.65",
    ]
    assert list(Peer(("x",)).contenders("x")) == [("x", None)]


def test_components_are_named_by_their_first_row(tmp_path: Path) -> None:
    clusters = components(6, [(3, 4), (4, 1), (5, 0), (1, 3)])
    assert clusters == [0, 1, 2, 1, 1, 0]
    write(tmp_path, pa.table({"id": [10, 11, 12, 13, 14, 15]}), clusters)
    assert pq.read_table(tmp_path / "kept.parquet")["id"].to_pylist() == [10, 11, 12]
    assert pq.read_table(tmp_path / "clusters.parquet")["cluster"].to_pylist() == clusters


def test_all_that_a_command_starts_is_watched(tmp_path: Path) -> None:
    hold = "import time; kept = bytearray(b'x' * 60_000_000); began = time.process_time()\n"
    burn = "while time.process_time() - began < 0.6: pass\n"
    child = f"import subprocess, sys\nsubprocess.run([sys.executable, '-c', {hold + burn!r}], check=True)"
    seen = watch([sys.executable, "-c", child], tmp_path / "words", Limits(200, 1e9), {}, tmp_path)
    assert seen.code == 0
    assert 60e6 < seen.peak_bytes < 200e6
    assert 0.6 < seen.cpu_seconds < 3
    assert seen.seconds >= 0.6
    assert 0 <= seen.others < 1


def test_what_takes_too_long_is_ended_with_its_children(tmp_path: Path) -> None:
    late = f"import time; time.sleep(100); {str(tmp_path)!r}"
    child = f"import subprocess, sys\nsubprocess.run([sys.executable, '-c', {late!r}])"
    limits = Limits(0.7, 1e9)
    seen = watch([sys.executable, "-c", child], tmp_path / "words", limits, {}, tmp_path)
    assert (seen.code, limits.broken_by(seen)) == (None, "more than 0.7 s")
    assert not [each.pid for each in psutil.process_iter(["cmdline"]) if late in (each.info["cmdline"] or ())]


def test_what_takes_too_much_memory_is_ended(tmp_path: Path) -> None:
    hold = "import time; kept = bytearray(b'x' * 90_000_000); time.sleep(100)"
    limits = Limits(200, 50e6)
    seen = watch([sys.executable, "-c", hold], tmp_path / "words", limits, {}, tmp_path)
    assert (seen.code, limits.broken_by(seen)) == (None, "more than 0.05 GB")
    assert seen.seconds < 100


def test_a_peer_that_does_not_install_says_why(tmp_path: Path) -> None:
    with pytest.raises(NotInstalled, match=r"needs python3\.99, which is not there"):
        python_of(Peer(("x==1",), python="3.99"), "x", tmp_path)
    said = "WARNING: 'file:///a/b/' is old\nERROR: Could not find x==1\nERROR: No matching distribution for x==1\n\n"
    assert reason_of(said) == "ERROR: No matching distribution for x==1"
    assert reason_of("usage\nModuleNotFoundError: No module named 'y'\n  at /a/b/c.py") == (
        "ModuleNotFoundError: No module named 'y'"
    )
    assert reason_of("ValueError: https://a/b is not /c/d/e") == "ValueError: … is not …"
    assert python_of(Peer(), "ours", tmp_path) == Path(sys.executable)
