"""Puts the parts together and runs them: pages, probe, watch, server, signals."""

from __future__ import annotations

import asyncio
import logging
import resource
import signal
from collections.abc import Sequence
from concurrent.futures import ThreadPoolExecutor
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Final

from prometheus_client.exposition import choose_encoder

from exporters.app import AppMetrics
from exporters.errors import Errors
from exporters.fleet import Fleet
from exporters.pages import AppPage, UnreadableError, WorkersPage
from exporters.probe import Probe
from exporters.proc.root import ProcRoot
from exporters.settings import Settings
from exporters.shared import Shared
from exporters.web.request import Request
from exporters.web.server import Guard, Limits, Response, Server, plain
from exporters.workers.discovery import Discovery, Target

LOG: Final = logging.getLogger("exporters")
GRACE_SECONDS: Final = 5.0
_INDEX: Final = """\
The Auditor's sidecar.

/metrics       the worker processes; ?pss=1 with proportional and unique memory
/metrics/app   the app's own metrics, summed over its workers
/-/healthy     the sidecar runs
/-/ready       it has looked at the workers once
"""


@dataclass(frozen=True, slots=True)
class Page:
    """Which page is asked for, and in which format."""

    path: str
    openmetrics: bool
    pss: bool


class Sidecar:
    """All reading of /proc and of the app's folder happens in one thread, one call at a time.

    The event loop, which serves and probes, so never waits for the kernel or a disk.
    """

    def __init__(self, settings: Settings) -> None:
        """Raises ConfigError for a web configuration file that cannot be used."""
        self._settings = settings
        self._executor = ThreadPoolExecutor(1, thread_name_prefix="reading")
        errors = Errors()
        proc = ProcRoot(settings.proc)
        target = Target(settings.port, settings.pid, settings.pid_file, settings.pattern)
        self._fleet = Fleet(proc, Discovery(proc, target), errors.report)
        self._probe = (
            Probe(settings.probe_url, settings.probe_interval, settings.probe_timeout)
            if settings.probe_url
            else None
        )
        self._app = (
            AppPage(
                proc,
                self._fleet,
                AppMetrics(settings.app_folder, errors.report),
                errors,
                fold=not settings.no_fold,
            )
            if settings.app_folder
            else None
        )
        self._workers = WorkersPage(proc, settings, self._fleet, self._probe, self._app, errors)
        self._pages = Shared(self._write, self._executor)
        self._guard = _guard(settings.web_config)
        self._ready = False

    async def run(self) -> None:
        """Serve until SIGTERM or SIGINT; raises OSError if the address cannot be had."""
        _raise_descriptor_limit()
        ended = asyncio.Event()
        for number in (signal.SIGTERM, signal.SIGINT):
            asyncio.get_running_loop().add_signal_handler(number, ended.set)
        limits = Limits(connections=self._settings.max_connections)
        server = Server(self._answer, limits, self._guard)
        host, port = self._settings.listen
        LOG.info("serves on %s:%s", host or "*", await server.start(host, port))
        tasks = [asyncio.create_task(ended.wait()), asyncio.create_task(self._watch())]
        if self._probe:
            tasks.append(asyncio.create_task(self._probe.run()))
        try:
            await _first_of(tasks)
        finally:
            await server.stop(GRACE_SECONDS)
            await asyncio.get_running_loop().run_in_executor(self._executor, self._close)
            self._executor.shutdown()
        LOG.info("ended by a signal")

    async def _watch(self) -> None:
        """Looks for new workers between scrapes, and takes over what ended ones have left."""
        loop = asyncio.get_running_loop()
        while True:
            await loop.run_in_executor(self._executor, self._look)
            self._ready = True
            await asyncio.sleep(self._settings.watch_interval)

    def _look(self) -> None:
        try:
            self._fleet.look()
            if self._app:
                self._app.fold()
        except Exception:  # a scrape that fails the same way says so with a 500
            LOG.exception("looking at the workers failed")

    async def _answer(self, request: Request) -> Response:
        if request.path == "/metrics" or (request.path == "/metrics/app" and self._app):
            return await self._page(request)
        status, line = {
            "/": (200, _INDEX.rstrip()),
            "/metrics/app": (404, "no folder of the app's metrics is set; see --app-folder"),
            "/-/healthy": (200, "healthy"),
            "/-/ready": (200, "ready") if self._ready else (503, "has not looked for workers yet"),
        }.get(request.path, (404, "no such page; see /"))
        return plain(status, line)

    async def _page(self, request: Request) -> Response:
        _, content_type = choose_encoder(request.headers.get("accept", ""))
        openmetrics = content_type.startswith("application/openmetrics-text")
        pss = request.path == "/metrics" and request.query.get("pss") == ("1",)
        try:
            body = await self._pages.get(Page(request.path, openmetrics, pss))
        except UnreadableError as error:
            return plain(503, str(error))
        return Response(200, content_type, body)

    def _write(self, page: Page) -> bytes:
        if page.path == "/metrics/app" and self._app:
            return self._app.text(page.openmetrics)
        return self._workers.text(page.openmetrics, page.pss)

    def _close(self) -> None:
        self._fleet.close()
        if self._app:
            self._app.close()


def _guard(web_config: Path | None) -> Guard | None:
    """PyYAML and bcrypt are needed, and loaded, for such a file alone."""
    if web_config is None:
        return None
    from exporters.web.security import Security

    return Security(web_config)


async def _first_of(tasks: Sequence[asyncio.Task[Any]]) -> None:
    """Wait for the first to end, and end the others; raises what it raised."""
    try:
        done, _ = await asyncio.wait(tasks, return_when=asyncio.FIRST_COMPLETED)
    finally:
        for task in tasks:
            task.cancel()
    for task in done:
        task.result()


def _raise_descriptor_limit() -> None:
    """As far as is allowed: two files stay open for each worker."""
    _, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
    with suppress(OSError, ValueError):
        resource.setrlimit(resource.RLIMIT_NOFILE, (hard, hard))
