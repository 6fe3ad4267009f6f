"""The annotation of a load test in Grafana."""

from __future__ import annotations

from collections.abc import Iterator
from http.server import BaseHTTPRequestHandler

import pytest

from generator.grafana.command import TOKEN
from generator.names import LOAD_TEST
from tests.grafana import dashboards
from tests.live.grafana.server import EDITOR, VIEWER, FakeGrafana, send, serving
from tests.performance.annotations import annotate_run


@pytest.fixture
def grafana(monkeypatch: pytest.MonkeyPatch) -> Iterator[FakeGrafana]:
    monkeypatch.setenv(TOKEN, EDITOR)
    with serving(FakeGrafana()) as found:
        yield found


def test_a_run_is_a_region_on_every_dashboard(grafana: FakeGrafana) -> None:
    region = annotate_run("auditor", "smoke against http://here", grafana.url)
    region.start()
    (found,) = grafana.annotations
    assert found["timeEnd"] == found["time"]
    region.finish("verdict: target")
    assert found["text"] == "smoke against http://here: verdict: target"
    assert found["timeEnd"] > found["time"] > 1.7e12, "milliseconds"
    for board in dashboards().values():
        (query,) = (
            each["target"] for each in board["annotations"]["list"] if "tags" in each["target"]
        )
        assert set(query["tags"]) <= set(found["tags"]) == {"auditor", LOAD_TEST}


def test_without_an_address_nothing_is_sent(grafana: FakeGrafana) -> None:
    region = annotate_run("auditor", "smoke", "")
    region.start()
    region.finish("done")
    assert grafana.requests == []


def test_an_error_of_grafana_is_only_a_warning(
    grafana: FakeGrafana, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    def broken(handler: BaseHTTPRequestHandler) -> bool:
        send(handler, 500, "{}")
        return True

    monkeypatch.setenv(TOKEN, VIEWER)
    forbidden = annotate_run("auditor", "smoke", grafana.url)
    forbidden.start()
    forbidden.finish("done")
    monkeypatch.setenv(TOKEN, EDITOR)
    failing = annotate_run("auditor", "smoke", grafana.url)
    failing.start()
    grafana.faults["PATCH", "/api/annotations"] = broken
    failing.finish("done")
    monkeypatch.delenv(TOKEN)
    annotate_run("auditor", "smoke", grafana.url).start()
    monkeypatch.setenv(TOKEN, EDITOR)
    annotate_run("auditor", "smoke", "nowhere").start()
    warnings = capsys.readouterr().err.splitlines()
    assert [line.split(":")[0] for line in warnings] == ["warning"] * 4
    assert "it needs annotations:create" in warnings[0]
    assert "500" in warnings[1]
    assert f"{TOKEN} is not set" in warnings[2]
    assert "is not a valid address" in warnings[3]
