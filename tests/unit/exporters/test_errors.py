from __future__ import annotations

import pytest

from exporters.errors import LOG_INTERVAL_SECONDS, ErrorCounter, ErrorReason
from exporters.exposition import render


def test_every_reason_is_counted_from_the_start() -> None:
    errors = ErrorCounter()
    errors.report(ErrorReason.PERMISSION, "worker 7")
    errors.report(ErrorReason.PERMISSION, "worker 8")
    page = render([errors.block()], openmetrics=False).decode()
    assert 'auditor_exporter_errors_total{reason="permission"} 2\n' in page
    assert page.count("} 0\n") == len(ErrorReason) - 1


def test_a_reason_is_logged_once_an_hour(caplog: pytest.LogCaptureFixture) -> None:
    now = 0.0
    errors = ErrorCounter(lambda: now)
    for now in (0.0, 1.0, LOG_INTERVAL_SECONDS - 1, LOG_INTERVAL_SECONDS + 1):
        errors.report(ErrorReason.CORRUPT, f"at {now}")
    errors.report(ErrorReason.WRITE, "another")
    messages = [record.getMessage() for record in caplog.records]
    assert [text.split(" (")[0] for text in messages] == [
        "corrupt: at 0.0",
        f"corrupt: at {LOG_INTERVAL_SECONDS + 1}",
        "write: another",
    ]
