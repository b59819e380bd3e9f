# One command each: `make demo`, `make test`. Both make .venv on the first run and reuse it afterwards.
PYTHON ?= python3
VENV   := .venv
BIN    := $(VENV)/bin
READY  := $(VENV)/.ready
PARALLEL := --numprocesses 2 --dist loadfile

.PHONY: demo test test-all lint clean bench-meta-step gpu-meta-step gpu-teachers

demo: $(READY)
	$(BIN)/gtn-nas demo --out runs/demo --force

test: $(READY)
	$(BIN)/pytest -m "not slow" $(PARALLEL)

test-all: $(READY)
	$(BIN)/pytest $(PARALLEL)

bench-meta-step: $(READY)
	$(BIN)/python benchmarks/meta_step.py --device cpu --json benchmarks/results/meta_step.json

gpu-meta-step: $(READY)
	$(BIN)/python benchmarks/meta_step.py --device cuda --json benchmarks/results/meta_step_gpu.json

gpu-teachers: $(READY)
	bash benchmarks/gpu/teachers.sh

lint: $(READY)
	$(BIN)/ruff check .
	$(BIN)/ruff format --check .
	$(BIN)/mypy

$(READY): pyproject.toml constraints.txt
	$(PYTHON) -m venv $(VENV)
	$(BIN)/python -m pip install --quiet --constraint constraints.txt --editable ".[dev]"
	touch $(READY)

clean:
	rm -rf $(VENV) runs
