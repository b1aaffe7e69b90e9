# Every job of the course by name; `make` alone lists them.

SHELL := /bin/sh
.DEFAULT_GOAL := help
PYTHON ?= python3
BIN := .venv/bin
READY := .venv/ready

# Kernels start in the folder of their notebook, so the data folder must be absolute.
ifneq ($(COURSEKIT_DATA),)
override COURSEKIT_DATA := $(if $(filter /%,$(firstword $(COURSEKIT_DATA))),$(COURSEKIT_DATA),$(CURDIR)/$(COURSEKIT_DATA))
export COURSEKIT_DATA
endif

# Containers run as root, where JupyterLab asks for this flag.
LAB := $(BIN)/jupyter lab $(if $(filter 0,$(shell id -u)),--allow-root)

.PHONY: help lab setup clean

help: ## list the targets
	@grep -hE '^[a-z-]+:.*## ' $(MAKEFILE_LIST) | sed -E 's/^([a-z-]+):.*## (.*)/  make \1\t\2/' | expand -t 24

lab: setup ## open JupyterLab on notebooks/; sets up .venv where it is missing
	$(LAB) --ServerApp.root_dir=notebooks

setup: $(READY) ## install everything into .venv (the other targets do it when needed)

$(READY): requirements.txt pyproject.toml
	@command -v $(PYTHON) >/dev/null || { echo "Python is missing: install Python 3.11 to 3.13, or name it with PYTHON=..."; exit 1; }
	@$(PYTHON) -c 'import sys; sys.exit(not (3, 11) <= sys.version_info < (3, 14))' || { echo "TensorFlow runs on Python 3.11 to 3.13; $(PYTHON) is $$($(PYTHON) -V). Name another one, for example PYTHON=python3.12"; exit 1; }
	@$(PYTHON) -c 'import ensurepip, venv' 2>/dev/null || { echo "Python's venv is missing: on Debian and Ubuntu, 'sudo apt install python3-venv'"; exit 1; }
	@echo "Setting up .venv; the first time this downloads about 1 GB and takes some minutes."
	@test -x $(BIN)/python || $(PYTHON) -m venv .venv
	@# A shell may forbid compiled files, and uncompiled TensorFlow takes three times as long to import.
	@env -u PYTHONDONTWRITEBYTECODE $(BIN)/python -m pip install --quiet --disable-pip-version-check -r requirements.txt
	@env -u PYTHONDONTWRITEBYTECODE $(BIN)/python -m pip install --quiet --disable-pip-version-check --no-deps --editable .
	@# JupyterLab would ask every new user whether it may fetch news.
	@$(BIN)/jupyter labextension disable --level=sys_prefix @jupyterlab/apputils-extension:announcements >/dev/null 2>&1
	@touch $@

clean: ## remove .venv, caches and what was built; the journals of long runs in build/ stay
	rm -rf .venv build/site build/slides build/students build/colab build/screenshots build/compare .pytest_cache .ruff_cache
	find . -name __pycache__ -type d -prune -exec rm -rf {} +

# <!-- staff -->
# Jobs of instructors and graders: what students are given goes without them.

PYTEST := $(BIN)/python -m pytest -q
# Two notebooks at a time: a quick run uses little more than one core.
NBVAL := $(PYTEST) -n 2 --dist loadscope --nbval-lax --nbval-current-env --nbval-cell-timeout=300 -p no:cacheprovider
QUICK := COURSEKIT_QUICK=1 COURSEKIT_OFFLINE=1

# Where keys and grades go; git ignores both folders.
KEY := keys
OUT := grades

.PHONY: check lint test integration sync nbval check-grade check-browser check-site check-slides check-colab \
	picture notebooks students key grade compare-graders weights reproduce bench site slides lock

check: setup ## prove the course: lint, tests, sync, all notebooks in quick mode
	@$(MAKE) --no-print-directory lint test integration sync nbval

lint: setup ## check the style of all sources
	$(BIN)/ruff check --quiet .
	$(BIN)/ruff format --quiet --check .

test: setup ## run the unit tests
	$(PYTEST) -n auto --dist loadfile

integration: setup ## run the tests that start notebooks, make, a cluster or TensorFlow anew
	$(PYTEST) -m integration -n 2 --dist loadfile

sync: setup ## prove, without executing, that notebooks and solutions match the lessons
	$(BIN)/python -m staff.build --check

nbval: setup ## execute all notebooks and, in strict mode, all solutions; quick and offline
	$(QUICK) $(NBVAL) notebooks
	$(QUICK) COURSEKIT_STRICT=1 $(NBVAL) staff/solutions

check-browser: .venv/browser ## run all notebooks in JupyterLab in Chromium; LESSON=01 for one
	$(PYTEST) tests/browser/test_lab.py $(if $(LESSON),-k $(LESSON))

# What few people need is installed by the target that needs it, from a lock of its own.
.venv/browser .venv/publish: .venv/%: staff/requirements-%.txt $(READY)
	@env -u PYTHONDONTWRITEBYTECODE $(BIN)/python -m pip install --quiet --disable-pip-version-check -r $<
	@touch $@

# Colab runs Python 3.13; where there is none, the lessons run on the Python at hand.
COLAB_PYTHON ?= $(shell python3.13 -c 'import sys; print(sys.executable)' 2>/dev/null || echo $(BIN)/python)
COLAB := build/colab

check-colab: setup ## install coursekit among the packages that Colab has, then run all notebooks there
	rm -rf $(COLAB)
	$(BIN)/uv pip compile --quiet --python-version 3.13 --constraint tests/colab.txt pyproject.toml >/dev/null
	$(BIN)/uv venv --quiet --seed --python $(COLAB_PYTHON) $(COLAB)
	$(COLAB)/bin/python --version
	$(BIN)/uv pip install --quiet --compile-bytecode --python $(COLAB) --requirement tests/colab.txt
	$(COLAB)/bin/pip freeze > $(COLAB)/before
	$(COLAB)/bin/pip install --quiet --disable-pip-version-check .
	$(COLAB)/bin/pip freeze --exclude coursekit > $(COLAB)/after
	@diff $(COLAB)/before $(COLAB)/after || { echo "Installing coursekit changes what Colab has: mind the lower bounds in pyproject.toml"; exit 1; }
	$(BIN)/uv pip install --quiet --compile-bytecode --python $(COLAB) --constraint tests/colab.txt nbval pytest-xdist
	@$(MAKE) --no-print-directory nbval BIN=$(COLAB)/bin

picture: ## take the README's picture again: lesson 02 in JupyterLab
	@$(MAKE) --no-print-directory check-browser LESSON=lesson_02
	cp build/screenshots/02-explorer.png docs/lesson_02.png

notebooks: setup ## rebuild notebooks/ and staff/solutions/, executing what changed; LESSON=04 executes it again
	$(BIN)/python -m staff.build $(LESSON)

students: sync ## write build/students: what students are given, as a folder and as a zip file
	$(BIN)/python -m staff.students

check-grade: setup ## prove the grader: good, damaged and hostile submissions in the sandbox
	$(PYTEST) -m sandbox -n 2 --dist loadgroup tests/test_grade_sandbox.py tests/test_grade_cluster.py

key: setup ## make the keys for grading: SEED=secret, LESSON=05 for one lesson, KEY=folder
	$(BIN)/python -m staff.grade key --out "$(KEY)" $(if $(SEED),--seed "$$SEED") $(if $(LESSON),--lesson "$(LESSON)")

grade: setup ## grade SUBMISSIONS=folder with the keys in KEY=folder, results in OUT=folder
	$(BIN)/python -m staff.grade run --submissions "$(or $(SUBMISSIONS),$(error name the folder: make grade SUBMISSIONS=folder))" --key "$(KEY)" --out "$(OUT)" $(OPTIONS)

compare-graders: setup ## grade hostile submissions with nbgrader and otter-grader, too; measure speed; an hour
	$(BIN)/python -m staff.compare $(PART)

weights: setup ## optimise the weights that ship with coursekit again, on all of MNIST
	$(BIN)/python -m staff.pretrain

reproduce: setup ## train the lectures' networks by their published recipes; hours; RECIPE="..." for some
	$(BIN)/python -m staff.reproduce $(RECIPE)

bench: setup ## measure ratios of times, side by side; an hour; BENCH="..." for some
	$(BIN)/python -m staff.bench $(BENCH)

site: .venv/publish ## build build/site/html: the finished course for reading, offline
	$(BIN)/python -m staff.publish.site

slides: .venv/publish ## build build/slides: a deck and a PDF of each lesson; LESSON=04 builds one
	$(BIN)/python -m staff.publish.slides $(LESSON)

check-site: site ## test the site in Chromium
	$(PYTEST) tests/browser/test_site.py

check-slides: slides ## test the decks in Chromium
	$(PYTEST) tests/browser/test_slides.py

LOCK := $(BIN)/uv pip compile --quiet --universal --python-version 3.11 --upgrade --no-emit-index-url \
	--custom-compile-command "make lock"

lock: setup ## write the requirements files anew from pyproject.toml
	$(LOCK) --all-extras pyproject.toml --output-file requirements.txt
	$(LOCK) --group browser --constraint requirements.txt --output-file staff/requirements-browser.txt
	$(LOCK) --group publish --constraint requirements.txt --output-file staff/requirements-publish.txt
# <!-- /staff -->
