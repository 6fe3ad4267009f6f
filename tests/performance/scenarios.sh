#!/usr/bin/env bash
# Runs scenarios of load; `scenarios.sh --help` lists them. All else is in run.py.
set -euo pipefail
root=$(cd "$(dirname "${BASH_SOURCE[0]}")/../.." && pwd)
python=$root/.venv/bin/python
[[ -x $python ]] || python=python3
PYTHONPATH=$root${PYTHONPATH:+:$PYTHONPATH} exec "$python" -m tests.performance.run "$@"
