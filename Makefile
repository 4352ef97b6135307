# make demo: install, then the whole way on synthetic recordings. make test: ruff, mypy and pytest. make bench: speed.
# make results: trains what docs/results.md reports and is not there yet, hours of it, goes on where it was; the tables.
# make campaign: damage, kills and hostile files, by the thousand.
# make docs: the pages as a site in site/, which opens without a server.
# make lowest: pytest with the oldest versions that setup.cfg allows; make lowest-quick: the two minutes of it that CI runs.
PYTHON ?= python3
VENV := .venv
BIN := $(VENV)/bin
LOWEST := .venv-lowest

# what stands closest to a library: torch, scipy and numba, pyts, scikit-learn, pandas and wfdb, h5py, torchvision, accelerate
QUICK := tests/representations tests/signals tests/sources/formats tests/sources/test_ptbxl.py tests/store/test_reading.py \
  tests/evaluation/test_metrics.py tests/evaluation/test_scores.py \
  tests/fusion/test_fitting.py tests/training/test_resume.py

.PHONY: demo test types types-of-tests lowest lowest-quick bench results campaign docs clean

demo: $(VENV)/installed
	$(BIN)/python -m pipeline.demo demo

test: $(VENV)/installed
	$(BIN)/ruff check .
	$(BIN)/ruff format --check .
	$(MAKE) --jobs=2 --output-sync types types-of-tests
	$(BIN)/python -m pytest

types types-of-tests: $(VENV)/installed

types:
	$(BIN)/mypy

types-of-tests:
	$(BIN)/mypy --config-file tests/mypy.ini

lowest: $(LOWEST)/installed
	$(LOWEST)/bin/python -m pytest

lowest-quick: $(LOWEST)/installed
	$(LOWEST)/bin/python -m pytest $(QUICK)

bench: $(VENV)/installed
	OMP_NUM_THREADS=1 $(BIN)/python -m benchmarks

results: $(VENV)/installed
	OMP_NUM_THREADS=1 $(BIN)/python -m benchmarks.results

campaign: $(VENV)/installed
	OMP_NUM_THREADS=1 $(BIN)/python -m campaign

docs: $(VENV)/installed
	NO_MKDOCS_2_WARNING=1 $(BIN)/python -m mkdocs build --strict
	@echo "open site/index.html"

$(LOWEST)/installed: CONSTRAINTS = --constraint $(LOWEST)/versions.txt
$(LOWEST)/installed: $(LOWEST)/versions.txt
$(LOWEST)/versions.txt: setup.cfg tests/lowest_versions.py
	mkdir -p $(LOWEST)
	$(PYTHON) tests/lowest_versions.py > $@

%/installed: setup.cfg pyproject.toml
	@$(PYTHON) -c 'import sys; sys.exit(sys.version_info < (3, 11))' || \
	  { echo "ecgfusion needs Python 3.11 or newer: make PYTHON=python3.11 $(MAKECMDGOALS)"; exit 1; }
	@$(PYTHON) -c 'import ensurepip, venv' 2>/dev/null || \
	  { echo "this Python has no venv: install it first (Debian and Ubuntu: apt-get install python3-venv)"; exit 1; }
	@echo "installing into $*: the first time pip fetches about 5 GB, PyTorch and what it needs, which takes some minutes"
	@echo "1 of 3: a virtual environment, some seconds"
	$(PYTHON) -m venv $*
	@echo "2 of 3: pip itself, some seconds"
	$*/bin/python -m pip install --quiet --upgrade pip
	@echo "3 of 3: the packages; pip names each and shows how much of it has come, then it unpacks them, a silent minute or two"
	$*/bin/python -m pip install $(CONSTRAINTS) --editable '.[test]'
	@echo "installed into $*"
	touch $@

clean:
	rm -rf $(VENV) $(LOWEST) demo site
