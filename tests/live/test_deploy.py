"""The rendered configurations in the programs that read them."""

from __future__ import annotations

import json
import os
import re
import shutil
import subprocess
import threading
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from http.server import BaseHTTPRequestHandler, HTTPServer
from pathlib import Path
from typing import Any

import pytest
import yaml

from generator.deploy import alertmanager
from generator.deploy.stack import BLACKBOX, COMPOSE, DASHBOARDS, PROMETHEUS, RULES
from tests import tools
from tests.bundle import ROOT, files, thresholds
from tests.grafana import dashboards
from tests.live.prometheus import free_port
from tests.live.waiting import HANGS, PATIENCE, until
from tests.tools.skipping import had

Json = dict[str, Any]
STACK = ROOT / COMPOSE
SERVICES = yaml.safe_load(files()[COMPOSE])["services"]
# What Compose asks for; the password's file need not exist to read the stack.
GIVEN = {"AUDITOR_IMAGE": "auditor:1", "GRAFANA_PASSWORD_FILE": "/nowhere/password"}


def document(path: str) -> Any:
    return yaml.safe_load(files()[path])


def test_promtool_takes_prometheus_configuration(any_promtool: Path, tmp_path: Path) -> None:
    """With the rules where it looks for them."""
    rules = tmp_path / "rules"
    shutil.copytree(ROOT / "alerts", rules)
    text = files()[PROMETHEUS].replace(RULES.rpartition("/")[0], str(rules))
    (tmp_path / "prometheus.yml").write_text(text)
    run = subprocess.run(
        [any_promtool, "check", "config", tmp_path / "prometheus.yml"],
        capture_output=True,
        text=True,
        timeout=HANGS,
        check=False,
    )
    assert run.returncode == 0, run.stdout + run.stderr
    assert f"{len(list(rules.iterdir()))} rule files found" in run.stdout + run.stderr


def test_every_job_has_its_targets() -> None:
    jobs = thresholds().service.jobs
    found = {
        each["job_name"]: (each.get("metrics_path"), each["static_configs"][0]["targets"])
        for each in document(PROMETHEUS)["scrape_configs"]
    }
    paths = {jobs.api: "/metrics/app", jobs.workers: "/metrics", jobs.probe: "/probe"}
    sidecars = list(thresholds().deploy.sidecars)
    assert found == {
        **{job: (path, sidecars) for job, path in paths.items()},
        "alertmanager": (None, list(thresholds().deploy.alertmanagers)),
    }


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


def composed(*paths: Path, **variables: str) -> subprocess.CompletedProcess[str]:
    """What Compose makes of files, each on top of the one before."""
    program = had(tools.DOCKER_COMPOSE)
    chosen = [part for path in paths for part in ("-f", str(path))]
    return subprocess.run(
        [program, *chosen, "config", "--format", "json"],
        env={"PATH": os.environ["PATH"], "HOME": "/nowhere", **variables},
        capture_output=True,
        text=True,
        timeout=HANGS,
        check=False,
    )


def test_compose_reads_the_stack() -> None:
    done = composed(STACK, **GIVEN)
    assert (done.returncode, done.stderr) == (0, "")
    services = json.loads(done.stdout)["services"]
    assert services.keys() == SERVICES.keys()
    hosts = [port["host_ip"] for each in services.values() for port in each.get("ports", ())]
    assert set(hosts) == {"127.0.0.1"}
    mounts = [mount for each in services.values() for mount in each["volumes"]]
    sources = [Path(mount["source"]) for mount in mounts if mount["type"] == "bind"]
    assert sources
    assert all(path.is_relative_to(ROOT) and path.exists() for path in sources)


@pytest.mark.parametrize("name", GIVEN)
def test_compose_says_what_is_missing(name: str) -> None:
    done = composed(STACK, **{key: value for key, value in GIVEN.items() if key != name})
    assert done.returncode != 0
    assert f"required variable {name} is missing a value" in done.stderr


@pytest.mark.parametrize(
    ("change", "words"),
    [
        (lambda found: found["loki"].update(readonly=True), "readonly is not allowed"),
        (lambda found: found["loki"].update(cap_drop="ALL"), "cap_drop must be a list"),
        (lambda found: found["grafana"].update(secrets=["x"]), "undefined secret"),
        (lambda found: found["loki"].update(volumes=["data:/loki"]), "undefined volume"),
        (lambda found: found.pop("loki"), "undefined service"),
    ],
    ids=["unknown", "form", "secret", "volume", "service"],
)
def test_compose_refuses_mistakes(
    change: Callable[[Json], object], words: str, tmp_path: Path
) -> None:
    """It holds every file against the specification's schema."""
    found = document(COMPOSE)
    change(found["services"])
    path = tmp_path / "compose.yaml"
    path.write_text(yaml.safe_dump(found))
    done = composed(path, **GIVEN)
    assert done.returncode != 0
    assert words in done.stderr


def test_compose_reads_the_sidecars_own_file() -> None:
    done = composed(ROOT / "deploy/sidecar/compose.yaml", **GIVEN)
    assert (done.returncode, done.stderr) == (0, "")


@contextmanager
def started(
    service: str, program: list[str | Path], folder: Path, places: Mapping[str, Path]
) -> Iterator[list[str]]:
    """A service's command as the stack gives it, on another port and with other paths.

    Gives the service's health check for that port.
    """
    port = str(free_port())
    (own,) = {each.split(":")[1] for each in SERVICES[service]["ports"]}
    arguments = [each.replace(f"=:{own}", f"=127.0.0.1:{port}") for each in command(service)]
    for path, place in places.items():
        arguments = [re.sub(f"={re.escape(path)}$", f"={place}", each) for each in arguments]
    with (folder / "log").open("w") as log:
        process = subprocess.Popen([*program, *arguments], stdout=log, stderr=subprocess.STDOUT)
    try:
        yield [each.replace(f":{own}", f":{port}") for each in check(service)]
    finally:
        process.terminate()
        process.wait(PATIENCE)


def command(service: str) -> list[str]:
    found: list[str] = SERVICES[service]["command"]
    return found


def check(service: str) -> list[str]:
    kind, *words = SERVICES[service]["healthcheck"]["test"]
    assert kind == "CMD"
    return [word.replace("$$", "$") for word in words]


def passes(words: list[str], program: Path) -> bool:
    """Whether a health check passes, its program being the one that is here."""
    done = subprocess.run([program, *words[1:]], capture_output=True, timeout=HANGS, check=False)
    return done.returncode == 0


def test_prometheus_starts_as_the_stack_starts_it(any_promtool: Path, tmp_path: Path) -> None:
    server = had(tools.PROMETHEUSES[-1])
    config = tmp_path / "prometheus.yml"
    config.write_text(files()[PROMETHEUS].replace(RULES.rpartition("/")[0], str(ROOT / "alerts")))
    places = {"/etc/prometheus/prometheus.yml": config, "/prometheus": tmp_path / "data"}
    with started("prometheus", [server], tmp_path, places) as words:
        assert words[0] == "promtool"
        until(lambda: passes(words, any_promtool), "Prometheus is healthy")
    assert not passes(words, any_promtool)


def test_alertmanager_starts_as_the_stack_starts_it(tmp_path: Path) -> None:
    amtool = had(tools.AMTOOLS[-1])
    had(tools.ALERTMANAGERS[-1])
    places = {
        "/etc/alertmanager/alertmanager.yml": ROOT / alertmanager.PATH,
        "/etc/alertmanager/auditor.tmpl": ROOT / alertmanager.TEXTS,
        "/alertmanager": tmp_path / "data",
    }
    server = tools.command(tools.ALERTMANAGERS[-1])
    with started("alertmanager", server, tmp_path, places) as words:
        assert words[0] == "amtool"
        until(lambda: passes(words, amtool), "Alertmanager is healthy")
    assert not passes(words, amtool)


def test_blackbox_exporter_starts_as_the_stack_starts_it(tmp_path: Path) -> None:
    program = had(tools.BLACKBOX_EXPORTERS[-1])
    places = {"/etc/blackbox_exporter/blackbox.yml": ROOT / BLACKBOX}
    with started("blackbox", [program], tmp_path, places) as words:
        assert words[0] == "wget"
        wget = shutil.which("wget") or pytest.skip("no wget on PATH")
        until(lambda: passes(words, Path(wget)), "blackbox_exporter is healthy")
    assert not passes(words, Path(wget))


@pytest.mark.parametrize("version", tools.BLACKBOX_EXPORTERS)
def test_blackbox_exporter_takes_its_configuration(version: str, tmp_path: Path) -> None:
    broken = tmp_path / "broken.yml"
    broken.write_text(files()[BLACKBOX].replace("prober", "probe"))
    for path, accepted in ((ROOT / BLACKBOX, True), (broken, False)):
        done = subprocess.run(
            [had(version), f"--config.file={path}", "--config.check"],
            capture_output=True,
            text=True,
            timeout=HANGS,
            check=False,
        )
        assert (done.returncode == 0) is accepted, done.stderr


@pytest.mark.parametrize("service", ["alloy", "sidecar", "auditor"])
@pytest.mark.parametrize(("status", "healthy"), [(200, True), (503, False), (None, False)])
def test_a_health_check_tells_who_is_ready(service: str, status: int | None, healthy: bool) -> None:
    """None: nobody listens."""

    class Handler(BaseHTTPRequestHandler):
        def do_GET(self) -> None:
            self.send_response(status or 0)
            self.end_headers()

        def log_message(self, *_: object) -> None:
            pass

    words = check(service)
    program = shutil.which("bash" if words[0] == "bash" else "python3")
    assert program
    with HTTPServer(("127.0.0.1", 0), Handler) as server:
        here = re.sub(r"127\.0\.0\.1([:/])\d+", rf"127.0.0.1\g<1>{server.server_port}", words[-1])
        thread = threading.Thread(target=server.serve_forever)
        if status is None:
            server.server_close()
        else:
            thread.start()
        try:
            assert passes([*words[:-1], here], Path(program)) is healthy
        finally:
            if status is not None:
                server.shutdown()
                thread.join(PATIENCE)


def blocks(language: str) -> list[str]:
    page = (ROOT / "docs/deploy/notifications.md").read_text()
    return re.findall(rf"```{language}\n(.*?)```", page, re.DOTALL)


def test_the_receivers_of_the_page_take_the_place_of_the_rendered_ones(
    amtool: Path, tmp_path: Path
) -> None:
    """Its own command puts them there, and amtool accepts the whole."""
    folder = tmp_path / "auditor"
    folder.mkdir()
    (folder / "receivers.yml").write_text(blocks("yaml")[0])
    *lines, checked = blocks("sh")[0].strip().splitlines()
    for line in (*lines, checked.replace("amtool", str(amtool))):
        done = subprocess.run(
            ["/bin/sh", "-euc", line],
            cwd=ROOT,
            env={"PATH": os.environ["PATH"], "HOME": str(tmp_path)},
            capture_output=True,
            text=True,
            timeout=HANGS,
            check=False,
        )
        assert done.returncode == 0, done.stderr
    made = yaml.safe_load((folder / "alertmanager.yml").read_text())
    rendered = document(alertmanager.PATH)
    assert {key: value for key, value in made.items() if key != "receivers"} == {
        key: value for key, value in rendered.items() if key != "receivers"
    }
    assert [each["name"] for each in made["receivers"]] == [
        each["name"] for each in rendered["receivers"]
    ]


def test_the_second_file_of_the_page_gives_alertmanager_what_it_reads(tmp_path: Path) -> None:
    receivers, second = blocks("yaml")
    (tmp_path / "compose.yaml").write_text(second)
    done = composed(STACK, tmp_path / "compose.yaml", **{**GIVEN, "HOME": str(tmp_path)})
    assert (done.returncode, done.stderr) == (0, "")
    service = json.loads(done.stdout)["services"]["alertmanager"]
    (config,) = [
        each for each in service["volumes"] if each["target"].endswith("/alertmanager.yml")
    ]
    assert config["source"] == str(tmp_path / "auditor/alertmanager.yml")
    assert f"--config.file={config['target']}" in service["command"]
    given = {each.get("target", f"/run/secrets/{each['source']}") for each in service["secrets"]}
    assert given == set(re.findall(r"/run/secrets/\w+", receivers))
    assert len(re.findall(r"\w+_file: /run/secrets/", receivers)) == len(given)
