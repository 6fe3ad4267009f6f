"""Puts the parts together and runs them: pages, probe, search for workers, server, signals."""

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
from exporters.errors import ErrorCounter
from exporters.pages import AppPage, UnreadableError, WorkersPage
from exporters.probe import Probe
from exporters.proc.root import ProcRoot
from exporters.settings import Settings
from exporters.singleflight import SingleFlight
from exporters.web.request import Request
from exporters.web.server import Guard, Limits, Response, Server, plain
from exporters.workers.discovery import Discovery, Found, State, Target
from exporters.workers.registry import WorkerRegistry

LOG: Final = logging.getLogger("exporters")
GRACE_SECONDS: Final = 5.0
_INDEX: Final = """\
The Auditor's sidecar.

/metrics       the worker processes; ?pss=1 adds proportional and unique memory
/metrics/app   the app's own metrics, summed over its workers
/-/healthy     200 while the sidecar is running
/-/ready       200 once it has searched for the workers
"""


@dataclass(frozen=True, slots=True)
class Page:
    """A page as requested, with its format."""

    path: str
    openmetrics: bool
    pss: bool


class Sidecar:
    """Reads /proc and the app's folder in one thread, one call at a time.

    So the event loop, which serves and probes, never waits for the kernel or a disk.
    """

    def __init__(self, settings: Settings) -> None:
        """Raises ConfigError if the web configuration file cannot be used."""
        self._settings = settings
        self._executor = ThreadPoolExecutor(1, thread_name_prefix="reading")
        errors = ErrorCounter()
        proc = ProcRoot(settings.proc)
        target = Target(settings.port, settings.pid, settings.pid_file, settings.pattern)
        self._registry = WorkerRegistry(
            proc, Discovery(proc, target), errors.report, _log_discovery
        )
        self._probe = (
            Probe(settings.probe_url, settings.probe_interval, settings.probe_timeout)
            if settings.probe_url
            else None
        )
        self._app = (
            AppPage(
                proc,
                self._registry,
                AppMetrics(settings.app_folder, errors.report),
                errors,
                merge=not settings.no_fold,
            )
            if settings.app_folder
            else None
        )
        self._workers = WorkersPage(proc, settings, self._registry, self._probe, self._app, errors)
        self._pages = SingleFlight(self._text, self._executor)
        self._guard = _guard(settings.web_config)
        self._ready = False

    async def run(self) -> None:
        """Serve until SIGTERM or SIGINT; raises OSError if it cannot listen on the address."""
        _raise_file_limit()
        stopped = asyncio.Event()
        for number in (signal.SIGTERM, signal.SIGINT):
            asyncio.get_running_loop().add_signal_handler(number, stopped.set)
        limits = Limits(connections=self._settings.max_connections)
        server = Server(self._respond, limits, self._guard)
        host, port = self._settings.listen
        LOG.info("serving on %s:%s", host or "*", await server.start(host, port))
        tasks = [asyncio.create_task(stopped.wait()), asyncio.create_task(self._watch())]
        if self._probe:
            tasks.append(asyncio.create_task(self._probe.run()))
        try:
            await _first_of(tasks)
        finally:
            await server.stop(GRACE_SECONDS)
            await asyncio.get_running_loop().run_in_executor(self._executor, self._close)
            self._executor.shutdown()
        LOG.info("stopped by a signal")

    async def _watch(self) -> None:
        """Search for new workers between scrapes, and merge files of dead ones."""
        loop = asyncio.get_running_loop()
        while True:
            await loop.run_in_executor(self._executor, self._refresh)
            self._ready = True
            await asyncio.sleep(self._settings.watch_interval)

    def _refresh(self) -> None:
        try:
            self._registry.refresh()
            if self._app:
                self._app.merge()
        except Exception:  # a scrape that fails for the same reason is a 500
            LOG.exception("searching for the workers failed")

    async def _respond(self, request: Request) -> Response:
        if request.path == "/metrics" or (request.path == "/metrics/app" and self._app):
            return await self._page(request)
        status, line = {
            "/": (200, _INDEX.rstrip()),
            "/metrics/app": (404, "the app's folder is not set; see --app-folder"),
            "/-/healthy": (200, "healthy"),
            "/-/ready": (200, "ready")
            if self._ready
            else (503, "has not searched for the workers yet"),
        }.get(request.path, (404, "not found; / lists the pages"))
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

    def _text(self, page: Page) -> bytes:
        if page.path == "/metrics/app" and self._app:
            return self._app.text(page.openmetrics)
        return self._workers.text(page.openmetrics, page.pss)

    def _close(self) -> None:
        self._registry.close()
        if self._app:
            self._app.close()


def _log_discovery(found: Found) -> None:
    level = logging.INFO if found.state is State.FOUND else logging.WARNING
    LOG.log(level, "%s", found.detail)


def _guard(web_config: Path | None) -> Guard | None:
    """Only with such a file are PyYAML and bcrypt needed, and imported."""
    if web_config is None:
        return None
    from exporters.web.security import Security

    return Security(web_config)


async def _first_of(tasks: Sequence[asyncio.Task[Any]]) -> None:
    """Wait for the first to finish and cancel the others; raises what it raised."""
    try:
        done, _ = await asyncio.wait(tasks, return_when=asyncio.FIRST_COMPLETED)
    finally:
        for task in tasks:
            task.cancel()
    for task in done:
        task.result()


def _raise_file_limit() -> None:
    """To the maximum allowed: two files stay open for each worker."""
    _, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
    with suppress(OSError, ValueError):
        resource.setrlimit(resource.RLIMIT_NOFILE, (hard, hard))
