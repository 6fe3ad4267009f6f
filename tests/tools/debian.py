"""Programs out of Debian and Ubuntu packages, without root and without touching the system.

apt runs with a state folder of its own, on the mirror and the signing keys that the machine itself
uses; a package is unpacked, not installed.
"""

import platform
import shutil
import tempfile
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Final

from tests.tools import share
from tests.tools.run import run, version_text, which
from tests.tools.wanted import Tool, UnavailableError, parse_version

KEYRINGS: Final = Path("/usr/share/keyrings")


@dataclass(frozen=True)
class Archive:
    """The packages of one suite; empty: of the machine's own releases."""

    suite: str
    work: Path
    env: Mapping[str, str]

    def fetch(self, tool: Tool, target: Path) -> str:
        """Put a tool's binary at `target`; say where it comes from. Raises UnavailableError."""
        folder = self.work / tool.name
        folder.mkdir()
        package = self._download(tool.deb.packages, folder)
        version = run(which("dpkg-deb"), "--field", package, "Version", cwd=folder).strip()
        found = parse_version(version)
        if found is None or not tool.accepts(found):
            raise UnavailableError(f"the package has version {version}")
        run(which("dpkg-deb"), "--extract", package, folder / "root", cwd=folder)
        binary = (folder / "root/usr/bin" / tool.program).resolve()
        version_text(binary, tool.asked)
        if tool.deb.share:
            shutil.rmtree(share(tool.name), ignore_errors=True)
            shutil.move(folder / "root/usr/share", share(tool.name))
        shutil.move(binary, target)
        return f"{version} (package of {self.suite or 'this distribution'})"

    def _download(self, packages: tuple[str, ...], folder: Path) -> Path:
        first, *others = packages
        try:
            run(which("apt-get"), "download", first, cwd=folder, env=self.env)
        except UnavailableError:
            if not others:
                raise
            return self._download(tuple(others), folder)
        return next(folder.glob("*.deb"))


@contextmanager
def archive(suite: str) -> Iterator[Archive]:
    """Package lists of a suite, gone at the end. Raises UnavailableError."""
    apt_get = which("apt-get")
    with tempfile.TemporaryDirectory() as temporary:
        work = Path(temporary)
        settings = _settings(suite, work)
        for folder in ("state/lists/partial", "cache/archives/partial"):
            (work / folder).mkdir(parents=True)
        (work / "state/status").touch()
        (work / "apt.conf").write_text("\n".join([*settings, ""]))
        env = {"APT_CONFIG": str(work / "apt.conf"), "LC_ALL": "C"}
        run(apt_get, "update", "--error-on=any", cwd=work, env=env)
        yield Archive(suite, work, env)


def _settings(suite: str, work: Path) -> list[str]:
    own = [
        f'Dir::State "{work}/state";',
        f'Dir::State::status "{work}/state/status";',
        f'Dir::Cache "{work}/cache";',
        'Acquire::Languages "none";',
        'APT::Sandbox::User "";',
    ]
    if not suite:
        return own
    keyring = next(iter(sorted(KEYRINGS.glob("debian-archive-keyring.*"))), None)
    options = f"target=Packages signed-by={keyring}" if keyring else "target=Packages"
    sources = work / "sources.list"
    sources.write_text(f"deb [{options}] {_debian_mirror(work)} {suite} main\n")
    return [*own, f'Dir::Etc::sourcelist "{sources}";', 'Dir::Etc::sourceparts "-";']


def _debian_mirror(work: Path) -> str:
    if platform.freedesktop_os_release().get("ID") != "debian":
        raise UnavailableError("this machine is not Debian")
    targets = run(
        *(which("apt-get"), "indextargets", "--format", "$(REPO_URI)", "Created-By: Packages"),
        cwd=work,
    )
    for mirror in targets.split():
        if "security" not in mirror:
            return mirror
    raise UnavailableError("apt has no mirror configured")
