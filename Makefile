# DermTriage. `make help` lists the commands. Everything lives in .venv, in the checkout.
PYTHON ?= python3
BIN := .venv/bin
UV := $(BIN)/uv pip install -q --require-hashes --python
PIP := -m pip install -q --disable-pip-version-check --require-hashes
COMPILE = $(BIN)/uv pip compile -q --universal --python-version 3.11 --no-header --no-annotate --generate-hashes $(UPGRADE)
LISTS := requirements.txt requirements-serve.txt requirements-s3.txt requirements-assets.txt requirements-uv.txt
SBOM ?= sbom.cdx.json
NPM := PATH="$(CURDIR)/$(BIN):$$PATH" npm
DATA ?= ../shared/data/ham10000_256.zip
STRUCTURES ?= $(wildcard ../shared/data/isic2018_task2.zip)
CLINICS ?= $(wildcard ../shared/data/isic2019_84.zip)
MILK ?= ../shared/data/milk10k_320.zip
READINGS ?= $(wildcard ../shared/data/readings.zip)
SETS = --ham $(DATA) --milk $(MILK) --readings $(READINGS) --structures $(STRUCTURES) --pairs ml/data/same_lesions.csv
WEIGHTS ?= ../shared/weights/mobilenet_v2_imagenet.safetensors
# Keeps freed memory instead of giving it back after every image: augmentation then runs more than twice as fast.
TRAINING_MEMORY := MALLOC_MMAP_MAX_=0 MALLOC_TRIM_THRESHOLD_=100000000000
# Each test file goes to one of two processes; plain `pytest` runs them in one.
TWO_AT_A_TIME := --numprocesses=2 --dist=loadfile --no-loadscope-reorder
RUN ?= runs/$(shell date +%Y%m%d-%H%M)

.DEFAULT_GOAL := help
.PHONY: help run install install-all test test-faults lint hooks format settings safety guides train evaluate bench bench-web bench-scale load lighthouse fuzz audit sbom lock

help:  ## list the commands
	@grep -E '^[a-z-]+:.*##' $(MAKEFILE_LIST) | sed -E 's/:[^#]*## /\t/' | expand -t 14

run: install  ## demonstration on http://127.0.0.1:8000, Ctrl-C stops it
	@$(BIN)/python app.py --demo

install: .venv/serve.stamp static/packed/.stamp  ## what serving needs

install-all: install .venv/all.stamp .venv/s3.stamp node_modules/axe-core/axe.min.js  ## training and tests as well

.venv/uv.stamp: requirements-uv.txt
	$(PYTHON) -c 'import sys; sys.exit("Python 3.11 or newer is needed" if sys.version_info < (3, 11) else 0)'
	$(PYTHON) -m venv .venv
	$(BIN)/python $(PIP) -r $<
	@touch $@

.venv/serve.stamp: requirements-serve.txt requirements-assets.txt .venv/uv.stamp
	$(UV) $(BIN)/python -r requirements-serve.txt -r requirements-assets.txt || $(BIN)/python $(PIP) -r requirements-serve.txt -r requirements-assets.txt
	@touch $@

.venv/all.stamp: requirements.txt .venv/serve.stamp
	$(UV) $(BIN)/python -r requirements.txt || $(BIN)/python $(PIP) -r requirements.txt
	@touch $@

# The S3 server of the tests, in an environment of its own: it wants other versions than the program.
.venv/s3.stamp: requirements-s3.txt .venv/uv.stamp
	$(PYTHON) -m venv .venv/s3
	$(UV) .venv/s3/bin/python -r $< || .venv/s3/bin/python $(PIP) -r $<
	@touch $@

static/vendor/openseadragon.min.js: package-lock.json .venv/serve.stamp
	$(NPM) ci --omit=dev --no-audit --no-fund --silent
	$(NPM) run --silent vendor
	@touch $@

# Bootstrap without what no template and no script of ours names.
static/vendor/bootstrap.min.css: static/vendor/openseadragon.min.js $(wildcard templates/*.html templates/*/*.html static/js/*.js)
	$(NPM) run --silent trim

static/packed/.stamp: static/vendor/bootstrap.min.css $(wildcard static/css/*.css static/icons/*.svg) webapp/core/packing.py
	$(BIN)/python -m webapp.core.packing
	@touch $@

node_modules/axe-core/axe.min.js: package-lock.json static/vendor/openseadragon.min.js
	$(NPM) ci --no-audit --no-fund --silent
	@touch $@

test: install-all  ## lint, types, directions of import, and every test; COVERAGE=--cov measures coverage, half as long again
	$(MAKE) -s lint
	$(BIN)/python -m pytest $(TWO_AT_A_TIME) $(COVERAGE)

test-faults: install-all  ## kill, restart and race at length, on TEST_DATABASE_URL where that is set
	FAULTS=all $(BIN)/python -m pytest --numprocesses=2 --dist=load tests/faults

lint: install-all  ## ruff, mypy, import-linter
	$(BIN)/ruff check .
	$(BIN)/ruff format --check .
	$(BIN)/mypy
	$(BIN)/lint-imports

hooks: install-all  ## run the quick checks before each commit
	$(BIN)/pre-commit install

format: install-all  ## ruff's own layout
	$(BIN)/ruff check --fix .
	$(BIN)/ruff format .

settings: install  ## write docs/settings.md anew from the fields in webapp/core/config.py
	@$(BIN)/python -m webapp.core.settings_table > docs/settings.md

safety: install-all  ## write docs/safety.md anew from docs/hazards.toml and the tests
	@$(BIN)/python -m tests.hazard_log > docs/safety.md

guides: install-all  ## take the pictures of docs/guides anew, of the running demonstration
	@mkdir -p docs/guides/images
	@$(BIN)/python -m tests.browser.guides

train: install-all  ## train five folds and the network to ship into $(RUN), and make the bundle there
	$(TRAINING_MEMORY) $(BIN)/python -m ml folds $(RUN) $(SETS) --clinics $(CLINICS) --weights $(WEIGHTS)
	$(TRAINING_MEMORY) $(BIN)/python -m ml folds $(RUN) $(SETS) --clinics $(CLINICS) --weights $(WEIGHTS) --everything
	$(TRAINING_MEMORY) $(BIN)/python -m ml release $(RUN) $(RUN)/bundle $(SETS)

evaluate: install-all  ## show the shipped bundle's report; RUNS=folder BUNDLE=folder OUTPUT=folder measure it anew
	$(BIN)/python -m ml evaluate $(RUNS) $(if $(BUNDLE),--bundle $(BUNDLE)) --ham $(DATA) --milk $(MILK) --pairs ml/data/same_lesions.csv \
	  $(if $(READINGS),--readings $(READINGS)) $(if $(STRUCTURES),--structures $(STRUCTURES)) $(if $(OUTPUT),--output $(OUTPUT))

bench: install-all  ## time the engine against the alternatives, two minutes; the last line is JSON
	@$(BIN)/python -m ml bench $(if $(BUNDLE),--bundle $(BUNDLE))

bench-web: install-all  ## start, memory, time to a result, and cases a second against the usual way; six minutes
	@$(BIN)/python -m tests.load.web_bench

bench-scale: install-all  ## times of the pages at a thousand to a million cases, an hour; the last line is JSON
	@$(BIN)/python -m tests.load.scale $(OPTIONS)

load: install-all  ## the program under the load of sixty centres, ten minutes; the last line is JSON
	@$(BIN)/python -m tests.load.run $(OPTIONS)

fuzz: install-all  ## damaged files and invented requests for an hour; OPTIONS="--minutes 5 tables"
	@$(BIN)/python -W ignore -m tests.fuzz $(OPTIONS)

lighthouse: install tests/lighthouse/node_modules/.stamp  ## five pages as a phone on a slow line sees them, fifteen minutes
	@$(BIN)/python -m tests.lighthouse.measure $(OPTIONS)

tests/lighthouse/node_modules/.stamp: tests/lighthouse/package-lock.json
	$(NPM) ci --prefix tests/lighthouse --no-audit --no-fund --silent
	@touch $@

audit: install-all  ## advisories and licences of every pinned package; needs the network, so not a test
	$(BIN)/python -m tests.supply.advisories $(LISTS)
	$(BIN)/python -m tests.supply.licences

sbom: install-all  ## write the CycloneDX bill of materials of the runtime set into $(SBOM)
	@$(BIN)/python -m tests.supply.sbom > $(SBOM)

lock: .venv/uv.stamp  ## pin again what the .in files ask for, with hashes; UPGRADE=--upgrade takes newer versions
	for name in uv assets serve s3; do $(COMPILE) requirements-$$name.in -o requirements-$$name.txt || exit 1; done
	(cat requirements-serve.txt; grep -v '^-r' requirements.txt) > requirements.tmp
	$(COMPILE) requirements.in -o requirements.tmp
	(echo "-r requirements-serve.txt"; awk 'NR == FNR { if (/^[^ ]/) serve[$$0]; next } /^[^ ]/ { skip = $$0 in serve } !skip' \
	  requirements-serve.txt requirements.tmp) > requirements.new
	mv requirements.new requirements.txt
	rm requirements.tmp
