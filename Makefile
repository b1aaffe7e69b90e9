# Every job of the course by name; `make` alone lists them. Those of instructors and graders
# stand in staff/jobs.mk, which students do not have.

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

-include staff/jobs.mk
