"""Which outside programs the tests need, and where each can come from."""

import re
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Final

Version = tuple[int, int]


class UnavailableError(Exception):
    """One way to get a program does not work on this machine; the text says why."""


@dataclass(frozen=True)
class Deb:
    """A package of a release of Debian, or of the machine's own distribution if `suite` is empty.

    `packages` are the names it may have, the likeliest first. `share`: the program reads files of
    the package's /usr/share.
    """

    suite: str
    packages: tuple[str, ...]
    share: bool = False


@dataclass(frozen=True)
class GoMain:
    """A main package of a Go module, tagged `tag` for `release`.

    `variable` is what the linker sets to the release.
    """

    module: str
    tag: str
    release: str
    package: str
    variable: str


@dataclass(frozen=True)
class Tool:
    """A program, installed as `name`; any version from `oldest` up to, not including, `below`.

    `asked` is what makes it say its version.
    """

    name: str
    program: str
    oldest: Version
    below: Version
    deb: Deb
    go: GoMain | None = None
    asked: str = "--version"

    def accepts(self, version: Version) -> bool:
        return self.oldest <= version < self.below


def parse_version(text: str) -> Version | None:
    """Major and minor of the first a.b.c in the text, be it a package version or --version."""
    found = re.search(r"(\d+)\.(\d+)\.\d+", text)
    return (int(found[1]), int(found[2])) if found else None


def _prometheus(tag: str, release: str, program: str = "promtool") -> GoMain:
    return GoMain(
        module="github.com/prometheus/prometheus",
        tag=tag,
        release=release,
        package=f"./cmd/{program}",
        variable="github.com/prometheus/common/version.Version",
    )


def _alertmanager(
    name: str, oldest: Version, below: Version, suite: str, tag: str
) -> Iterator[Tool]:
    """The server and its command line, which come in one package."""
    for program, package in (
        ("prometheus-alertmanager", "./cmd/alertmanager"),
        ("amtool", "./cmd/amtool"),
    ):
        yield Tool(
            name=f"{program.removeprefix('prometheus-')}-{name}",
            program=program,
            oldest=oldest,
            below=below,
            deb=Deb(suite, ("prometheus-alertmanager",), share=program != "amtool"),
            go=GoMain(
                module="github.com/prometheus/alertmanager",
                tag=tag,
                release=tag.removeprefix("v"),
                package=package,
                variable="github.com/prometheus/common/version.Version",
            ),
        )


NEWEST: Final = Tool(
    name="promtool-3",
    program="promtool",
    oldest=(3, 5),
    below=(4, 0),
    deb=Deb("sid", ("promtool",)),
    go=_prometheus("v0.305.1", "3.5.1"),
)
TOOLS: Final = (
    Tool(
        name="promtool-2.42",
        program="promtool",
        oldest=(2, 42),
        below=(2, 43),
        deb=Deb("bookworm", ("prometheus",)),
        go=_prometheus("v0.42.0", "2.42.0"),
    ),
    Tool(
        name="promtool-2.53",
        program="promtool",
        oldest=(2, 53),
        below=(2, 54),
        deb=Deb("trixie", ("promtool",)),
        go=_prometheus("v0.53.3", "2.53.3"),
    ),
    NEWEST,
    Tool(
        name="prometheus-2.42",
        program="prometheus",
        oldest=(2, 42),
        below=(2, 43),
        deb=Deb("bookworm", ("prometheus",)),
        go=_prometheus("v0.42.0", "2.42.0", "prometheus"),
    ),
    Tool(
        name="prometheus-3",
        program="prometheus",
        oldest=(3, 5),
        below=(4, 0),
        deb=Deb("sid", ("prometheus",)),
        go=_prometheus("v0.305.1", "3.5.1", "prometheus"),
    ),
    Tool(
        name="vmalert",
        program="vmalert",
        oldest=(1, 112),
        below=(2, 0),
        deb=Deb("trixie", ("victoria-metrics",)),
        go=GoMain(
            module="github.com/VictoriaMetrics/VictoriaMetrics",
            tag="v1.148.8",
            release="1.148.8",
            package="./app/vmalert",
            variable="github.com/VictoriaMetrics/VictoriaMetrics/lib/buildinfo.Version",
        ),
    ),
    *_alertmanager("0.25", (0, 25), (0, 26), "bookworm", "v0.25.0"),
    *_alertmanager("0.33", (0, 33), (1, 0), "sid", "v0.33.1"),
    *(
        Tool(
            name=f"blackbox-exporter-{version}",
            program="prometheus-blackbox-exporter",
            oldest=oldest,
            below=below,
            deb=Deb(suite, ("prometheus-blackbox-exporter",)),
            go=GoMain(
                module="github.com/prometheus/blackbox_exporter",
                tag=f"v{release}",
                release=release,
                package=".",
                variable="github.com/prometheus/common/version.Version",
            ),
        )
        for version, oldest, below, suite, release in (
            ("0.23", (0, 23), (0, 24), "bookworm", "0.23.0"),
            ("0.28", (0, 28), (1, 0), "sid", "0.28.0"),
        )
    ),
    Tool(
        name="process-exporter",
        program="prometheus-process-exporter",
        oldest=(0, 7),
        below=(1, 0),
        deb=Deb("trixie", ("prometheus-process-exporter",)),
        go=GoMain(
            module="github.com/ncabatoff/process-exporter",
            tag="v0.8.7",
            release="0.8.7",
            package="./cmd/process-exporter",
            variable="github.com/prometheus/common/version.Version",
        ),
    ),
    Tool(
        name="docker-compose",
        program="docker-compose",
        oldest=(2, 26),
        below=(6, 0),
        deb=Deb("trixie", ("docker-compose",)),
        go=GoMain(
            module="github.com/docker/compose/v2",
            tag="v2.26.1",
            release="2.26.1",
            package="./cmd",
            variable="github.com/docker/compose/v2/internal.Version",
        ),
    ),
    Tool(
        name="kustomize",
        program="kustomize",
        oldest=(5, 0),
        below=(6, 0),
        deb=Deb("trixie", ("kustomize",)),
        go=GoMain(
            module="sigs.k8s.io/kustomize/kustomize/v5",
            tag="v5.6.0",
            release="v5.6.0",
            package=".",
            variable="sigs.k8s.io/kustomize/api/provenance.version",
        ),
        asked="version",
    ),
)

# What serves where none of the above promtools can be had quickly, as on Ubuntu.
OWN: Final = Tool(
    name="promtool-own",
    program="promtool",
    oldest=(2, 42),
    below=(4, 0),
    deb=Deb("", ("promtool", "prometheus")),
)
