# `make demo`, `make test` and `make check` need Python 3.11 or newer and nothing else: they make .venv by themselves.
PYTHON ?= python3
VENV := .venv
BIN := $(VENV)/bin
STAMP := $(VENV)/.installed

WEB := apps/web
WEB_MODULES := $(WEB)/node_modules/.installed
WEB_MODELS := $(addprefix $(WEB)/models/,qtips.onnx qtips-pile.onnx people-tiny.onnx people-lite0.onnx)
SIZE_qtips := --size 64 64
SIZE_qtips-pile := --size 128 128
SIZE_people-tiny := --dynamic
SIZE_people-lite0 := --dynamic
PORT ?= 8000
RUNTIMES ?= build/runtimes
# Named one by one: the __all__ of imexseg itself hides them from pdoc.
ROOMS := numerics layers models data data_gen storage inference evaluation training export report distributed smp

.PHONY: demo test test-slow check networks format docs figures runtimes web web-build clean help

help:
	@echo "make demo       train on Q-tips, evaluate, predict, export; says where the pictures are (minutes)"
	@echo "make web        the page that segments in the browser, on http://localhost:$(PORT)"
	@echo "make test       the test suite        make test-slow  what takes longer"
	@echo "make check      lint, format, types, direction of imports"
	@echo "make networks   what imexseg models prints, after a change of the registry or of a network"
	@echo "make docs       API pages from the docstrings, in build/docs"
	@echo "make figures    print the figures of the README (hours)"
	@echo "make runtimes   every network in every other runtime, for docs/runtimes.md (an hour)"

# uv resolves and installs in a minute or two; the constraints pin every version that was tested. Byte code is compiled once here,
# since importing torch without it takes twice as long in every process, and some machines are told to write none.
$(STAMP): pyproject.toml constraints.txt
	$(PYTHON) -c 'import sys; sys.exit(sys.version_info < (3, 11) and "Python 3.11 or newer is needed: make PYTHON=/path/to/python3.11")'
	$(PYTHON) -m venv $(VENV)
	$(BIN)/pip install --quiet --constraint constraints.txt uv
	$(BIN)/uv pip install --quiet --compile-bytecode --python $(BIN)/python --constraint constraints.txt --editable '.[dev]'
	touch $@

demo: $(STAMP)
	rm -rf demo
	@echo "--- 1/5 training the default network on generated Q-tips"
	$(BIN)/imexseg train --output demo/run
	@echo "--- 2/5 evaluating it on test images that it has not seen"
	$(BIN)/imexseg evaluate demo/run demo/run/data --split test
	@echo "--- 3/5 segmenting a few of them"
	$(BIN)/imexseg predict demo/run/data/images/test/00000*.png --weights demo/run --output demo/predictions
	@echo "--- 4/5 exporting it to ONNX and checking it against torch"
	$(BIN)/imexseg export demo/run --output demo/qtips.onnx
	@echo "--- 5/5 segmenting the same images with the exported file, without torch"
	$(BIN)/imexseg predict demo/run/data/images/test/00000*.png --weights demo/qtips.onnx --output demo/predictions-onnx
	set -e; for mask in demo/predictions/*_mask.png; do cmp $$mask demo/predictions-onnx/$$(basename $$mask); done
	@echo "the masks of both are equal"
	@echo "--- done; look at"
	@echo "report    demo/run/report.html"
	@echo "pictures  demo/predictions"
	@echo "weights   demo/run/best.safetensors, and demo/qtips.onnx for devices"

$(WEB_MODULES): $(WEB)/package-lock.json $(STAMP)
	$(BIN)/python $(WEB)/npm.py ci --ignore-scripts --no-audit --no-fund
	touch $@

$(WEB)/models/%.onnx: weights/%.safetensors $(STAMP) $(wildcard imexseg/export/*.py)
	mkdir -p $(@D)
	$(BIN)/imexseg export $< $(SIZE_$*) --output $@

web-build: $(WEB_MODULES) $(WEB_MODELS)
	$(BIN)/python $(WEB)/npm.py run build

web: web-build
	$(BIN)/python $(WEB)/serve.py --port $(PORT)

test: $(STAMP) $(WEB_MODULES)
	$(BIN)/pytest -q -n 2 --dist loadgroup

test-slow: $(STAMP) $(WEB_MODULES)
	$(BIN)/pytest -q -m slow

check: $(STAMP)
	$(BIN)/ruff check
	$(BIN)/ruff format --check
	$(BIN)/mypy
	$(BIN)/lint-imports

networks: $(STAMP)
	$(BIN)/python -m imexseg.models.summary

format: $(STAMP)
	$(BIN)/ruff check --fix
	$(BIN)/ruff format

docs: $(STAMP)
	$(BIN)/pdoc --output-directory build/docs imexseg $(addprefix imexseg.,$(ROOMS))
	@echo "open build/docs/index.html"

figures: web-build
	$(BIN)/python benchmarks/solve.py
	$(BIN)/python benchmarks/qtips.py authors
	$(BIN)/python benchmarks/qtips.py pile
	$(BIN)/python benchmarks/web.py
	$(BIN)/python benchmarks/export.py time
	$(BIN)/python benchmarks/export.py parity
	$(BIN)/python benchmarks/reversible.py
	$(BIN)/python -m benchmarks.family authors
	$(BIN)/python -m benchmarks.family pile --images 512 --epochs 3
	$(BIN)/python -m benchmarks.multilevel training
	$(BIN)/python -m benchmarks.multilevel transfer --epochs 3

# Every converter and runtime in an environment of its own: 16 GB, an hour on a quiet machine.
runtimes: $(STAMP)
	$(BIN)/python -m benchmarks.runtimes --cache $(RUNTIMES)

clean:
	rm -rf $(VENV) build runs demo predictions $(WEB)/node_modules $(WEB)/models $(WEB)/dist
