# One word per duty; CI calls the same words. `make` alone lists them.
STACK ?= lab
WORKERS ?= 4
PYTHON ?= python3
BIN := .venv/bin
# Without kept bytecode each start of the program compiles azure-native again, which takes four seconds.
unexport PYTHONDONTWRITEBYTECODE

.PHONY: help setup rehearse look parts drill pictures test soak plans lab-up lab-down lint format bench schema lock clean

help: ## this list
	@grep -hE '^[a-z-]+:.*##' $(MAKEFILE_LIST) | sed -E 's/^([a-z-]+):.*## /\1\t/' | expand -t 12

# Python's packages, the engine and PowerShell are fetched side by side.
setup: ## install what the project needs into .venv and .tools
	@$(MAKE) --no-print-directory --silent -j3 .venv/.installed engine powershell

.venv/.installed: requirements-dev.txt
	@echo "python: installing the locked packages into .venv, about half a minute"
	@$(PYTHON) -c 'import sys; sys.exit(sys.version_info < (3, 11) and "python: 3.11 or later is needed")'
	@$(PYTHON) -m venv .venv
	@# --no-compile: most modules of azure-native are never imported
	@$(BIN)/python -m pip install --quiet --disable-pip-version-check --no-compile --require-hashes -r $<
	@touch $@
	@echo "python: ready"

.PHONY: policies
policies: policies/.venv/.installed ## the policy pack's own packages

# An environment of its own: the policy SDK needs an older protobuf than the rest.
policies/.venv/.installed: policies/requirements.txt | .venv/.installed
	@$(PYTHON) -m venv $(@D)
	@$(@D)/bin/python -m pip install --quiet --disable-pip-version-check --no-compile --require-hashes -r $<
	@touch $@

.PHONY: engine
engine:
	@$(PYTHON) -m rehearsal.engine.build

.PHONY: powershell
powershell:
	@$(PYTHON) -m rehearsal.powershell.install

rehearse: setup ## the main job without Azure: make rehearse [STACK=prod] [OPTIONS=--keep]
	@$(BIN)/python -m rehearsal run --stack $(STACK) $(OPTIONS)

look: setup ## what a running or kept rehearsal holds: subscription, DNS, Exchange
	@$(BIN)/python -m rehearsal look --stack $(STACK)

parts: setup ## which parts of a rehearsal are real on this computer: make parts [OPTIONS=--real, which fails without the host and the provider]
	@$(BIN)/python -m rehearsal parts $(OPTIONS)

drill: setup ## lose a server in every way while 20 clients work; figures, a report, the failover picture: make drill [STACK=prod]
	@$(BIN)/python -m rehearsal drill --stack $(STACK) $(OPTIONS)

# A drill whose promises a busy computer misses leaves docs/failover.svg as it was.
pictures: setup ## rewrite docs/rehearsal.svg and docs/failover.svg from a rehearsal and a drill; five minutes on a quiet computer
	@$(BIN)/python -m rehearsal run --stack lab --picture docs/rehearsal.svg
	@$(BIN)/python -m rehearsal drill --stack lab
	@cp .rehearsal/drill/failover.svg docs/failover.svg

lab-up: setup ## a lab of your own in Azure, from stacks/Pulumi.lab.yaml: make lab-up NAME=anna [OPTIONS="--hours 8"]
	@$(BIN)/python -m operations lab up "$(NAME)" $(OPTIONS)

lab-down: setup ## the lab is gone, whatever was killed before: make lab-down NAME=anna
	@$(BIN)/python -m operations lab down "$(NAME)" $(OPTIONS)

# Side by side, by files: what a file deploys is deployed once. In their order, which begins with the long ones (engine).
PYTEST := $(BIN)/python -m pytest -n $(WORKERS) --dist loadfile --no-loadscope-reorder --durations 10

test: setup policies ## every test, or one tier: make test [TIER=unit, plan, scripts or engine]
	@$(PYTEST) -m "$(if $(TIER),$(TIER) and )not soak and not windows"

# One after the other: bounds are tight here, and a neighbour would be measured, too.
soak: setup policies ## what is long by nature: ten rotations under load, ten kills, Windows' own timers, twenty servers, whole installations
	@$(BIN)/python -m pytest --durations 10 -m soak

lint: setup .tools/bin/actionlint ## style, types, import contract, schema, workflows
	@$(BIN)/ruff check .
	@$(BIN)/ruff format --check .
	@$(BIN)/mypy
	@$(BIN)/mypy __main__.py
	@$(BIN)/lint-imports --no-logo
	@$(BIN)/python -m rehearsal.powershell.style
	@# what else a computer may have installed (shellcheck, pyflakes) is not asked: the same answer everywhere
	@.tools/bin/actionlint -shellcheck= -pyflakes=
	@$(BIN)/zizmor --quiet --offline --persona=auditor .github

.tools/bin/actionlint: .github/actionlint/go.sum
	@$(PYTHON) -m rehearsal.engine.build $(<D)

format: setup ## rewrite the code in the project's style
	@$(BIN)/ruff check --fix .
	@$(BIN)/ruff format .

bench: setup ## speed and memory as ratios, measured side by side
	@$(BIN)/python -m tests.bench $(OPTIONS)

schema: setup ## stacks/stack.schema.json and the reference in docs/stack-file.md, from the settings
	@$(BIN)/python -m stacks.schema
	@$(BIN)/python -m stacks.reference

plans: setup ## the kept plans in tests/data/plans, from the program as it is; read the difference
	@$(BIN)/python -m tests.plan.kept

lock: ## requirements*.txt from requirements*.in, with hashes
	@uv pip compile --quiet --universal --python-version 3.11 --generate-hashes --no-header requirements.in -o requirements.txt
	@uv pip compile --quiet --universal --python-version 3.11 --generate-hashes --no-header requirements-dev.in -o requirements-dev.txt
	@uv pip compile --quiet --universal --python-version 3.11 --generate-hashes --no-header policies/requirements.in -o policies/requirements.txt

clean: ## remove what rehearsals and checks leave behind
	@rm -rf .rehearsal .mypy_cache .ruff_cache .pytest_cache .hypothesis .import_linter_cache
