#!/bin/sh
# All tests: style and types, everything on SQLite, then what touches the database on PostgreSQL.
set -eu
BIN=.venv/bin
$BIN/ruff check .
$BIN/ruff format --check .
$BIN/mypy
$BIN/pytest -n 2 --dist loadscope -q "$@"
$BIN/python -m tests.on_postgresql -n 2 --dist loadscope -q -m "not browser" \
    tests/models tests/actions tests/flow tests/engine tests/web tests/journey \
    tests/catalogue/test_storage.py tests/catalogue/test_clock.py "$@"
