# Needs Python 3.11 to 3.13 (as the ROS 2 wheels do) and make; everything else is installed into .venv.
SHELL := /bin/bash
VENV := .venv
PYTHON ?= $(shell for p in python3 python3.13 python3.12 python3.11; do \
	command -v $$p >/dev/null && $$p -c 'import sys; sys.exit(not (3, 11) <= sys.version_info[:2] <= (3, 13))' 2>/dev/null && echo $$p && break; done)
INSTALL := $(VENV)/bin/python -m pip install --quiet --disable-pip-version-check --constraint constraints.txt

# Python bindings of TensorRT and CUDA, oldest to newest that are served, side by side: a test holds our calls to them.
# TensorRT's own libraries and a GPU are not needed. Where a version has no wheel for this Python, its test says so.
APIS := tensorrt-cu12-bindings==10.3.0 tensorrt-cu13-bindings==10.16.1.11 tensorrt-cu13-bindings==11.4.0.106 \
	cuda-python==12.6.0 cuda-bindings==13.4.4

.PHONY: demo test test-jazzy lint fmt venv clean

demo: $(VENV)/.demo
	$(VENV)/bin/dap demo --out demo_out

# A process for each room: DDS, the renderer's compiler and three inference engines are much for one.
test: $(VENV)/.test $(VENV)/.tensorrt-api
	$(VENV)/bin/python -m pytest tests/dap_core tests/test_architecture.py tests/test_docs.py $(PYTEST_ARGS)
	$(VENV)/bin/python -m pytest tests/dap_ros $(PYTEST_ARGS)
	$(VENV)/bin/python -m pytest tests/training $(PYTEST_ARGS)

# The same tests of the node on Jazzy, the long-term release, from its own wheels.
test-jazzy: $(VENV)-jazzy/.test
	$(VENV)-jazzy/bin/python -m pytest tests/dap_ros $(PYTEST_ARGS)

lint: $(VENV)/.test
	$(VENV)/bin/ruff check .
	$(VENV)/bin/ruff format --check .
	$(VENV)/bin/mypy

fmt: $(VENV)/.test
	$(VENV)/bin/ruff check --fix .
	$(VENV)/bin/ruff format .

venv: $(VENV)/.test

$(VENV)/bin/python:
	@test -n "$(PYTHON)" || { echo "no Python 3.11 to 3.13 found; install one, or name it: make demo PYTHON=/path/to/python3.12" >&2; exit 1; }
	$(PYTHON) -m venv $(VENV)

# The demo needs no torch: only what a robot would install, and ROS 2 from wheels.
$(VENV)/.demo: $(VENV)/bin/python setup.py constraints.txt
	@echo "installing into $(VENV) ..."
	$(INSTALL) --editable '.[ros-wheels]'
	@touch $@

$(VENV)/.test: $(VENV)/.demo
	@echo "installing what tests and training need (torch among it) ..."
	$(INSTALL) torch==2.13.0
	$(INSTALL) --editable '.[ros-wheels,test]'
	@touch $@

$(VENV)-jazzy/.test: setup.py constraints.txt constraints-jazzy.txt
	@test -n "$(PYTHON)" || { echo "no Python 3.11 to 3.13 found; name one: make test-jazzy PYTHON=/path/to/python3.12" >&2; exit 1; }
	$(PYTHON) -m venv $(VENV)-jazzy
	@{ grep -v '^ros-' constraints.txt; cat constraints-jazzy.txt; } > $(VENV)-jazzy/constraints.txt
	@echo "installing into $(VENV)-jazzy ..."
	$(VENV)-jazzy/bin/python -m pip install --quiet --disable-pip-version-check --constraint $(VENV)-jazzy/constraints.txt \
		--editable '.[ros-wheels]' onnx pytest pytest-timeout \
		colcon-core colcon-ros colcon-package-selection colcon-python-setup-py
	@touch $@

$(VENV)/.tensorrt-api: $(VENV)/bin/python Makefile
	@for api in $(APIS); do \
		{ $(INSTALL) --upgrade --target $(VENV)/tensorrt-api/$$api $$api || echo "no $$api for this Python" >&2; } & \
	done; wait
	@touch $@

clean:
	rm -rf $(VENV) $(VENV)-jazzy build install log demo_out *.egg-info
