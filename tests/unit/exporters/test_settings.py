from __future__ import annotations

import re
from argparse import ArgumentTypeError
from contextlib import suppress
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from exporters.settings import OPTIONS, PREFIX, Option, Settings, load, parser


def settings(*argv: str, **environ: str) -> Settings:
    return load(argv, environ)


def test_defaults() -> None:
    assert settings() == Settings(
        port=8000,
        pid=None,
        pid_file=None,
        pattern=None,
        db_ports=frozenset({5432}),
        app_folder=None,
        no_fold=False,
        probe_url="http://127.0.0.1:8000/health",
        probe_interval=5,
        probe_timeout=10,
        watch_interval=1,
        listen=("127.0.0.1", 9105),
        web_config=None,
        max_connections=512,
        proc=Path("/proc"),
        log_level="info",
    )


GOOD = {
    "port": ("8888", 8888),
    "pid": ("7", 7),
    "pid_file": ("/run/a.pid", Path("/run/a.pid")),
    "pattern": ("uvicorn .*app", re.compile("uvicorn .*app")),
    "db_ports": ("5432,6432", frozenset({5432, 6432})),
    "app_folder": ("/run/m", Path("/run/m")),
    "probe_url": ("https://[::1]:8443/health?x=1", "https://[::1]:8443/health?x=1"),
    "probe_interval": ("0.5", 0.5),
    "probe_timeout": ("3", 3.0),
    "watch_interval": ("2", 2.0),
    "listen": ("[::1]:9200", ("::1", 9200)),
    "web_config": ("web.yml", Path("web.yml")),
    "max_connections": ("64", 64),
    "proc": ("/host/proc", Path("/host/proc")),
    "log_level": ("debug", "debug"),
}


def test_each_option_has_a_good_value_here() -> None:
    assert {option.field for option in OPTIONS} == {*GOOD, "no_fold"}


@pytest.mark.parametrize("field", GOOD)
def test_command_line_and_environment_are_equivalent(field: str) -> None:
    (option,) = (each for each in OPTIONS if each.field == field)
    text, value = GOOD[field]
    assert getattr(settings(option.flag, text), field) == value
    assert getattr(settings(**{option.variable: text}), field) == value
    assert settings(option.flag, text, **{option.variable: text}) == settings(option.flag, text)


def test_the_command_line_takes_precedence() -> None:
    assert settings("--port", "1", AUDITOR_SIDECAR_PORT="2").port == 1
    both = settings("--pid", "1", AUDITOR_SIDECAR_PATTERN="x", AUDITOR_SIDECAR_PID_FILE="y")
    assert (both.pid, both.pattern, both.pid_file) == (1, None, None)


def test_the_folder_of_the_app() -> None:
    assert settings(PROMETHEUS_MULTIPROC_DIR="/a").app_folder == Path("/a")
    assert settings(PROMETHEUS_MULTIPROC_DIR="").app_folder is None
    named = settings(PROMETHEUS_MULTIPROC_DIR="/a", AUDITOR_SIDECAR_APP_FOLDER="/b")
    assert named.app_folder == Path("/b")


@pytest.mark.parametrize(("text", "value"), [("1", True), ("false", False)])
def test_a_flag_in_the_environment(text: str, value: bool) -> None:
    assert settings(AUDITOR_SIDECAR_NO_FOLD=text).no_fold is value
    assert settings("--no-fold", AUDITOR_SIDECAR_NO_FOLD=text).no_fold


def test_the_probe_follows_the_port() -> None:
    assert settings("--port", "81").probe_url == "http://127.0.0.1:81/health"
    assert settings("--port", "81", "--probe-url", "none").probe_url is None


def test_all_addresses() -> None:
    assert settings("--listen", ":80").listen == ("", 80)


@pytest.mark.parametrize(
    ("flag", "text", "message"),
    [
        ("--port", "0", "'0' is not a port; expected a number from 1 to 65535"),
        ("--port", "65536", "'65536' is not a port; expected a number from 1 to 65535"),
        ("--port", "٣", "'٣' is not a port; expected a number from 1 to 65535"),
        ("--pid", "-1", "'-1' is not a positive whole number"),
        ("--pattern", "(", "'(' is not a regular expression: missing ), unterminated subpattern"),
        ("--db-ports", "5432,", "'' is not a port; expected a number from 1 to 65535"),
        (
            "--probe-url",
            "localhost:8000",
            "'localhost:8000' is not a URL; expected http://HOST:PORT/PATH",
        ),
        ("--probe-url", "http://a:99999/", "'http://a:99999/' is not a URL"),
        ("--probe-url", "http://a/x y", "'http://a/x y' is not a URL"),
        ("--probe-interval", "0", "'0' is not a number of seconds from 0.01 to 86400"),
        ("--probe-timeout", "nan", "'nan' is not a number of seconds"),
        ("--listen", "9105", "'9105' is not an address; expected HOST:PORT, [IPV6]:PORT or :PORT"),
        ("--listen", "::1:9105", "'::1:9105' is not an address"),
        ("--listen", "a:b", "'a:b' is not an address"),
        ("--max-connections", "many", "'many' is not a positive whole number"),
        (
            "--log-level",
            "loud",
            "'loud' is not a log level; expected one of debug, info, warning, error",
        ),
    ],
)
def test_a_bad_value_is_one_line(
    flag: str, text: str, message: str, capsys: pytest.CaptureFixture[str]
) -> None:
    with pytest.raises(SystemExit, match="2"):
        settings(f"{flag}={text}")
    assert f"error: argument {flag}: {message}" in capsys.readouterr().err.splitlines()[-1]
    variable = PREFIX + flag.removeprefix("--").replace("-", "_").upper()
    with pytest.raises(SystemExit, match="2"):
        settings(**{variable: text})
    assert f"error: {variable}: {message}" in capsys.readouterr().err.splitlines()[-1]


@pytest.mark.parametrize(
    ("environ", "message"),
    [
        ({"AUDITOR_SIDECAR_PROT": "1"}, "AUDITOR_SIDECAR_PROT: no such variable"),
        ({"AUDITOR_SIDECAR_NO_FOLD": "si"}, "AUDITOR_SIDECAR_NO_FOLD: 'si' is neither"),
        (
            {"AUDITOR_SIDECAR_PID": "1", "AUDITOR_SIDECAR_PATTERN": "x"},
            "AUDITOR_SIDECAR_PID, AUDITOR_SIDECAR_PATTERN: only one of these can be set",
        ),
    ],
)
def test_bad_variables(
    environ: dict[str, str], message: str, capsys: pytest.CaptureFixture[str]
) -> None:
    with pytest.raises(SystemExit, match="2"):
        settings(**environ)
    assert message in capsys.readouterr().err


def test_only_one_way_to_select_the_auditor(capsys: pytest.CaptureFixture[str]) -> None:
    with pytest.raises(SystemExit, match="2"):
        settings("--pid", "1", "--pattern", "x")
    assert "argument --pattern: not allowed with argument --pid" in capsys.readouterr().err


@given(st.sampled_from(OPTIONS), st.text(st.characters(exclude_characters="\0")))
def test_any_value_is_accepted_or_refused(option: Option, text: str) -> None:
    with suppress(ArgumentTypeError):
        option.parse(text)


def test_help_names_every_option_and_no_line_is_too_wide() -> None:
    text = parser().format_help()
    assert [option.flag for option in OPTIONS if option.flag not in text] == []
    assert [line for line in text.splitlines() if len(line) > 100] == []
