"""Times requests to the service's health endpoint, sent as a client would send them."""

from __future__ import annotations

import asyncio
import logging
import ssl
import time
from collections.abc import Iterator
from typing import Final
from urllib.parse import urlsplit

from prometheus_client import CollectorRegistry, Histogram

from exporters import VERSION, contract
from exporters.exposition import Block, from_client, single

LOG: Final = logging.getLogger("exporters")
MAX_LINE_BYTES: Final = 8192


class Probe:
    """Sends a request every `interval` seconds over a new connection, with a `timeout`.

    The histogram only counts probes that got a response. Whether the last one got a 200 is a metric
    of its own, absent until the first probe is done.
    """

    def __init__(self, url: str, interval: float, timeout: float) -> None:
        parts = urlsplit(url)
        self._host = parts.hostname or ""
        self._tls = parts.scheme == "https"
        self._port = parts.port or (443 if self._tls else 80)
        target = (parts.path or "/") + (f"?{parts.query}" if parts.query else "")
        self._request = (
            f"GET {target} HTTP/1.1\r\nHost: {parts.netloc.rpartition('@')[2]}\r\n"
            f"User-Agent: auditor-sidecar/{VERSION}\r\nConnection: close\r\n\r\n"
        ).encode("ascii")
        self._url = url
        self._interval = interval
        self._timeout = timeout
        self._success: bool | None = None
        self._last_outcome = ""
        self.local_ports: frozenset[int] = frozenset()
        self._registry = CollectorRegistry()
        self._duration = Histogram(
            contract.PROBE_DURATION.name, contract.PROBE_DURATION.help, registry=self._registry
        )

    async def run(self) -> None:
        """Run until cancelled. A probe that takes longer than the interval replaces the next."""
        next_at = time.monotonic()
        while True:
            await self.send()
            now = time.monotonic()
            next_at = next_start(next_at, now, self._interval)
            await asyncio.sleep(next_at - now)

    async def send(self) -> None:
        """One probe; a change of the outcome is logged."""
        start = time.perf_counter()
        try:
            async with asyncio.timeout(self._timeout):
                status = await self._status()
            self._duration.observe(time.perf_counter() - start)
            outcome = f"responds with {status}"
            self._success = status == 200
        except TimeoutError:
            outcome, self._success = f"does not respond within {self._timeout:g} s", False
        except ssl.SSLError as error:
            outcome, self._success = f"fails: {error.reason or error}", False
        except (OSError, EOFError, ValueError) as error:
            outcome, self._success = f"does not respond: {error}", False
        if outcome != self._last_outcome:
            self._last_outcome = outcome
            LOG.log(logging.INFO if self._success else logging.WARNING, "%s %s", self._url, outcome)

    async def _status(self) -> int:
        """Status of a complete response; raises OSError, EOFError or ValueError."""
        reader, writer = await asyncio.open_connection(
            self._host,
            self._port,
            ssl=ssl.create_default_context() if self._tls else None,
            limit=MAX_LINE_BYTES,
        )
        try:
            self.local_ports = frozenset({writer.get_extra_info("sockname")[1]})
            writer.write(self._request)
            line = await reader.readline()
            version, _, rest = line.partition(b" ")
            if not version.startswith(b"HTTP/1.") or not rest[:3].isdigit():
                raise ValueError("not an HTTP response" if line else "connection closed")
            while await reader.read(MAX_LINE_BYTES):
                pass
            return int(rest[:3])
        finally:
            writer.transport.abort()
            self.local_ports = frozenset()

    def blocks(self) -> Iterator[Block]:
        if self._success is not None:
            yield single(contract.PROBE_SUCCESS, int(self._success))
        yield from (from_client(contract.PROBE_DURATION, each) for each in self._registry.collect())


def next_start(last: float, now: float, interval: float) -> float:
    """`last` plus as many intervals, at least one, as it takes not to be in the past."""
    return last + max(1, -((last - now) // interval)) * interval
