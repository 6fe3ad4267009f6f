"""Getting the tools: each by the first way that works on this machine.

The ways are a program already on PATH, a Debian or Ubuntu package, and a build with Go.
"""

import sys
from collections import defaultdict
from collections.abc import Callable, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from functools import partial
from pathlib import Path
from typing import Final, Protocol

from tests.tools import (
    FOLDER,
    KUBERNETES_SCHEMAS,
    NODE_MODULES,
    debian,
    golang,
    node,
    origin,
    promtools,
    schemas,
)
from tests.tools.run import version_text, which
from tests.tools.wanted import NEWEST, OWN, TOOLS, Tool, UnavailableError, parse_version

Reasons = defaultdict[str, list[str]]


class Source(Protocol):
    """What puts a folder below another one; `install` says its origin, or raises."""

    def ready(self, folder: Path) -> bool: ...

    def install(self, folder: Path) -> str: ...


FOLDERS: Final[Mapping[str, Source]] = {NODE_MODULES: node, KUBERNETES_SCHEMAS: schemas}
Way = Callable[[Tool, Path], str]  # makes a file and says its origin, or raises UnavailableError


def install(*, everything: bool) -> Reasons:
    """Get what is not there yet; say of each what failed on the way."""
    reasons: Reasons = defaultdict(list)
    left = try_way([tool for tool in TOOLS if not ready(tool)], link, reasons)
    with ThreadPoolExecutor() as pool:
        folders = [pool.submit(_get_folder, name, reasons) for name in FOLDERS]
        suites = sorted({tool.deb.suite for tool in left})
        list(pool.map(partial(_get_packages, left, reasons), suites))
        for folder in folders:
            folder.result()
    left = [tool for tool in left if not ready(tool)]
    if not promtools() and try_way([OWN], link, reasons):
        _get_packages([OWN], reasons, OWN.deb.suite)
    slow = left if everything else ([] if promtools() else [NEWEST])
    try_way(slow, golang.build, reasons)
    for tool in left:
        if tool not in slow:
            reasons[tool.name].append("not built with Go, which `make all-tools` does")
    return reasons


def try_way(tools: Sequence[Tool], way: Way, reasons: Reasons) -> list[Tool]:
    """Try one way on several tools; those that are left."""
    left = []
    for tool in tools:
        fresh = FOLDER / "bin" / f".{tool.name}"
        fresh.unlink(missing_ok=True)
        try:
            text = way(tool, fresh)
        except UnavailableError as error:
            reasons[tool.name].append(str(error))
            left.append(tool)
        else:
            fresh.replace(FOLDER / "bin" / tool.name)
            _note(tool.name, text)
    return left


def link(tool: Tool, target: Path) -> str:
    """Use a program on PATH, under the tool's own name or the program's."""
    path = _on_path(tool)
    text = version_text(path, tool.asked)
    version = parse_version(text)
    if version is None or not tool.accepts(version):
        raise UnavailableError(f"{path} is another version")
    target.symlink_to(path)
    return f"{text} (from PATH)"


def _on_path(tool: Tool) -> str:
    try:
        return which(tool.name)
    except UnavailableError:
        return which(tool.program)


def _get_packages(tools: Sequence[Tool], reasons: Reasons, suite: str) -> None:
    of_suite = [tool for tool in tools if tool.deb.suite == suite]
    try:
        with debian.archive(suite) as archive:
            try_way(of_suite, archive.fetch, reasons)
    except UnavailableError as error:
        for tool in of_suite:
            reasons[tool.name].append(str(error))


def _get_folder(name: str, reasons: Reasons) -> None:
    source = FOLDERS[name]
    if source.ready(FOLDER):
        return
    try:
        _note(name, source.install(FOLDER))
    except UnavailableError as error:
        reasons[name].append(str(error))


def _note(name: str, text: str) -> None:
    (FOLDER / "origin" / name).write_text(f"{text}\n")
    print(f"{name}: {text}", flush=True)


def ready(tool: Tool) -> bool:
    """Whether a tool is there; one on PATH may have been upgraded since."""
    path = FOLDER / "bin" / tool.name
    if not path.exists():
        return False
    try:
        linked = path.is_symlink()
        version = parse_version(version_text(path, tool.asked) if linked else origin(tool.name))
    except UnavailableError:
        return False
    return version is not None and tool.accepts(version)


def report(reasons: Reasons) -> bool:
    """Keep the reason of each tool that is missing, and print it; whether one is."""
    there = {tool.name: ready(tool) for tool in TOOLS}
    there |= {name: source.ready(FOLDER) for name, source in FOLDERS.items()}
    for name, is_there in there.items():
        note = FOLDER / "missing" / name
        note.unlink(missing_ok=True)
        if not is_there:
            note.write_text("; ".join(reasons[name]) + "\n")
            print(f"{name}: not had: {note.read_text().strip()}", file=sys.stderr)
    return not all(there.values())
