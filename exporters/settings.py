"""Settings of the sidecar, from the command line and the environment."""

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
MAX_PORT: Final = 65535
LOG_LEVELS: Final = ("debug", "info", "warning", "error")


@dataclass(frozen=True, slots=True)
class Settings:
    """Durations are in seconds. At most one of pid, pid_file and pattern is set."""

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


class _InvalidError(argparse.ArgumentTypeError):
    """A value cannot be used; the text says what was expected."""


def _port(text: str) -> int:
    if text.isascii() and text.isdecimal() and 1 <= int(text) <= MAX_PORT:
        return int(text)
    raise _InvalidError(f"{text!r} is not a port; expected a number from 1 to {MAX_PORT}")


def _ports(text: str) -> frozenset[int]:
    return frozenset() if text == "0" else frozenset(_port(part) for part in text.split(","))


def _count(text: str) -> int:
    if text.isascii() and text.isdecimal() and int(text) >= 1:
        return int(text)
    raise _InvalidError(f"{text!r} is not a positive whole number")


def _seconds(text: str) -> float:
    try:
        value = float(text)
    except ValueError:
        value = 0
    if 0.01 <= value <= 86400:
        return value
    raise _InvalidError(f"{text!r} is not a number of seconds from 0.01 to 86400")


def _pattern(text: str) -> re.Pattern[str]:
    try:
        return re.compile(text)
    except re.error as error:
        raise _InvalidError(f"{text!r} is not a regular expression: {error}") from error


def _address(text: str) -> tuple[str, int]:
    """From `HOST:PORT`, `[IPV6]:PORT`, or `:PORT` for all addresses."""
    found = re.fullmatch(r"(?:\[([0-9a-fA-F:.%\w]+)\]|([^\[\]:]*)):(\d+)", text, re.ASCII)
    if not found:
        raise _InvalidError(f"{text!r} is not an address; expected HOST:PORT, [IPV6]:PORT or :PORT")
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
        raise _InvalidError(f"{text!r} is not a URL; expected http://HOST:PORT/PATH, or none")
    return text


def _level(text: str) -> str:
    if text in LOG_LEVELS:
        return text
    raise _InvalidError(f"{text!r} is not a log level; expected one of {', '.join(LOG_LEVELS)}")


def _flag(text: str) -> bool:
    known = {"1": True, "true": True, "0": False, "false": False}
    if text in known:
        return known[text]
    raise _InvalidError(f"{text!r} is neither true nor false")


@dataclass(frozen=True, slots=True)
class Option:
    """One setting. `default` is spelled as on the command line; "" stands for none."""

    field: str
    parse: Callable[[str], Any]
    metavar: str
    meaning: str
    default: str = ""

    @property
    def flag(self) -> str:
        return "--" + self.field.replace("_", "-")

    @property
    def variable(self) -> str:
        return PREFIX + self.field.upper()

    @property
    def help(self) -> str:
        return f"{self.meaning} (default: {self.default})" if self.default else self.meaning

    @property
    def default_value(self) -> Any:
        if self.default:
            return self.parse(self.default)
        return False if self.parse is _flag else None


_AUDITOR: Final = "the Auditor"
GROUPS: Final[Mapping[str, tuple[Option, ...]]] = {
    _AUDITOR: (
        Option(
            "port", _port, "PORT", "its API port; whatever listens on it is the Auditor", "8000"
        ),
        Option("pid", _count, "PID", "treat this process and its children as the Auditor"),
        Option("pid_file", Path, "FILE", "like --pid, with the pid read from a file"),
        Option("pattern", _pattern, "REGEX", "like --pid, for all matching command lines"),
        Option("db_ports", _ports, "PORT[,PORT]", "its database ports; 0 for none", "5432"),
    ),
    "app metrics": (
        Option(
            "app_folder",
            Path,
            "FOLDER",
            "where the workers write their metric files; without it /metrics/app is 404"
            f" (default: ${MULTIPROCESS})",
        ),
        Option(
            "no_fold",
            _flag,
            "",
            "do not merge (fold) files of dead workers; each one slows down /metrics/app",
        ),
    ),
    "probe": (
        Option(
            "probe_url",
            _url,
            "URL",
            "URL to probe, or none (default: http://127.0.0.1:PORT/health)",
        ),
        Option("probe_interval", _seconds, "SECONDS", "time between two probes", "5"),
        Option("probe_timeout", _seconds, "SECONDS", "time after which a probe fails", "10"),
    ),
    "server": (
        Option(
            "listen",
            _address,
            "[HOST]:PORT",
            "address to serve on; without a host, all addresses",
            "127.0.0.1:9105",
        ),
        Option(
            "web_config",
            Path,
            "FILE",
            "TLS, client certificates and basic auth, in the file format of Prometheus exporters",
        ),
        Option("max_connections", _count, "COUNT", "maximum number of open connections", "512"),
    ),
    "other": (
        Option("watch_interval", _seconds, "SECONDS", "how often to search for new workers", "1"),
        Option("proc", Path, "FOLDER", "where procfs is mounted", "/proc"),
        Option("log_level", _level, "LEVEL", f"one of {', '.join(LOG_LEVELS)}", "info"),
    ),
}
OPTIONS: Final = tuple(option for options in GROUPS.values() for option in options)
SELECTORS: Final = ("pid", "pid_file", "pattern")

_DESCRIPTION = """\
Serves metrics of the Auditor's worker processes, and the app's own metrics summed over all workers.

  /metrics       memory, threads, file descriptors, CPU time, connections (job auditor-workers);
                 ?pss=1 adds proportional and unique memory, at some milliseconds per worker
  /metrics/app   the app's metrics, from the folder of its multiprocess mode (job auditor-api)
  /-/healthy     200 while the sidecar is running
  /-/ready       200 once it has searched for the workers
"""
_EPILOG = f"""\
Every option can also be set in the environment: {PREFIX}DB_PORTS=5432,6432 for --db-ports.
The command line takes precedence.

examples:
  python -m exporters                                      an Auditor on port 8000
  python -m exporters --port 8888 --listen 10.0.0.5:9105   other port and address
  python -m exporters --pid-file /run/auditor.pid --app-folder /run/auditor-metrics
  python -m exporters --pattern 'gunicorn .*auditor' --web-config web.yml

exit codes: 0 stopped by a signal, 1 cannot serve (address in use), 2 bad input
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
    groups = {title: top.add_argument_group(title) for title in GROUPS}
    selectors = groups[_AUDITOR].add_mutually_exclusive_group()
    for title, options in GROUPS.items():
        for option in options:
            group = selectors if option.field in SELECTORS else groups[title]
            if option.parse is _flag:
                group.add_argument(option.flag, action="store_true", help=option.help)
            else:
                group.add_argument(
                    option.flag, type=option.parse, metavar=option.metavar, help=option.help
                )
    return top


def load(argv: Sequence[str], environ: Mapping[str, str]) -> Settings:
    """Settings from the command line, then the environment, then the defaults.

    On bad input argparse prints what is wrong and exits with code 2.
    """
    top = parser()
    given = vars(top.parse_args(argv))
    try:
        from_environment = dict(_environment(environ))
    except _InvalidError as error:
        top.error(str(error))
    if any(field in given for field in SELECTORS):
        for field in SELECTORS:
            from_environment.pop(field, None)
    if len(named := [field for field in SELECTORS if field in from_environment]) > 1:
        top.error(f"{_variables(named)}: only one of these can be set")
    values = {option.field: option.default_value for option in OPTIONS}
    values |= from_environment | given
    if "probe_url" not in from_environment | given:
        values["probe_url"] = f"http://127.0.0.1:{values['port']}/health"
    return Settings(**values)


def _environment(environ: Mapping[str, str]) -> Iterator[tuple[str, Any]]:
    """Field and value of each variable; raises _InvalidError with the name of the variable."""
    if folder := environ.get(MULTIPROCESS):
        yield "app_folder", Path(folder)
    options = {option.variable: option for option in OPTIONS}
    for name in sorted(environ):
        if not name.startswith(PREFIX):
            continue
        if name not in options:
            raise _InvalidError(f"{name}: no such variable; --help lists the options")
        try:
            yield options[name].field, options[name].parse(environ[name])
        except _InvalidError as error:
            raise _InvalidError(f"{name}: {error}") from error


def _variables(fields: Sequence[str]) -> str:
    return ", ".join(option.variable for option in OPTIONS if option.field in fields)
