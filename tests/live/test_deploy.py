"""The rendered configurations in the programs that read them."""

from __future__ import annotations

import shutil
import subprocess
from pathlib import Path
from typing import Any

import yaml

from generator.deploy.grafana import DASHBOARDS
from generator.deploy.prometheus import PATH, RULES
from tests.bundle import ROOT, files, thresholds
from tests.grafana import dashboards


def document(path: str) -> Any:
    return yaml.safe_load(files()[path])


def test_promtool_takes_prometheus_configuration(any_promtool: Path, tmp_path: Path) -> None:
    """With the rules where it looks for them."""
    rules = tmp_path / "rules"
    shutil.copytree(ROOT / "alerts", rules)
    text = files()[PATH].replace(RULES.rpartition("/")[0], str(rules))
    (tmp_path / "prometheus.yml").write_text(text)
    run = subprocess.run(
        [any_promtool, "check", "config", tmp_path / "prometheus.yml"],
        capture_output=True,
        text=True,
        timeout=60,
        check=False,
    )
    assert run.returncode == 0, run.stdout + run.stderr
    assert f"{len(list(rules.iterdir()))} rule files found" in run.stdout + run.stderr


def test_both_jobs_scrape_the_sidecars() -> None:
    jobs = thresholds().service.jobs
    found = {
        each["job_name"]: (each["metrics_path"], each["static_configs"][0]["targets"])
        for each in document(PATH)["scrape_configs"]
    }
    sidecars = list(thresholds().deploy.sidecars)
    assert found == {jobs.api: ("/metrics/app", sidecars), jobs.workers: ("/metrics", sidecars)}


def test_grafana_gets_the_data_sources_that_the_dashboards_look_for() -> None:
    sources = document("deploy/grafana/provisioning/datasources/auditor.yml")["datasources"]
    by_type = {each["type"]: each for each in sources}
    assert by_type["prometheus"]["isDefault"] is True
    wanted = {
        (variable["query"], variable["current"]["text"])
        for dashboard in dashboards().values()
        for variable in dashboard["templating"]["list"]
        if variable["type"] == "datasource"
    }
    assert wanted
    for kind, name in wanted:
        assert name in ("default", by_type[kind]["name"])
    (provider,) = document("deploy/grafana/provisioning/dashboards/auditor.yml")["providers"]
    assert provider["options"]["path"] == DASHBOARDS
