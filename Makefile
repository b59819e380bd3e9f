# One command each: `make demo`, `make test`. Both make .venv on the first run and reuse it afterwards.
PYTHON ?= python3
VENV   := .venv
BIN    := $(VENV)/bin
READY  := $(VENV)/.ready
PARALLEL := --numprocesses 2 --dist loadfile

# NNI pins old packages, so it has an environment of its own.
NNI_VENV  := .venv-nni
NNI_READY := $(NNI_VENV)/.ready

.PHONY: demo test test-all test-nni lint clean bench-meta-step gpu-meta-step gpu-teachers gpu-studies

demo: $(READY)
	$(BIN)/gtn-nas demo --out runs/demo --force

test: $(READY)
	$(BIN)/pytest -m "not slow" $(PARALLEL)

test-all: $(READY)
	$(BIN)/pytest $(PARALLEL)

test-nni: $(NNI_READY)
	$(NNI_VENV)/bin/pytest -m "not slow" tests/search/test_nni_*.py tests/cli/test_nni.py

bench-meta-step: $(READY)
	$(BIN)/python benchmarks/meta_step.py --device cpu --json benchmarks/results/meta_step.json

gpu-meta-step: $(READY)
	$(BIN)/python benchmarks/meta_step.py --device cuda --json benchmarks/results/meta_step_gpu.json

gpu-teachers: $(READY)
	bash benchmarks/gpu/teachers.sh

gpu-studies: $(READY)
	bash benchmarks/gpu/studies.sh

lint: $(READY)
	$(BIN)/ruff check .
	$(BIN)/ruff format --check .
	$(BIN)/mypy

$(READY): pyproject.toml constraints.txt
	$(PYTHON) -m venv $(VENV)
	$(BIN)/python -m pip install --quiet --constraint constraints.txt --editable ".[dev]"
	touch $(READY)

$(NNI_READY): pyproject.toml constraints.txt constraints-nni.txt
	$(PYTHON) -m venv $(NNI_VENV)
	grep -v '^filelock' constraints.txt > $(NNI_VENV)/constraints.txt
	$(NNI_VENV)/bin/python -m pip install --quiet --constraint $(NNI_VENV)/constraints.txt \
		--constraint constraints-nni.txt --editable ".[dev,nni]"
	touch $(NNI_READY)

clean:
	rm -rf $(VENV) $(NNI_VENV) runs
