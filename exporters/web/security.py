"""Applies the web configuration file, TLS and authentication, and reloads it when it changes."""

from __future__ import annotations

import ipaddress
import logging
import os
import ssl
import time
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import TYPE_CHECKING, Any, Final

from exporters.web.problems import ConfigError
from exporters.web.request import Request
from exporters.web.server import Headers, Response, plain
from exporters.web.webconfig import Pem, RateLimit, Tls, WebConfig, parse

if TYPE_CHECKING:
    from exporters.web.passwords import Passwords

LOG: Final = logging.getLogger("exporters.web")
_CHECK_SECONDS: Final = 1.0
Stamp = tuple[tuple[int, int, int] | None, ...]


class Security:
    """The server's guard. New certificates apply to new connections.

    The file and the files it names are checked for changes at most once a second. If the new
    version is invalid, that is logged and the previous one stays in effect.
    """

    def __init__(self, file: Path, clock: Callable[[], float] = time.monotonic) -> None:
        """Raises ConfigError."""
        self._file = file
        self._clock = clock
        self._apply()

    def _apply(self) -> None:
        self._check_at = self._clock() + _CHECK_SECONDS
        config = parse(self._file, _text(self._file))
        stamp = _stamp([self._file, *(config.tls.files if config.tls else ())])
        context = _context(self._file, config.tls) if config.tls else None
        passwords = _passwords(self._file, config)
        self._config, self._stamp, self._context = config, stamp, context
        self._passwords = passwords
        self._bucket = TokenBucket(config.rate_limit, self._clock) if config.rate_limit else None
        self.headers: Headers = config.headers

    def _refresh(self) -> None:
        if self._clock() < self._check_at:
            return
        self._check_at = self._clock() + _CHECK_SECONDS
        tls = self._config.tls
        stamp = _stamp([self._file, *(tls.files if tls else ())])
        if stamp == self._stamp:
            return
        old = self._passwords
        try:
            self._apply()
        except ConfigError as error:
            self._stamp = stamp
            LOG.warning("the web configuration was not reloaded: %s", error)
            return
        if old:
            old.close()
        LOG.info("reloaded %s", self._file)

    def context(self) -> ssl.SSLContext | None:
        """For a new connection; None without TLS."""
        self._refresh()
        return self._context

    def admits_peer(self, certificate: Mapping[str, Any] | None) -> bool:
        """Whether the client's certificate, already verified, has an allowed name."""
        tls = self._config.tls
        if tls is None or not tls.client_sans:
            return True
        names = {_canonical(*name) for name in (certificate or {}).get("subjectAltName", ())}
        return not names.isdisjoint(tls.client_sans)

    async def refusal(self, request: Request) -> Response | None:
        """The response to a request that is refused; None if it is accepted."""
        self._refresh()
        if self._bucket and not self._bucket.take():
            return plain(429, "too many requests")
        passwords = self._passwords
        if passwords is None:
            return None
        from exporters.web.passwords import BusyError

        try:
            if await passwords.accepts(request.headers.get("authorization", "")):
                return None
        except BusyError:
            return plain(503, "too many passwords are waiting to be checked")
        return plain(401, "unauthorized", (("WWW-Authenticate", 'Basic realm="auditor-sidecar"'),))

    def close(self) -> None:
        if self._passwords:
            self._passwords.close()


class TokenBucket:
    """Full at first; gains one token per interval."""

    def __init__(self, limit: RateLimit, clock: Callable[[], float]) -> None:
        self._limit = limit
        self._clock = clock
        self._tokens = float(limit.burst)
        self._at = clock()

    def take(self) -> bool:
        now = self._clock()
        self._tokens += (now - self._at) / self._limit.interval
        self._tokens, self._at = min(self._tokens, float(self._limit.burst)), now
        if self._tokens < 1:
            return False
        self._tokens -= 1
        return True


def _canonical(kind: str, value: str) -> str:
    """A name in the certificate; IP addresses in canonical form."""
    if kind == "IP Address":
        with suppress(ValueError):
            return str(ipaddress.ip_address(value.strip()))
    return value


def _text(file: Path) -> str:
    try:
        return file.read_text("utf-8")
    except OSError as error:
        raise ConfigError([f"{file}: cannot read the file: {error.strerror or error}"]) from None
    except UnicodeDecodeError as error:
        raise ConfigError([f"{file}: not UTF-8: byte {error.start}"]) from None


def _stamp(files: list[Path]) -> Stamp:
    stamps: list[tuple[int, int, int] | None] = []
    for file in files:
        try:
            status = file.stat()
        except OSError:
            stamps.append(None)
        else:
            stamps.append((status.st_ino, status.st_mtime_ns, status.st_size))
    return tuple(stamps)


def _passwords(file: Path, config: WebConfig) -> Passwords | None:
    if not config.users:
        return None
    try:
        from exporters.web.passwords import Passwords
    except ImportError:
        raise ConfigError(
            [f"{file}: basic_auth_users needs the bcrypt package: pip install bcrypt"]
        ) from None
    return Passwords(config.users)


def _context(file: Path, tls: Tls) -> ssl.SSLContext:
    """Raises ConfigError."""
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.minimum_version, context.maximum_version = tls.minimum, tls.maximum
    context.set_alpn_protocols(["http/1.1"])
    if not tls.prefer_server_ciphers:
        context.options &= ~ssl.OP_CIPHER_SERVER_PREFERENCE
    with _as_problem(file, "cipher_suites"):
        if tls.ciphers:
            context.set_ciphers(":".join(tls.ciphers))
    with _as_problem(file, "curve_preferences"):
        if tls.curve:
            context.set_ecdh_curve(tls.curve)
    with _as_problem(file, "cert and key"), _path(tls.certificate) as cert, _path(tls.key) as key:
        context.load_cert_chain(cert, key, password=_no_password)
    if tls.client_ca:
        with _as_problem(file, "client_ca"), _path(tls.client_ca) as authority:
            context.load_verify_locations(authority)
    context.verify_mode = tls.client_auth
    return context


def _no_password() -> str:
    """Called where OpenSSL would prompt on the terminal."""
    raise ValueError("the key is encrypted, which the file format does not support; decrypt it")


@contextmanager
def _as_problem(file: Path, what: str) -> Iterator[None]:
    try:
        yield
    except (OSError, ValueError) as error:  # an SSLError is an OSError
        text = error.strerror if isinstance(error, OSError) and error.strerror else str(error)
        name = f" {error.filename}" if isinstance(error, OSError) and error.filename else ""
        raise ConfigError([f"{file}: tls_server_config: {what}:{name} {text}"]) from None


@contextmanager
def _path(pem: Pem) -> Iterator[str]:
    """Path of the file, or of one in memory, as OpenSSL needs a path."""
    if pem.file:
        with pem.file.open("rb"):  # names the file if it cannot be read; OpenSSL does not
            yield str(pem.file)
        return
    fd = os.memfd_create("pem", os.MFD_CLOEXEC)
    try:
        os.write(fd, pem.text.encode())
        yield f"/proc/self/fd/{fd}"
    finally:
        os.close(fd)
