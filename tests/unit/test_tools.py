"""How `make tools` chooses where a program comes from."""

from collections import defaultdict
from pathlib import Path

import pytest

from tests import tools
from tests.tools import install, node
from tests.tools.run import run, version_text
from tests.tools.wanted import TOOLS, UnavailableError, parse_version

PROMTOOL_242 = TOOLS[0]


@pytest.fixture
def shelf(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """An empty .tools folder, and nothing on PATH but its neighbour `path`."""
    folder = tmp_path / ".tools"
    for name in ("bin", "origin", "missing"):
        (folder / name).mkdir(parents=True)
    (tmp_path / "path").mkdir()
    monkeypatch.setattr(tools, "FOLDER", folder)
    monkeypatch.setattr(install, "FOLDER", folder)
    monkeypatch.setenv("PATH", str(tmp_path / "path"))
    return folder


def put_on_path(shelf: Path, name: str, version: str) -> None:
    path = shelf.parent / "path" / name
    path.write_text(f"#!/bin/sh\necho '{version}'\n")
    path.chmod(0o755)


@pytest.mark.parametrize(
    ("text", "version"),
    [
        ("promtool, version 2.42.0+ds (branch: debian/sid, revision: 2.42.0+ds-5)", (2, 42)),
        ("vmalert-20250228-173106-tags-v1.112.0-0-g1a2b3c", (1, 112)),
        ("3.5.3+ds1-6", (3, 5)),
        ("promtool, version  (branch: , revision: unknown)", None),
        ("", None),
    ],
)
def test_parse_version(text: str, version: tuple[int, int] | None) -> None:
    assert parse_version(text) == version


def test_the_names_of_the_programs_are_the_wanted_ones() -> None:
    names = [tool.name for tool in TOOLS]
    assert names == [
        *tools.PROMTOOLS,
        *tools.PROMETHEUSES,
        tools.VMALERT,
        *(each for pair in zip(tools.ALERTMANAGERS, tools.AMTOOLS, strict=True) for each in pair),
        tools.PROCESS_EXPORTER,
    ]


def test_every_go_release_is_accepted() -> None:
    for tool in TOOLS:
        assert tool.go is not None
        version = parse_version(tool.go.release)
        assert version is not None
        assert tool.accepts(version)


def test_a_program_on_path_is_used(shelf: Path) -> None:
    put_on_path(shelf, "promtool", "promtool, version 2.42.1")
    assert install.try_way([PROMTOOL_242], install.link, defaultdict(list)) == []
    assert version_text(tools.program("promtool-2.42")) == "promtool, version 2.42.1"
    assert install.ready(PROMTOOL_242)


def test_a_program_on_path_that_was_upgraded_is_refused(shelf: Path) -> None:
    put_on_path(shelf, "promtool", "promtool, version 2.42.1")
    install.try_way([PROMTOOL_242], install.link, defaultdict(list))
    put_on_path(shelf, "promtool", "promtool, version 2.53.0")
    assert not install.ready(PROMTOOL_242)


def test_another_version_on_path_is_left_alone(shelf: Path) -> None:
    put_on_path(shelf, "promtool", "promtool, version 2.45.0")
    reasons = defaultdict[str, list[str]](list)
    assert install.try_way([PROMTOOL_242], install.link, reasons) == [PROMTOOL_242]
    path = shelf.parent / "path/promtool"
    assert reasons["promtool-2.42"] == [f"{path} is another version"]


def test_a_missing_tool_says_why(shelf: Path, capsys: pytest.CaptureFixture[str]) -> None:
    reasons = defaultdict(list, {"vmalert": ["no vmalert on PATH", "no go on PATH"]})
    assert install.report(reasons)
    assert "vmalert: not had: no vmalert on PATH; no go on PATH\n" in capsys.readouterr().err
    with pytest.raises(tools.MissingToolError) as caught:
        tools.program("vmalert")
    assert str(caught.value) == "vmalert is missing: no vmalert on PATH; no go on PATH"
    assert (shelf / "missing/vmalert").exists()


def test_before_the_first_use_the_way_is_told(shelf: Path) -> None:
    assert tools.promtools() == []
    with pytest.raises(tools.MissingToolError, match="promtool-3 is missing: run `make tools`"):
        tools.program("promtool-3")
    assert not node.ready(shelf)


def test_a_failing_command_gives_its_last_words(tmp_path: Path) -> None:
    with pytest.raises(UnavailableError, match=r"^sh failed: oh \| no$"):
        run("/bin/sh", "-c", "echo oh >&2; echo no >&2; exit 3", cwd=tmp_path)


def test_a_file_that_is_no_program_is_refused(tmp_path: Path) -> None:
    path = tmp_path / "promtool"
    path.write_bytes(b"\x7fELF")
    path.chmod(0o755)
    with pytest.raises(UnavailableError, match=r"promtool does not run: .*Exec format error"):
        version_text(path)


def test_an_own_promtool_serves_where_none_of_the_wanted_is(
    shelf: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    put_on_path(shelf, "promtool", "promtool, version 2.45.3+ds")
    monkeypatch.setattr(node, "ready", lambda _folder: True)
    reasons = install.install(everything=False)
    assert [path.name for path in tools.promtools()] == ["promtool-own"]
    assert reasons["vmalert"] == [
        "no vmalert on PATH",
        "no apt-get on PATH",
        "not built with Go, which `make all-tools` does",
    ]
