"""How `make tools` chooses where a program comes from."""

import sys
import zipfile
from collections import defaultdict
from pathlib import Path

import pytest

from tests import tools
from tests.tools import debian, install, node, schemas
from tests.tools.run import run, version_text
from tests.tools.wanted import TOOLS, UnavailableError, parse_version

PROMTOOL_242 = TOOLS[0]
(KUSTOMIZE,) = [tool for tool in TOOLS if tool.name == tools.KUSTOMIZE]


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
        *tools.BLACKBOX_EXPORTERS,
        tools.PROCESS_EXPORTER,
        tools.DOCKER_COMPOSE,
        tools.KUSTOMIZE,
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
    monkeypatch.setattr(schemas, "ready", lambda _folder: True)
    reasons = install.install(everything=False)
    assert [path.name for path in tools.promtools()] == ["promtool-own"]
    assert reasons["vmalert"] == [
        "no vmalert on PATH",
        "no apt-get on PATH",
        "not built with Go, which `make all-tools` does",
    ]


def test_a_program_is_asked_for_its_version_in_its_own_way(shelf: Path) -> None:
    put_on_path(shelf, "kustomize", "v5.4.0")
    path = shelf.parent / "path/kustomize"
    path.write_text(path.read_text().replace("echo", '[ "$1" = version ] && echo'))
    assert install.try_way([KUSTOMIZE], install.link, defaultdict(list)) == []
    assert install.ready(KUSTOMIZE)


APT_GET = "#!/bin/sh\n: > kustomize.deb\n"
DPKG_DEB = """#!/bin/sh
[ "$1" = --field ] && echo 5.6.0+ds-1 && exit
/bin/mkdir -p "$3/usr/bin" "$3/usr/libexec"
printf '#!/bin/sh\\necho v5.6.0\\n' > "$3/usr/libexec/kustomize"
/bin/chmod 755 "$3/usr/libexec/kustomize"
/bin/ln -s ../libexec/kustomize "$3/usr/bin/kustomize"
"""


def test_a_program_that_its_package_links_to_is_had_itself(shelf: Path, tmp_path: Path) -> None:
    for name, script in (("apt-get", APT_GET), ("dpkg-deb", DPKG_DEB)):
        path = tmp_path / "path" / name
        path.write_text(script)
        path.chmod(0o755)
    target = shelf / "bin/kustomize"
    with_packages = debian.Archive("trixie", tmp_path, {})
    assert with_packages.fetch(KUSTOMIZE, target) == "5.6.0+ds-1 (package of trixie)"
    assert not target.is_symlink()
    assert version_text(target, KUSTOMIZE.asked) == "v5.6.0"


def wheel(folder: Path, versions: tuple[str, ...]) -> Path:
    path = folder / "schemas.whl"
    with zipfile.ZipFile(path, "w") as archive:
        for version in versions:
            archive.writestr(schemas.INSIDE.format(version), f'{{"title": "{version}"}}')
    return path


@pytest.fixture
def pip(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A Python that downloads whatever is put beside it as schemas.whl."""
    python = tmp_path / "python"
    python.write_text(f"""#!/bin/sh
while [ "$1" != --dest ]; do shift; done
/bin/cp {tmp_path / "schemas.whl"} "$2"
""")
    python.chmod(0o755)
    monkeypatch.setattr(sys, "executable", str(python))
    return tmp_path


def test_schemas_are_had_once_for_a_pin(shelf: Path, pip: Path) -> None:
    wheel(pip, tools.KUBERNETES)
    assert not schemas.ready(shelf)
    assert schemas.install(shelf) == "schemas.txt (Kubernetes v1.25.0 and v1.37.0)"
    assert schemas.ready(shelf)
    found = tools.kubernetes_schemas()
    assert (found / "v1.37.0.json").read_text() == '{"title": "v1.37.0"}'
    (found / "schemas.txt").write_text("kubernetes-validate==1.36.0\n")
    assert not schemas.ready(shelf)


def test_a_package_without_a_wanted_release_is_refused(shelf: Path, pip: Path) -> None:
    wheel(pip, tools.KUBERNETES[:1])
    with pytest.raises(UnavailableError, match=r"^no Kubernetes v1\.37\.0 in schemas\.whl$"):
        schemas.install(shelf)
    with pytest.raises(tools.MissingToolError, match="kubernetes-schemas is missing"):
        tools.kubernetes_schemas()
