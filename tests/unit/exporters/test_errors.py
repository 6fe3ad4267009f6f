from __future__ import annotations

import pytest

from exporters.errors import QUIET_SECONDS, Errors
from exporters.exposition import render
from exporters.reasons import Reason


def test_every_reason_is_counted_from_the_start() -> None:
    errors = Errors()
    errors.report(Reason.PERMISSION, "worker 7")
    errors.report(Reason.PERMISSION, "worker 8")
    page = render([errors.block()], openmetrics=False).decode()
    assert 'auditor_exporter_errors_total{reason="permission"} 2\n' in page
    assert page.count("} 0\n") == len(Reason) - 1


def test_a_reason_is_logged_once_an_hour(caplog: pytest.LogCaptureFixture) -> None:
    now = 0.0
    errors = Errors(lambda: now)
    for now in (0.0, 1.0, QUIET_SECONDS - 1, QUIET_SECONDS + 1):
        errors.report(Reason.CORRUPT, f"at {now}")
    errors.report(Reason.WRITE, "another")
    said = [record.getMessage() for record in caplog.records]
    assert [text.split(" (")[0] for text in said] == [
        "corrupt: at 0.0",
        f"corrupt: at {QUIET_SECONDS + 1}",
        "write: another",
    ]
