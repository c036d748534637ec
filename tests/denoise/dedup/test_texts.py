from __future__ import annotations

import random

import numpy as np
import pyarrow as pa
import pytest

from denoise.dedup.settings import DedupSettings
from denoise.dedup.texts import Reading, read_texts
from denoise.normal import normalise

WORDS, PAIRS, RUNS = DedupSettings(), DedupSettings(ngram=2), DedupSettings("characters", 5)


def sets(texts: list[str | None], settings: DedupSettings = RUNS) -> list[set[int]]:
    found = read_texts(pa.array(texts, pa.string()), settings).shingles
    return [set(found.values[a:b].tolist()) for a, b in zip(found.starts[:-1], found.starts[1:], strict=True)]


def any_texts(seed: int, count: int, end: int) -> list[str]:
    """Random code points below `end` among plain letters."""
    rng = random.Random(seed)
    points = [point for point in range(32, end) if not 0xD800 <= point < 0xE000]
    plain = "abc XYZ'’`-.,$€é"

    def letter() -> str:
        return chr(rng.choice(points)) if rng.random() < 0.3 else rng.choice(plain)

    return ["".join(letter() for _ in range(rng.randrange(16))) for _ in range(count)]


@pytest.mark.parametrize("end", [0x2500, 0x110000])
def test_texts_are_equal_where_their_normal_forms_are(end: int) -> None:
    texts = any_texts(1, 5000, end)
    normal = normalise(pa.array(texts)).to_pylist()
    hashes = [tuple(pair) for pair in read_texts(pa.array(texts), WORDS).hashes.tolist()]
    assert len(set(hashes)) == len(set(normal)) == len(set(zip(normal, hashes, strict=True)))


def test_the_kernel_reads_words_of_the_normal_form() -> None:
    assert sets(["Don't  stop—NOW…"], WORDS) == sets(["dont stop now"], WORDS)
    assert sets(["Ça va? ½"], WORDS) == sets(["ça va 1 2"], WORDS)
    assert sets(["你好"], WORDS) == sets(["你 好"], WORDS)


def test_the_whole_alphabet_of_a_script_is_lowered() -> None:
    texts = ["ÀÉÎÕÜ ŁŻ", "ПРИВЕТ МИР", "ΑΒΓ ΔΕΖ", "ﬁNE Ⅷ"]
    assert sets(texts, WORDS) == sets([text.lower() for text in texts], WORDS)


def test_runs_of_words() -> None:
    one, two = sets(["lost my card", "card my lost"], PAIRS)
    assert (len(one), len(one & two)) == (5, 3)  # three words, and two pairs in an order
    assert sets(["card"], PAIRS) == sets(["card"], WORDS)


def test_a_text_has_one_run_a_character() -> None:
    found = read_texts(pa.array(["a", "abcdef", "", None, "äöü"]), RUNS).shingles
    assert found.sizes.tolist() == [1, 6, 1, 1, 3]
    assert found.values.dtype == np.uint32


def test_repeated_runs_count_once_and_ascend() -> None:
    found = read_texts(pa.array(["aaaaaaaaaa"]), RUNS).shingles  # "  aaa", " aaaa", "aaaaa", "aaaa ", "aaa  "
    assert found.sizes.tolist() == [5]
    assert (np.diff(found.values.astype(np.int64)) > 0).all()


def test_edited_texts_share_the_runs_that_the_edit_left() -> None:
    left, right = sets(["abcdefgh", "abcdefgx"])
    assert (len(left & right), len(left | right)) == (5, 11)


def test_long_texts_are_sorted_too() -> None:
    text = " ".join(str(number) for number in np.random.default_rng(0).integers(0, 5000, 20_000))
    found = read_texts(pa.array([text]), WORDS).shingles
    assert found.sizes.tolist() == [len(set(text.split()))]
    assert (np.diff(found.values.astype(np.int64)) > 0).all()


def test_readings_depend_on_the_text_alone() -> None:
    alone = sets(["my card"])[0]
    assert sets(["xyz", "my card", "", "q"])[1] == alone
    assert sets(["my card", "你好", "my card"])[::2] == [alone, alone]


@pytest.mark.parametrize(
    ("settings", "first"), [(WORDS, [415682943, 2238668384, 3831778046]), (RUNS, [564844854, 896035596, 996028254])]
)
def test_readings_do_not_change_between_releases(settings: DedupSettings, first: list[int]) -> None:
    """Indexes hold them: raise settings.KERNEL with a change."""
    found = read_texts(pa.array(["Où est ma carte?"]), settings)
    assert found.hashes.tolist() == [[2732802375812027845, 14844508602393785518]]
    assert found.shingles.values[:3].tolist() == first


def test_slices_and_all_kinds_of_strings() -> None:
    texts = ["x", "Where is my card", None, "ünd"]
    plain = read_texts(pa.array(texts), WORDS)
    for column in (
        pa.array(["gone", *texts, "too"]).slice(1, 4),
        pa.array(texts, pa.large_string()),
        pa.array(texts).dictionary_encode(),
        pa.chunked_array([texts[:1], texts[1:]]),
    ):
        assert same(read_texts(column, WORDS), plain)


def same(one: Reading, two: Reading) -> bool:
    pairs = ((one.hashes, two.hashes), (one.shingles.values, two.shingles.values))
    return all((a == b).all() for a, b in (*pairs, (one.shingles.starts, two.shingles.starts)))


@pytest.mark.parametrize("column", [pa.array([], pa.string()), pa.chunked_array([], pa.string())])
def test_no_texts(column: pa.Array) -> None:
    found = read_texts(column, WORDS)
    assert (found.hashes.shape, found.shingles.values.tolist(), found.shingles.starts.tolist()) == ((0, 2), [], [0])
