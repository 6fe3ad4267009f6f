"""The pages about deploying say what the files hold, and links of the pages lead somewhere."""

from __future__ import annotations

import fnmatch
import re
from pathlib import Path

import pytest
import yaml

from generator.deploy import alertmanager, stack
from generator.deploy.kubernetes import FOLDER, LARGEST
from generator.thresholds.units import format_duration
from tests import tools
from tests.bundle import ROOT, files, thresholds
from tests.tools.wanted import TOOLS

PAGES = sorted((ROOT / "docs/deploy").glob("*.md"))
each_page = pytest.mark.parametrize("page", PAGES, ids=lambda page: page.name)


def text(name: str) -> str:
    return (ROOT / f"docs/deploy/{name}.md").read_text()


def first_cells(name: str, heading: str) -> list[str]:
    """The first column of the table that begins with `heading`."""
    (table,) = re.findall(rf"^\| {heading} \|.*\n\|[ -|]+\n((?:\|.*\n)+)", text(name), re.MULTILINE)
    return [line.split("|")[1].strip() for line in table.splitlines()]


@pytest.mark.parametrize(
    "page",
    [*PAGES, ROOT / "docs/dashboards.md", ROOT / "docs/environments.md"],
    ids=lambda page: page.name,
)
def test_links_lead_somewhere(page: Path) -> None:
    links = re.findall(r"\]\((?!http)([^)#]+)", page.read_text())
    assert all((page.parent / link).exists() for link in links)


@each_page
def test_files_that_a_command_names_exist(page: Path) -> None:
    for block in re.findall(r"```sh\n(.*?)```", page.read_text(), re.DOTALL):
        for path in re.findall(r"(?<![\w/~])(?:deploy|docs)/[\w./-]+", block):
            assert (ROOT / path).exists(), path


@pytest.mark.parametrize("name", ["compose", "kubernetes"])
def test_a_page_names_permissions_checks_and_what_ci_does_not_do(name: str) -> None:
    found = text(name)
    assert "Permissions: " in found
    assert "Check that it works" in found
    assert re.search(r"not (started|applied)\s+in CI", found)


def test_every_variable_of_the_stack_is_explained() -> None:
    asked = set(re.findall(r"\$\{(\w+)", files()[stack.COMPOSE]))
    assert asked <= {cell.strip("`") for cell in first_cells("compose", "set")}


def test_every_published_port_is_named() -> None:
    services = yaml.safe_load(files()[stack.COMPOSE])["services"]
    for service in services.values():
        for port in service.get("ports", ()):
            _, number, inside = port.split(":")
            said = number + inside.lstrip("0123456789")
            assert re.search(rf"\b{said}\b", text("compose")), port


def test_every_manifest_is_in_the_table() -> None:
    patterns = [cell.strip("`") for cell in first_cells("kubernetes", "file")]
    names = {path.rpartition("/")[2] for path in files() if path.startswith(f"{FOLDER}/")}
    for pattern in patterns:
        found = set(fnmatch.filter(names, pattern))
        assert found, pattern
        names -= found
    assert names == {"kustomization.yaml"}


def test_numbers_of_the_pages_are_those_of_the_generator() -> None:
    assert f"{LARGEST} bytes" in text("kubernetes")
    releases = (version.removeprefix("v").removesuffix(".0") for version in tools.KUBERNETES)
    assert f"Kubernetes {' and '.join(releases)}" in text("kubernetes")
    policy = yaml.safe_load(files()[f"{FOLDER}/network-policy.yaml"])
    peer = policy["spec"]["ingress"][1]["from"][0]["namespaceSelector"]["matchLabels"]
    assert f"if it is not `{peer['kubernetes.io/metadata.name']}`" in text("kubernetes")
    (tool,) = [tool for tool in TOOLS if tool.name == tools.DOCKER_COMPOSE]
    oldest = ".".join(str(part) for part in tool.oldest)
    assert f"Compose {oldest} checks it" in text("compose")


def test_every_receiver_is_explained() -> None:
    names = [cell.strip("`") for cell in first_cells("notifications", "receiver")]
    rendered = yaml.safe_load(files()[alertmanager.PATH])["receivers"]
    assert names == [each["name"] for each in rendered]
    hosts = set(re.findall(r"//([^:/]+)", str(rendered)))
    assert all(f"`{host}`" in text("compose") for host in hosts)


def test_the_grace_period_of_the_pages_is_the_shortest_for() -> None:
    shortest = format_duration(stack.shortest_for(thresholds()))
    assert f"`--rules.alert.for-grace-period={shortest}`" in (ROOT / "README.md").read_text()
    assert f"forGracePeriod: {shortest}\n" in text("kubernetes")
    assert f"--rules.alert.for-grace-period={shortest}\n" in files()[stack.COMPOSE]


def test_the_fallback_does_not_use_what_pages_use() -> None:
    """Only the heartbeat may share its integration, as somebody notices when that stops."""
    (block, *_) = re.findall(r"```yaml\n(receivers:.*?)```", text("notifications"), re.DOTALL)
    used = {each["name"]: each.keys() - {"name"} for each in yaml.safe_load(block)["receivers"]}
    assert not used["fallback"] & (used["pages"] | used["tickets"] | used["info"])


def test_every_text_of_the_page_is_defined() -> None:
    defined = set(re.findall(r'define "([\w.]+)"', files()[alertmanager.TEXTS]))
    assert set(re.findall(r'template "([\w.]+)"', text("notifications"))) <= defined
