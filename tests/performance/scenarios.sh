#!/usr/bin/env bash
# Runs load test scenarios with run.py; `scenarios.sh --help` lists them.
set -euo pipefail
root=$(cd "$(dirname "${BASH_SOURCE[0]}")/../.." && pwd)
python=$root/.venv/bin/python
[[ -x $python ]] || python=python3
PYTHONPATH=$root${PYTHONPATH:+:$PYTHONPATH} exec "$python" -m tests.performance.run "$@"
