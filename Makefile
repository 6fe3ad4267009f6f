# Everything a developer or a CI job runs; `make help` lists the targets.
# Works from any login shell: recipes run in bash, the virtual environment is made on first use.
SHELL := bash
.SHELLFLAGS := -euo pipefail -c
.DELETE_ON_ERROR:
.DEFAULT_GOAL := all
MAKEFLAGS += --no-builtin-rules --warn-undefined-variables
# Python is started hundreds of times; compiled files save a third of what pytest takes to begin.
unexport PYTHONDONTWRITEBYTECODE

PYTHON ?= python3
PYTEST_ARGS ?= -n auto --dist loadgroup
DEMO_ARGS ?=
MUTATE_ARGS ?=

VENV := .venv
STAMP := $(VENV)/.installed
BIN := $(VENV)/bin
TOOLS := .tools
PROMTOOL ?= $(TOOLS)/bin/promtool-3

.PHONY: all
all: $(STAMP)  ## Render everything: dashboards, alerts, promtool tests, docs
	$(BIN)/python -m generator render

.PHONY: dashboards alerts promtool-tests docs deploy
dashboards: $(STAMP)  ## Render the Grafana dashboards
alerts: $(STAMP)  ## Render the recording and alerting rules
promtool-tests: $(STAMP)  ## Render the promtool unit tests of the rules
docs: $(STAMP)  ## Render the runbooks
deploy: $(STAMP)  ## Render the configurations of Prometheus, Alertmanager and Grafana, Compose and Kubernetes
dashboards alerts promtool-tests docs deploy:
	$(BIN)/python -m generator render --only $@

.PHONY: check
check: $(STAMP)  ## Fail, with a diff, if a committed artefact differs from its rendering
	$(BIN)/python -m generator check

.PHONY: lint
lint: $(STAMP)  ## ruff check, ruff format --check, mypy --strict
	$(BIN)/ruff check
	$(BIN)/ruff format --check
	$(BIN)/mypy

.PHONY: format
format: $(STAMP)  ## Format the Python and apply ruff's safe fixes
	$(BIN)/ruff check --fix
	$(BIN)/ruff format

.PHONY: test
test: $(STAMP) tools  ## Run the tests, within five minutes (PYTEST_ARGS='-k name' selects)
	$(BIN)/pytest $(PYTEST_ARGS)

.PHONY: full-test
full-test: $(STAMP) tools  ## Run the tests that take longer: every value changed, older versions, every scenario
	$(BIN)/pytest $(PYTEST_ARGS) -m 'full and not bench'

.PHONY: test-live
test-live: $(STAMP) tools  ## Inject every fault of the demo, follow each to the receiver, write build/fault-matrix.md
	rm -rf build/faults
	$(BIN)/pytest -m 'matrix and not alone' -n 4 --dist loadgroup tests/live/demo || failed=$$?
	$(BIN)/pytest -m 'matrix and alone' tests/live/demo || failed=$$?
	$(BIN)/python -m tests.live.demo.table
	exit $${failed:-0}

.PHONY: mutate
mutate: $(STAMP) tools  ## Change the rules in every way that a test should notice (MUTATE_ARGS='--only AuditorDown')
	$(BIN)/python -m mutation alerts/*.yml --tests promtool-tests/*.yml --excuses mutation-excuses.yaml \
	  --promtool $(PROMTOOL) $(MUTATE_ARGS)

.PHONY: bench
bench: $(STAMP) tools  ## Measure rendering, what the rules cost, and the sidecar beside its peers
	$(BIN)/pytest -m bench -s tests/performance

.PHONY: scoreboard
scoreboard: $(STAMP) tools  ## Run every incident scenario beside the guide's rules, write docs/scoreboard.md
	$(BIN)/python -m generator scoreboard --promtool $(PROMTOOL)

.PHONY: demo
demo: $(STAMP) tools  ## Run the whole stack here, around a stand-in Auditor (DEMO_ARGS='--inject errors')
	$(BIN)/python -m demo $(DEMO_ARGS)

.PHONY: tools
tools: $(STAMP)  ## Fetch the outside programs and schemas that tests and demo run into .tools/
	@$(BIN)/python -m tests.tools

.PHONY: all-tools
all-tools: $(STAMP)  ## As tools, but build what is not packaged (slow), and fail if one is missing
	@$(BIN)/python -m tests.tools --all

.PHONY: requirements
requirements: $(STAMP)  ## Recompile requirements*.txt to the newest versions
	export UV_CUSTOM_COMPILE_COMMAND='make requirements'
	for set in requirements exporters/requirements mutation/requirements requirements-dev tests/tools/requirements; do
	  $(BIN)/uv pip compile --quiet --upgrade --universal --python-version 3.11 \
	    --generate-hashes --no-annotate "$$set.in" --output-file "$$set.txt"
	done

.PHONY: clean
clean:  ## Remove caches; keep the environment and the tools
	rm -rf .mypy_cache .pytest_cache .ruff_cache .hypothesis
	find . -name __pycache__ -type d -not -path './$(VENV)/*' -not -path './$(TOOLS)/*' -prune -exec rm -rf {} +

.PHONY: distclean
distclean: clean  ## As clean, and remove the environment and the tools too
	rm -rf $(VENV) $(TOOLS)

.PHONY: help
help:  ## Show this list
	@awk -F ':.*## ' '/^[a-z-]+:.*## / { printf "%-16s %s\n", $$1, $$2 }' $(firstword $(MAKEFILE_LIST))

.ONESHELL:
$(STAMP): requirements-dev.txt
	@if [[ -L $(VENV) ]]; then
	  echo 'make: $(VENV) links to an environment that is older than requirements-dev.txt; run make there, or remove the link' >&2
	  exit 1
	fi
	if ! $(PYTHON) -c 'import sys; sys.exit(sys.version_info < (3, 11))' 2>/dev/null; then
	  echo 'make: $(PYTHON) is missing or older than 3.11; name a newer one: make PYTHON=python3.12' >&2
	  exit 1
	fi
	if ! $(PYTHON) -c 'import ensurepip, venv' 2>/dev/null; then
	  echo 'make: $(PYTHON) has no venv module; on Debian and Ubuntu: apt-get install python3-venv' >&2
	  exit 1
	fi
	echo 'make: installing requirements-dev.txt into $(VENV)' >&2
	$(PYTHON) -m venv --clear $(VENV)
	$(BIN)/python -m pip install --quiet --disable-pip-version-check --require-hashes -r requirements-dev.txt
	touch $@
