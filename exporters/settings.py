"""What the sidecar is told: command line and environment become one frozen value."""

from __future__ import annotations

import argparse
import re
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Final
from urllib.parse import urlsplit

from exporters import VERSION

PREFIX: Final = "AUDITOR_SIDECAR_"
MULTIPROCESS: Final = "PROMETHEUS_MULTIPROC_DIR"
HIGHEST_PORT: Final = 65535
LOG_LEVELS: Final = ("debug", "info", "warning", "error")


@dataclass(frozen=True, slots=True)
class Settings:
    """Durations are in seconds. At most one of pid, pid_file and pattern is given."""

    port: int
    pid: int | None
    pid_file: Path | None
    pattern: re.Pattern[str] | None
    db_ports: frozenset[int]
    app_folder: Path | None
    no_fold: bool
    probe_url: str | None
    probe_interval: float
    probe_timeout: float
    watch_interval: float
    listen: tuple[str, int]
    web_config: Path | None
    max_connections: int
    proc: Path
    log_level: str


class _Wrong(argparse.ArgumentTypeError):
    """A value cannot be used; the text says what would be right."""


def _port(text: str) -> int:
    if text.isascii() and text.isdecimal() and 1 <= int(text) <= HIGHEST_PORT:
        return int(text)
    raise _Wrong(f"{text!r} is no port; a number from 1 to {HIGHEST_PORT}")


def _ports(text: str) -> frozenset[int]:
    return frozenset() if text == "0" else frozenset(_port(part) for part in text.split(","))


def _count(text: str) -> int:
    if text.isascii() and text.isdecimal() and int(text) >= 1:
        return int(text)
    raise _Wrong(f"{text!r} is no whole number above 0")


def _seconds(text: str) -> float:
    try:
        value = float(text)
    except ValueError:
        value = 0
    if 0.01 <= value <= 86400:
        return value
    raise _Wrong(f"{text!r} is no number of seconds from 0.01 to 86400")


def _pattern(text: str) -> re.Pattern[str]:
    try:
        return re.compile(text)
    except re.error as error:
        raise _Wrong(f"{text!r} is no regular expression: {error}") from error


def _address(text: str) -> tuple[str, int]:
    """`HOST:PORT`, `[IPV6]:PORT`, or `:PORT` for all addresses."""
    found = re.fullmatch(r"(?:\[([0-9a-fA-F:.%\w]+)\]|([^\[\]:]*)):(\d+)", text, re.ASCII)
    if not found:
        raise _Wrong(f"{text!r} is no address; HOST:PORT, [IPV6]:PORT, or :PORT for all")
    return found[1] or found[2], _port(found[3])


def _url(text: str) -> str | None:
    if text == "none":
        return None
    try:
        parts = urlsplit(text)
        good = parts.scheme in ("http", "https") and parts.hostname and parts.port != 0
    except ValueError:
        good = False
    if not good or not text.isascii() or not text.isprintable() or " " in text:
        raise _Wrong(f"{text!r} is no URL; http://HOST:PORT/PATH, or none")
    return text


def _level(text: str) -> str:
    if text in LOG_LEVELS:
        return text
    raise _Wrong(f"{text!r} is no level; one of {', '.join(LOG_LEVELS)}")


def _flag(text: str) -> bool:
    known = {"1": True, "true": True, "0": False, "false": False}
    if text in known:
        return known[text]
    raise _Wrong(f"{text!r} is neither true nor false")


@dataclass(frozen=True, slots=True)
class Option:
    """One setting; its name on the command line and in the environment follows from `field`."""

    group: str
    field: str
    parse: Callable[[str], Any]
    default: Any
    metavar: str
    help: str

    @property
    def flag(self) -> str:
        return "--" + self.field.replace("_", "-")

    @property
    def variable(self) -> str:
        return PREFIX + self.field.upper()


_AUDITOR, _APP, _PROBE, _SERVING, _OTHER = (
    "the Auditor",
    "metrics of the app",
    "probe",
    "serving",
    "other",
)
OPTIONS: Final = (
    Option(
        _AUDITOR,
        "port",
        _port,
        8000,
        "PORT",
        "port of its API; who listens on it is the Auditor (default: 8000)",
    ),
    Option(_AUDITOR, "pid", _count, None, "PID", "the Auditor is this process and its children"),
    Option(_AUDITOR, "pid_file", Path, None, "FILE", "as --pid, read from a file"),
    Option(
        _AUDITOR,
        "pattern",
        _pattern,
        None,
        "REGEX",
        "as --pid, for every process whose command line matches",
    ),
    Option(
        _AUDITOR,
        "db_ports",
        _ports,
        frozenset({5432}),
        "PORT[,PORT]",
        "ports of its database; 0 for none (default: 5432)",
    ),
    Option(
        _APP,
        "app_folder",
        Path,
        None,
        "FOLDER",
        f"where its workers write them (default: ${MULTIPROCESS}; without, /metrics/app is 404)",
    ),
    Option(
        _APP,
        "no_fold",
        _flag,
        False,
        "",
        "leave the files of ended workers alone; each makes /metrics/app slower",
    ),
    Option(
        _PROBE,
        "probe_url",
        _url,
        "",
        "URL",
        "what is asked; none to ask nothing (default: http://127.0.0.1:PORT/health)",
    ),
    Option(_PROBE, "probe_interval", _seconds, 5.0, "SECONDS", "how often (default: 5)"),
    Option(_PROBE, "probe_timeout", _seconds, 10.0, "SECONDS", "the longest (default: 10)"),
    Option(
        _SERVING,
        "listen",
        _address,
        ("127.0.0.1", 9105),
        "[HOST]:PORT",
        "no host for all addresses (default: 127.0.0.1:9105)",
    ),
    Option(
        _SERVING,
        "web_config",
        Path,
        None,
        "FILE",
        "TLS, client certificates, basic auth; the format of the Prometheus exporters",
    ),
    Option(_SERVING, "max_connections", _count, 512, "COUNT", "open at once (default: 512)"),
    Option(
        _OTHER,
        "watch_interval",
        _seconds,
        1.0,
        "SECONDS",
        "how often it looks for new workers between scrapes (default: 1)",
    ),
    Option(_OTHER, "proc", Path, Path("/proc"), "FOLDER", "where it is mounted (default: /proc)"),
    Option(_OTHER, "log_level", _level, "info", "LEVEL", f"{', '.join(LOG_LEVELS)}; default: info"),
)
WHICH: Final = ("pid", "pid_file", "pattern")

_DESCRIPTION = """\
Serves metrics of the Auditor's worker processes, and the app's own metrics summed over all workers.

  /metrics       memory, threads, file descriptors, processor time, sockets (job auditor-workers)
                 ?pss=1 adds proportional and unique memory, which costs milliseconds a worker
  /metrics/app   the app's metrics, from the folder of its multiprocess mode (job auditor-api)
  /-/healthy     the sidecar runs
  /-/ready       it has looked at the workers once
"""
_EPILOG = f"""\
Every option can be given in the environment too: {PREFIX}DB_PORTS=5432,6432 for --db-ports.
The command line counts first.

examples:
  python -m exporters                                      the Auditor listens on port 8000
  python -m exporters --port 8888 --listen 10.0.0.5:9105   on other ports and addresses
  python -m exporters --pid-file /run/auditor.pid --app-folder /run/auditor-metrics
  python -m exporters --pattern 'gunicorn .*auditor' --web-config web.yml

exit codes: 0 ended by a signal, 1 cannot serve (address in use), 2 bad input
"""


def _formatter(prog: str) -> argparse.HelpFormatter:
    return argparse.RawDescriptionHelpFormatter(prog, max_help_position=34, width=100)


def parser() -> argparse.ArgumentParser:
    top = argparse.ArgumentParser(
        prog="python -m exporters",
        description=_DESCRIPTION,
        epilog=_EPILOG,
        formatter_class=_formatter,
        argument_default=argparse.SUPPRESS,
        allow_abbrev=False,
    )
    top.add_argument("--version", action="version", version=f"auditor-sidecar {VERSION}")
    groups = {
        name: top.add_argument_group(name) for name in dict.fromkeys(o.group for o in OPTIONS)
    }
    which = groups[_AUDITOR].add_mutually_exclusive_group()
    for option in OPTIONS:
        place = which if option.field in WHICH else groups[option.group]
        if option.parse is _flag:
            place.add_argument(option.flag, action="store_true", help=option.help)
        else:
            place.add_argument(
                option.flag, type=option.parse, metavar=option.metavar, help=option.help
            )
    return top


def load(argv: Sequence[str], environ: Mapping[str, str]) -> Settings:
    """Settings of the command line and, where it is silent, of the environment.

    On wrong input argparse prints what is wrong and exits with code 2.
    """
    top = parser()
    given = vars(top.parse_args(argv))
    try:
        surroundings = dict(_environment(environ))
    except _Wrong as error:
        top.error(str(error))
    if any(field in given for field in WHICH):
        for field in WHICH:
            surroundings.pop(field, None)
    if len(named := [field for field in WHICH if field in surroundings]) > 1:
        top.error(f"{_variables(named)}: only one of them can be set")
    values = {option.field: option.default for option in OPTIONS} | surroundings | given
    if values["probe_url"] == "":
        values["probe_url"] = f"http://127.0.0.1:{values['port']}/health"
    return Settings(**values)


def _environment(environ: Mapping[str, str]) -> Iterator[tuple[str, Any]]:
    """Field and value of each variable; raises _Wrong, with the variable's name."""
    if folder := environ.get(MULTIPROCESS):
        yield "app_folder", Path(folder)
    options = {option.variable: option for option in OPTIONS}
    for name in sorted(environ):
        if not name.startswith(PREFIX):
            continue
        if name not in options:
            raise _Wrong(f"{name}: no such variable; --help lists the options")
        try:
            yield options[name].field, options[name].parse(environ[name])
        except _Wrong as error:
            raise _Wrong(f"{name}: {error}") from error


def _variables(fields: Sequence[str]) -> str:
    return ", ".join(option.variable for option in OPTIONS if option.field in fields)
