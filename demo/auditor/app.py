"""The stand-in's routes: `uvicorn --factory demo.auditor.app:create`."""

from __future__ import annotations

import asyncio
import logging
import sys
import time
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager
from datetime import UTC, datetime
from typing import Any, Final

from fastapi import FastAPI, HTTPException, Request, Response
from fastapi.responses import JSONResponse
from prometheus_client import CONTENT_TYPE_LATEST, generate_latest

from demo.auditor.injector import FaultInjector, Sampler
from demo.auditor.limits import UNLIMITED_PATHS, RateLimiter, auth_error, client_id
from demo.auditor.metrics import CONFIDENCE, LATENCY, REGISTRY, REQUESTS
from demo.auditor.schemas import Health, Problem, Statistics, VerifyRequest, VerifyResponse
from demo.auditor.settings import Settings
from demo.auditor.storage import Storage
from demo.auditor.verification import Verifier
from demo.injection import Effect

VERSION: Final = "0.1.0"
LOG: Final = logging.getLogger("auditor.api.server")


class InjectedError(Exception):
    """The failure that the fault `errors` injects."""


def create() -> FastAPI:
    logging.basicConfig(
        level=logging.INFO,
        stream=sys.stdout,
        format="%(asctime)s - %(name)s - %(levelname)s - %(message)s",
    )
    settings = Settings.read()

    @asynccontextmanager
    async def lifespan(app: FastAPI) -> AsyncIterator[None]:
        storage = Storage(settings)
        app.state.verifier = Verifier(settings)
        app.state.storage = storage
        loop = asyncio.get_running_loop()
        app.state.injector = FaultInjector(settings.control, loop, storage.resize_pool)
        app.state.sampler = Sampler()
        LOG.info("Starting JuraGPT Auditor API (stand-in)")
        yield
        LOG.info("Shutting down JuraGPT Auditor API")

    app = FastAPI(title="JuraGPT Auditor (stand-in)", version=VERSION, lifespan=lifespan)
    if settings.rate_limiting:
        _limit(app, RateLimiter(settings.per_minute, settings.burst))
    _routes(app, settings)
    return app


def _limit(app: FastAPI, limiter: RateLimiter) -> None:
    @app.middleware("http")
    async def limit(
        request: Request, call_next: Callable[[Request], Awaitable[Response]]
    ) -> Response:
        client = client_id(request)
        unlimited = request.url.path in UNLIMITED_PATHS
        seconds = 0 if unlimited else limiter.retry_after(client)
        if not seconds:
            return await call_next(request)
        LOG.warning("Rate limit exceeded: %s", client)
        detail = {"detail": "Rate limit exceeded. Please try again later."}
        return JSONResponse(detail, status_code=429, headers={"Retry-After": str(seconds)})


def _routes(app: FastAPI, settings: Settings) -> None:
    @app.get("/")
    async def root() -> dict[str, str]:
        names = {"service": "JuraGPT Auditor", "version": VERSION}
        return {**names, "status": "running", "docs": "/docs"}

    @app.get("/health")
    async def health() -> Health:
        return Health(status="healthy", version=VERSION, timestamp=datetime.now(UTC).isoformat())

    @app.get("/metrics")
    async def metrics() -> Response:
        return Response(generate_latest(REGISTRY), media_type=CONTENT_TYPE_LATEST)

    @app.post("/verify")
    async def verify(body: VerifyRequest, request: Request) -> VerifyResponse:
        if problem := auth_error(request, settings.keys):
            raise HTTPException(401, problem)
        start = time.perf_counter()
        try:
            result = await _verify(app.state, body)
        except Exception as error:
            REQUESTS.labels(status="error").inc()
            LOG.exception("Verification failed: %s", error)
            detail = Problem(error="Verification failed", detail=str(error))
            raise HTTPException(500, detail.model_dump()) from error
        REQUESTS.labels(status="success").inc()
        CONFIDENCE.observe(result.confidence.score)
        LATENCY.observe(time.perf_counter() - start)
        LOG.info(
            "Verification complete: %s (confidence: %.2f, label: %s)",
            result.verification_id,
            result.confidence.score,
            result.confidence.trust_label,
        )
        return result

    @app.get("/statistics")
    async def statistics() -> Statistics:
        storage: Storage = app.state.storage
        return storage.statistics()

    @app.get("/verifications/{verification_id}")
    async def verification(verification_id: str) -> dict[str, Any]:
        storage: Storage = app.state.storage
        found = storage.get(verification_id)
        if found is None:
            raise HTTPException(404, f"Verification {verification_id} not found")
        return found


async def _verify(state: Any, body: VerifyRequest) -> VerifyResponse:
    """Verify with the injected faults. Blocks the event loop."""
    injector: FaultInjector = state.injector
    LOG.info("Verifying answer (%d chars, %d sources)", len(body.answer), len(body.sources))
    if delay := injector.amount(Effect.DELAY):
        await asyncio.sleep(delay)
    if state.sampler.select(injector.amount(Effect.ERRORS)):
        raise InjectedError("the database refused the connection")
    result: VerifyResponse = state.verifier.verify(
        body, injector.amount(Effect.WEAKNESS), injector.amount(Effect.BLOCK)
    )
    state.storage.store(result)
    return result
