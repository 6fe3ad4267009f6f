"""The sidecar's pages agree with the program: series, options, messages, files, keys."""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator
from enum import StrEnum
from pathlib import Path

import pytest

import exporters
from exporters.app.archive import NAME
from exporters.app.folder import LOCK
from exporters.cli import BAD_INPUT, FAILED, OK
from exporters.contract import FAMILIES
from exporters.errors import ErrorReason
from exporters.settings import OPTIONS, load, parser
from exporters.web import webconfig
from exporters.workers.discovery import State
from tests.bundle import ROOT

DOCS = ROOT / "docs/sidecar"
DEPLOY = ROOT / "deploy/sidecar"
PAGES = sorted(DOCS.glob("*.md"))
HOW_TO_RUN = ("command-line", "systemd", "docker", "kubernetes")


def page(name: str) -> str:
    return (DOCS / f"{name}.md").read_text()


def rows(name: str, first: str) -> list[list[str]]:
    """Cells of every table of a page whose first heading is `first`."""
    found: list[list[str]] = []
    inside = False
    for line in page(name).splitlines():
        cells = [cell.strip() for cell in line.strip().strip("|").split("|")]
        if not line.startswith("|"):
            inside = False
        elif inside:
            found.append(cells)
        elif cells[0] == first:
            inside = True
    return [cells for cells in found if set(cells[0]) != {"-"}]


def prose(text: str) -> str:
    """A page without its blocks, whose fences would confuse `names`."""
    return re.sub(r"^```\w*\n.*?^```", "", text, flags=re.DOTALL | re.MULTILINE)


def names(text: str) -> tuple[str, ...]:
    return tuple(re.findall(r"`([^`]+)`", text))


def headings(text: str) -> set[str]:
    """The anchors that GitHub makes of a page's headings."""
    return {
        re.sub(r"[^\w\- ]", "", heading).strip().lower().replace(" ", "-")
        for heading in re.findall(r"^#+ (.+)$", text, re.MULTILINE)
    }


def blocks(text: str) -> Iterator[str]:
    yield from re.findall(r"^```\w*\n(.*?)^```", text, re.DOTALL | re.MULTILINE)


def test_the_table_of_series_is_the_contract() -> None:
    documented = [
        (names(series)[0], kind, names(labels), meaning)
        for series, kind, labels, meaning in rows("series", "series")
    ]
    assert documented == [(each.sample, each.kind, each.labels, each.help) for each in FAMILIES]


@pytest.mark.parametrize("file", PAGES, ids=lambda file: file.name)
def test_no_page_names_a_series_that_is_not_served(file: Path) -> None:
    served = {family.sample for family in FAMILIES} | {"auditor_verify_requests_total"}
    if file.name == "add-a-metric.md":
        served |= {f"auditor_worker_context_switches{suffix}" for suffix in ("", "_total")}
    assert set(re.findall(r"\bauditor_[a-z_]+", file.read_text())) <= served


@pytest.mark.parametrize(("heading", "kind"), [("reason", ErrorReason), ("state", State)])
def test_every_value_of_a_label_is_explained(heading: str, kind: type[StrEnum]) -> None:
    documented = {names(cells[0])[0]: cells[1] for cells in rows("series", heading)}
    assert list(documented) == [each.value for each in kind]
    assert all(documented.values())


def test_every_state_but_found_says_what_to_check() -> None:
    advice = {names(cells[0])[0]: cells[2] for cells in rows("series", "state")}
    assert [state for state, text in advice.items() if not text] == [State.FOUND.value]


def test_the_tables_of_options_are_the_settings() -> None:
    documented = [
        (names(option)[0], names(variable)[0], meaning)
        for option, variable, meaning in rows("options", "option")
    ]
    assert documented == [
        (f"{each.flag} {each.metavar}".strip(), each.variable, each.help) for each in OPTIONS
    ]


@pytest.mark.parametrize("option", OPTIONS, ids=lambda option: option.flag)
def test_a_documented_default_is_the_default(option: object) -> None:
    """Setting the option to its documented default changes nothing."""
    flag, field, meaning = (getattr(option, name) for name in ("flag", "field", "help"))
    found = re.search(r"default: ([^;)]+)", meaning)
    value = found[1].replace("PORT", "8000") if found else ""
    if not found or value.startswith("$"):
        assert getattr(load([], {}), field) in (None, False)
        return
    assert getattr(load([flag, value], {}), field) == getattr(load([], {}), field)


@pytest.mark.parametrize("file", PAGES, ids=lambda file: file.name)
def test_every_option_that_a_page_of_the_sidecar_names_exists(file: Path) -> None:
    """Options of other programs are only in code blocks or after the program's name."""
    spans = [span for span in names(prose(file.read_text())) if span.startswith("--")]
    known = parser().format_help().split()
    assert not [span for span in spans if span.split()[0].split("=")[0] not in known]


@pytest.mark.parametrize("file", PAGES, ids=lambda file: file.name)
def test_links_and_their_headings_exist(file: Path) -> None:
    for target, _, anchor in re.findall(r"\]\((?!http)([^)#]*)(#([^)]+))?\)", file.read_text()):
        there = (file.parent / target).resolve() if target else file
        assert there.exists(), target
        assert ROOT in there.parents
        assert not anchor or anchor in headings(there.read_text()), (target, anchor)


def test_the_first_page_links_to_all_others() -> None:
    linked = set(re.findall(r"\]\(([\w-]+\.md)", page("README")))
    assert linked == {file.name for file in PAGES} - {"README.md"}


@pytest.mark.parametrize("name", HOW_TO_RUN)
def test_each_way_to_run_it_has_permissions_and_troubleshooting(name: str) -> None:
    text = page(name)
    assert "Permissions: " in text
    assert "Check that it works" in text
    assert len(re.findall(r"^\| .+ \| do \|$", text, re.MULTILINE)) == 1


@pytest.mark.parametrize("name", HOW_TO_RUN)
def test_messages_on_a_page_are_those_of_the_program(name: str) -> None:
    source = "".join(file.read_text() for file in Path(exporters.__file__).parent.rglob("*.py"))
    messages = re.findall(r"^\| `((?!kubectl)[^`]+)`", page(name), re.MULTILINE)
    assert len(messages) >= 2
    for message in messages:
        without_cause = re.split(": [A-Z]", message)[0]
        words = max(re.findall("[a-z' ]+", without_cause), key=len).strip(" '")
        assert words in source, message


@pytest.mark.parametrize("file", sorted(DEPLOY.iterdir()), ids=lambda file: file.name)
def test_files_to_deploy_and_pages_refer_to_each_other(file: Path) -> None:
    (named,) = set(re.findall(r"docs/sidecar/[\w-]+\.md", file.read_text()))
    assert f"(../../deploy/sidecar/{file.name})" in (ROOT / named).read_text()


def instructions(lines: Iterable[str]) -> set[str]:
    return {line.strip() for line in lines if line.strip() and not line.strip().startswith("#")}


@pytest.mark.parametrize(
    ("name", "file", "pattern"),
    [
        ("systemd", "auditor-sidecar.service", r"^[A-Z]\w+=\S*$"),
        ("docker", "compose.yaml", r"^\w+: service:\w+$"),
        ("kubernetes", "kubernetes.yaml", r"^shareProcessNamespace: \w+$"),
    ],
)
def test_settings_quoted_on_a_page_are_in_its_file(name: str, file: str, pattern: str) -> None:
    theirs = "Environment=PROMETHEUS_MULTIPROC_DIR", "PrivateUsers=yes", "PrivateNetwork=yes"
    quoted = {span for span in names(prose(page(name))) if re.match(pattern, span)}
    quoted -= {span for span in quoted if span.startswith(theirs) or span.endswith("=")}
    assert quoted
    assert quoted <= instructions((DEPLOY / file).read_text().splitlines())


def test_page_and_dockerfile_have_the_same_build_command() -> None:
    command = (DEPLOY / "Dockerfile").read_text().splitlines()[0].removeprefix("# ")
    assert any(command in block.splitlines() for block in blocks(page("docker")))


def test_the_files_of_the_apps_folder_are_named() -> None:
    documented = {name for cells in rows("README", "file") for name in names(cells[0])}
    assert {NAME, LOCK} <= documented
    assert any(re.fullmatch(r"counter_\d+\.db\.ended-\d+", name) for name in documented)


def test_every_key_of_the_web_configuration_is_in_its_table() -> None:
    documented = {name for cells in rows("web-config", "key") for name in names(cells[0])}
    source = Path(webconfig.__file__).read_text()
    sections = re.findall(r'sections\.get\("(\w+)"\)', source)
    keys = set(re.findall(r'found(?:\.get\(|\[)"(\w+)"', source))
    of_tls = set(webconfig._TLS_KEYS)  # noqa: SLF001
    assert len(sections) == 4
    assert of_tls <= documented
    others = {name.rpartition(".")[2] for name in documented} - of_tls
    assert others == {"http2", "headers", "basic_auth_users", "rate_limit"}
    assert keys <= of_tls | {"http2", "headers", "interval", "burst"}


def test_the_exit_codes_are_those_of_the_program() -> None:
    text = page("command-line")
    documented = {int(code) for code in re.findall(r"exit code (\d)", text)}
    assert documented == {OK, FAILED, BAD_INPUT}
