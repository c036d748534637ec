"""Models by URI: what is taken, once, and what cannot be read. No network: a folder's URI, and the hub's own cache."""

from __future__ import annotations

import os
import subprocess
import sys
import threading
from pathlib import Path

import pytest

from generation.errors import UserError
from generation.fetch import fetch_model, locked
from tests.generation.cases import make_model

ROOT = Path(__file__).parents[2]


def test_a_folder_is_fetched_once(tmp_path: Path) -> None:
    source = make_model(tmp_path / "m")
    (source / "pytorch_model.bin").write_bytes(b"code")
    (source / "original").mkdir()
    uri = f"file://{source}"
    folder = fetch_model(uri, "model", tmp_path / "cache")
    names = ["chat_template.jinja", "config.json", "model.safetensors", "tokenizer.json", "tokenizer_config.json"]
    assert sorted(path.name for path in folder.iterdir()) == names
    assert (folder / "model.safetensors").read_bytes() == b"weights"
    (source / "config.json").unlink()
    assert fetch_model(uri, "model", tmp_path / "cache") == folder
    assert sorted(path.name for path in folder.iterdir()) == names
    assert [path.name for path in (tmp_path / "cache").iterdir() if path.name.startswith(".")] == []


@pytest.mark.parametrize("uri", ["file:///none/at/all", "nowhere://bucket/m"])
def test_what_cannot_be_read(tmp_path: Path, uri: str) -> None:
    with pytest.raises(UserError, match=f"^model: '{uri}' cannot be read: "):
        fetch_model(uri, "model", tmp_path / "cache")
    assert [path.suffix for path in (tmp_path / "cache").iterdir()] == [".lock"]


def test_credentials_are_refused_and_not_repeated(tmp_path: Path) -> None:
    with pytest.raises(UserError, match=r"^model: s3://bucket/m: must hold no credentials; set them") as refused:
        fetch_model("s3://me:hush@bucket/m", "model", tmp_path / "cache")
    assert "hush" not in str(refused.value)


def test_one_at_a_time(tmp_path: Path) -> None:
    seen: list[str] = []

    def other() -> None:
        with locked(tmp_path / "x.lock"):
            seen.append("other")

    with locked(tmp_path / "x.lock"):
        thread = threading.Thread(target=other)
        thread.start()
        thread.join(0.2)
        seen.append("first")
    thread.join(10)
    assert seen == ["first", "other"]


def fetched_from_hub(home: Path, uri: str) -> subprocess.CompletedProcess[str]:
    script = (
        "import sys, pathlib; from generation.fetch import fetch_model; from generation.errors import UserError\n"
        "try: print(fetch_model(sys.argv[1], 'model', pathlib.Path('.')))\n"
        "except UserError as error: sys.exit(str(error))"
    )
    environment = {**os.environ, "HF_HOME": str(home), "HF_HUB_OFFLINE": "1"}
    command = [sys.executable, "-c", script, uri]
    return subprocess.run(command, cwd=ROOT, env=environment, capture_output=True, text=True)


def test_the_hubs_cache(tmp_path: Path) -> None:
    repository = tmp_path / "hub" / "models--owner--small"
    snapshot = make_model(repository / "snapshots" / "0123abcd")
    (repository / "refs").mkdir()
    (repository / "refs" / "v1").write_text("0123abcd")
    found = fetched_from_hub(tmp_path, "hf://owner/small@v1")
    assert (found.stdout, found.returncode) == (f"{snapshot}\n", 0), found.stderr
    missing = fetched_from_hub(tmp_path, "hf://owner/other")
    assert missing.stderr == (
        "model: hf://owner/other is not in the hub's cache on this machine; set HF_HUB_OFFLINE=0 to download it\n"
    )
    wrong = fetched_from_hub(tmp_path, "hf://a/b/c")
    assert wrong.stderr.startswith("model: hf://a/b/c cannot be read: Repo id must be in the form")
