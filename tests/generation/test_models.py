"""Which folder a model name means, and its hash."""

from __future__ import annotations

from pathlib import Path

import pytest

from generation.errors import UserError
from generation.models import EMBEDDED_ENCODER, cache_dir, context_of, embedded_lm_dir, model_hash, resolve_model


@pytest.fixture(autouse=True)
def cache(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.setenv("LABELMILL_CACHE", str(tmp_path / "cache"))
    return tmp_path / "cache"


def make_model(folder: Path, config: str = "{}", weights: bytes = b"weights") -> Path:
    folder.mkdir()
    (folder / "config.json").write_text(config)
    (folder / "model.safetensors").write_bytes(weights)
    return folder


def test_cache_folder(cache: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    assert cache_dir() == cache
    assert embedded_lm_dir() == cache / "models" / "smollm2-135m-instruct-v2"
    monkeypatch.delenv("LABELMILL_CACHE")
    monkeypatch.setenv("XDG_CACHE_HOME", "/somewhere")
    assert cache_dir() == Path("/somewhere/labelmill")


def test_names_that_resolve(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    make_model(tmp_path / "mine")
    monkeypatch.chdir(tmp_path)
    assert resolve_model("mine") == (tmp_path / "mine").resolve()
    encoder = resolve_model(EMBEDDED_ENCODER)
    assert (encoder / "config.json").is_file()
    assert (encoder / "model.safetensors").is_file()


@pytest.mark.parametrize(
    ("name", "expected"),
    [
        (
            "embedded:gpt",
            "student.model: no embedded model called 'embedded:gpt'; "
            "known are embedded:smollm2-135m-instruct or embedded:all-minilm-l6-v2",
        ),
        ("nowhere", "student.model: must be a folder with a config.json (a Hugging Face model); got 'nowhere'"),
        (
            "~nobody-at-all/m",
            "student.model: must be a folder with a config.json (a Hugging Face model); got '~nobody-at-all/m'",
        ),
        ("bare", "student.model: 'bare' holds no *.safetensors; other weight formats are not loaded"),
        ("remote", "student.model: 'remote' needs remote code (auto_map in config.json); that is never run"),
        ("list", "student.model: list/config.json must be a JSON object; got [1]"),
        (
            "broken",
            "student.model: broken/config.json must be a JSON object; Expecting value: line 1 column 1 (char 0)",
        ),
    ],
)
def test_names_that_do_not(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, name: str, expected: str) -> None:
    for folder, config in {"remote": '{"auto_map": {}}', "list": "[1]", "broken": "x"}.items():
        make_model(tmp_path / folder, config)
    (tmp_path / "bare").mkdir()
    (tmp_path / "bare" / "config.json").write_text("{}")
    monkeypatch.chdir(tmp_path)
    with pytest.raises(UserError) as caught:
        resolve_model(name, "student.model")
    assert str(caught.value) == expected


def test_hash_is_of_content_and_not_of_the_place(tmp_path: Path) -> None:
    one, two = make_model(tmp_path / "one"), make_model(tmp_path / "two")
    # sha256 over (name, NUL, sha256 of the file) for config.json and model.safetensors
    assert model_hash(one) == model_hash(two) == "3f117ffbac15cf6a"
    (two / "notes.md").write_text("not part of the model")
    assert model_hash(two) == model_hash(one)
    (two / "model.safetensors").rename(two / "other.safetensors")
    assert model_hash(two) != model_hash(one)


def test_hash_sees_a_change_of_equal_size_at_once(tmp_path: Path) -> None:
    model = make_model(tmp_path / "model", weights=b"a")
    hashes = [model_hash(model)]
    for weights in (b"b", b"c"):
        (model / "model.safetensors").write_bytes(weights)
        hashes.append(model_hash(model))
    assert len(set(hashes)) == 3


def test_hash_is_remembered_for_settled_files_only(tmp_path: Path, cache: Path) -> None:
    model_hash(make_model(tmp_path / "young"))
    assert not (cache / "hashes").exists()
    encoder = resolve_model(EMBEDDED_ENCODER)
    first = model_hash(encoder)
    assert [path.read_text() for path in (cache / "hashes").iterdir()] == [first]
    assert model_hash(encoder) == first


@pytest.mark.parametrize(
    ("config", "expected"),
    [
        ("{}", None),
        ('{"max_position_embeddings": 512}', 512),
        ('{"max_position_embeddings": 512, "rope_parameters": {"rope_type": "default", "rope_theta": 1e5}}', 512),
        ('{"max_position_embeddings": 512, "rope_scaling": {"type": "linear", "factor": 4.0}}', None),
        ('{"max_position_embeddings": 512, "rope_parameters": {"rope_type": "yarn"}}', None),
        ('{"text_config": {"max_position_embeddings": 512}}', None),
    ],
)
def test_the_context_that_a_model_was_made_for(tmp_path: Path, config: str, expected: int | None) -> None:
    assert context_of(make_model(tmp_path / "model", config)) == expected
