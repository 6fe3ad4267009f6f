"""Fixtures for the outside programs; a test whose program is missing is skipped with the reason."""

import os
import shutil
import signal
from pathlib import Path

import pytest
from hypothesis import settings

from tests import certificates, tools
from tests.full import older_in_full
from tests.tools.skipping import had, or_skip

# The same examples in every run; `pytest --hypothesis-profile=explore` looks for new ones.
# No deadline: on a busy machine an example takes as long as it waits for a processor.
settings.register_profile("repeat", derandomize=True, database=None, deadline=None, max_examples=60)
settings.register_profile("explore", deadline=None, max_examples=3000)
settings.load_profile("repeat")


def pytest_configure() -> None:
    """Ctrl-C reaches what tests start, even where this was started with SIGINT ignored.

    A shell script ignores it for what it runs in the background, and children inherit that.
    """
    signal.signal(signal.SIGINT, signal.default_int_handler)


def pytest_xdist_auto_num_workers() -> int:
    """Two for each processor: half of the time, live tests wait for something to happen."""
    return 2 * (os.cpu_count() or 1)


def pytest_report_header() -> list[str]:
    names = (*(path.name for path in tools.promtools()), tools.VMALERT)
    return [f"{name}: {tools.origin(name) or 'missing'}" for name in names]


@pytest.fixture(scope="session", params=older_in_full(tools.PROMTOOLS))
def promtool(request: pytest.FixtureRequest) -> Path:
    """Each promtool in turn that the rules promise to work with."""
    return had(request.param)


@pytest.fixture(scope="session")
def any_promtool() -> Path:
    """The newest promtool there is, for tests that need no more than one."""
    found = tools.promtools()
    return found[-1] if found else pytest.skip("no promtool; run `make tools`")


@pytest.fixture(scope="session", params=older_in_full(tools.PROMETHEUSES))
def prometheus_server(request: pytest.FixtureRequest) -> Path:
    """The oldest and the newest server that the rules promise to work with."""
    return had(request.param)


@pytest.fixture(scope="session", params=older_in_full(tools.ALERTMANAGERS))
def alertmanager_server(request: pytest.FixtureRequest) -> Path:
    """The oldest and the newest that the configuration promises to work with."""
    return had(request.param)


@pytest.fixture(scope="session", params=older_in_full(tools.AMTOOLS))
def amtool(request: pytest.FixtureRequest) -> Path:
    return had(request.param)


@pytest.fixture(scope="session")
def vmalert() -> Path:
    return had(tools.VMALERT)


@pytest.fixture(scope="session")
def tsc() -> Path:
    """The TypeScript compiler; @grafana/schema is in `tools.node_modules()`."""
    return or_skip(tools.tsc)


@pytest.fixture(scope="session")
def keys(tmp_path_factory: pytest.TempPathFactory) -> certificates.Keys:
    if not shutil.which("openssl"):
        pytest.skip("no openssl on PATH, which makes the certificates")
    return certificates.make(tmp_path_factory.mktemp("keys"))
