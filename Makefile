# heapledger. `make help` lists what there is to make; each target installs what it needs and nothing else.
PYTHON ?= python3
JOBS ?= $(shell nproc)
FUZZ_SECONDS ?= 60
export PYTHON JOBS

.DEFAULT_GOAL := help
.PHONY: help setup demo test test-long unit lint format bench fuzz test-all-pythons test-cpython clean

help:  ## this list
	@awk -F':.*## ' '/^[a-z-]+:.*## / { printf "make %-17s %s\n", $$1, $$2 }' $(MAKEFILE_LIST)

setup:  ## build and install into .venv (PYTHON=python3.X chooses the interpreter; JOBS=N the compilers at once)
	@tools/setup

demo: setup  ## run the example service under load and print what its requests cost
	@.venv/bin/heapledger demo

test: unit  ## everything that CI runs; the report is build/test-report.json (TESTS="..." to choose)
	@.venv/bin/python -m pytest $(TESTS) --json-report --json-report-file=build/test-report.json \
	  --json-report-indent=1 --json-report-omit collectors log streams

test-long: setup  ## what takes minutes: fifty clean endpoints under 250,000 requests, in three frameworks
	@.venv/bin/python -m pytest -rA $(or $(TESTS),tests/long_clean_services.py)

unit: setup  ## build the GoogleTest programs: plain, asan-ubsan and tsan
	@tools/setup packages libjemalloc2 libmimalloc2.0 libtcmalloc-minimal4 postgresql redis-server nginx-light
	@tools/build-tests unit asan-ubsan tsan

lint:  ## formatting, static analysis and types; changes nothing
	@tools/lint

format:  ## apply clang-format and ruff format
	@tools/lint --fix

bench:  ## instructions, resident memory and CPU per request against bare, tracemalloc and memray
	@tools/bench $(BENCH)

fuzz:  ## run each fuzzer for FUZZ_SECONDS
	@FUZZ_SECONDS=$(FUZZ_SECONDS) tools/fuzz $(FUZZ)

test-all-pythons:  ## the `every_python` tests under each Python from 3.10 to 3.15 that is found
	@tools/test-all-pythons

test-cpython: setup  ## CPython's own tests with and without heapledger (needs the interpreter's `test` package)
	@tools/test-cpython

clean:  ## remove build/ and .venv
	rm -rf build .venv
