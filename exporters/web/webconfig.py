"""The web configuration file that Prometheus exporters share.

Keys and defaults follow docs/web-configuration.md in github.com/prometheus/exporter-toolkit. What
Python's ssl module cannot do is refused, never replaced by something weaker.
"""

from __future__ import annotations

import re
import ssl
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from types import MappingProxyType
from typing import Final

from exporters.web.yamltree import Tree, Value

_AUTHENTICATION: Final = {
    "": ssl.CERT_NONE,
    "NoClientCert": ssl.CERT_NONE,
    "VerifyClientCertIfGiven": ssl.CERT_OPTIONAL,
    "RequireAndVerifyClientCert": ssl.CERT_REQUIRED,
}
_UNVERIFIED: Final = ("RequestClientCert", "RequireAnyClientCert", "RequireClientCert")
_VERSIONS: Final = {"TLS12": ssl.TLSVersion.TLSv1_2, "TLS13": ssl.TLSVersion.TLSv1_3}
_CURVES: Final = {
    "CurveP256": "prime256v1",
    "CurveP384": "secp384r1",
    "CurveP521": "secp521r1",
    "X25519": "X25519",
}
# Go's names; those of TLS 1.3 are not configurable in Go either.
_CIPHERS: Final = {
    "TLS_AES_128_GCM_SHA256": "",
    "TLS_AES_256_GCM_SHA384": "",
    "TLS_CHACHA20_POLY1305_SHA256": "",
    "TLS_ECDHE_ECDSA_WITH_AES_128_GCM_SHA256": "ECDHE-ECDSA-AES128-GCM-SHA256",
    "TLS_ECDHE_ECDSA_WITH_AES_256_GCM_SHA384": "ECDHE-ECDSA-AES256-GCM-SHA384",
    "TLS_ECDHE_ECDSA_WITH_CHACHA20_POLY1305_SHA256": "ECDHE-ECDSA-CHACHA20-POLY1305",
    "TLS_ECDHE_RSA_WITH_AES_128_GCM_SHA256": "ECDHE-RSA-AES128-GCM-SHA256",
    "TLS_ECDHE_RSA_WITH_AES_256_GCM_SHA384": "ECDHE-RSA-AES256-GCM-SHA384",
    "TLS_ECDHE_RSA_WITH_CHACHA20_POLY1305_SHA256": "ECDHE-RSA-CHACHA20-POLY1305",
    "TLS_ECDHE_ECDSA_WITH_AES_128_CBC_SHA": "ECDHE-ECDSA-AES128-SHA",
    "TLS_ECDHE_ECDSA_WITH_AES_256_CBC_SHA": "ECDHE-ECDSA-AES256-SHA",
    "TLS_ECDHE_RSA_WITH_AES_128_CBC_SHA": "ECDHE-RSA-AES128-SHA",
    "TLS_ECDHE_RSA_WITH_AES_256_CBC_SHA": "ECDHE-RSA-AES256-SHA",
}
_HEADERS: Final[dict[str, tuple[str, ...]]] = {
    "Content-Security-Policy": (),
    "X-Frame-Options": ("deny", "sameorigin"),
    "X-Content-Type-Options": ("nosniff",),
    "X-XSS-Protection": (),
    "Strict-Transport-Security": (),
}
_UNITS: Final = {"ns": 1e-9, "us": 1e-6, "ms": 1e-3, "s": 1.0, "m": 60.0, "h": 3600.0}
_HASH: Final = re.compile(r"\$2[aby]\$(0[4-9]|[12]\d|3[01])\$[./A-Za-z0-9]{53}")


@dataclass(frozen=True, slots=True)
class Pem:
    """A certificate or key, as a file or as text."""

    file: Path | None
    text: str = ""


@dataclass(frozen=True, slots=True)
class Tls:
    """Names are OpenSSL's; empty `ciphers` or `curve` stand for its defaults."""

    certificate: Pem
    key: Pem
    client_ca: Pem | None
    client_auth: ssl.VerifyMode
    client_sans: frozenset[str]
    minimum: ssl.TLSVersion
    maximum: ssl.TLSVersion
    ciphers: tuple[str, ...]
    prefer_server_ciphers: bool
    curve: str

    @property
    def files(self) -> list[Path]:
        each = (self.certificate, self.key, self.client_ca)
        return [pem.file for pem in each if pem and pem.file]


@dataclass(frozen=True, slots=True)
class RateLimit:
    """One request every `interval` seconds, after a burst of `burst`."""

    interval: float
    burst: int


@dataclass(frozen=True, slots=True)
class WebConfig:
    """Passwords are bcrypt hashes."""

    tls: Tls | None
    headers: tuple[tuple[str, str], ...]
    users: Mapping[str, str]
    rate_limit: RateLimit | None


def parse(file: Path, text: str) -> WebConfig:
    """Raises ConfigError. Paths are relative to the folder of the file."""
    tree = Tree(file, text)
    sections = tree.mapping(
        tree.root, ("tls_server_config", "http_server_config", "basic_auth_users", "rate_limit")
    )
    config = WebConfig(
        tls=_tls(tree, sections.get("tls_server_config")),
        headers=_http(tree, sections.get("http_server_config")),
        users=_users(tree, sections.get("basic_auth_users")),
        rate_limit=_rate_limit(tree, sections.get("rate_limit")),
    )
    tree.finish()
    return config


_TLS_KEYS: Final = (
    "cert",
    "cert_file",
    "key",
    "key_file",
    "client_ca",
    "client_ca_file",
    "client_auth_type",
    "client_allowed_sans",
    "min_version",
    "max_version",
    "cipher_suites",
    "prefer_server_cipher_suites",
    "curve_preferences",
)


def _tls(tree: Tree, section: Value | None) -> Tls | None:
    found = tree.mapping(section, _TLS_KEYS)
    if section is None or not found:
        return None
    certificate, key = _pem(tree, found, "cert"), _pem(tree, found, "key")
    for name, pem in (("cert", certificate), ("key", key)):
        if pem is None:
            tree.problem(section, f"{name}_file is missing")
    tls = Tls(
        certificate=certificate or Pem(None),
        key=key or Pem(None),
        client_ca=_pem(tree, found, "client_ca"),
        client_auth=_client_auth(tree, found.get("client_auth_type")),
        client_sans=frozenset(map(tree.string, tree.strings(found.get("client_allowed_sans")))),
        minimum=tree.choice(found.get("min_version"), _VERSIONS, ssl.TLSVersion.TLSv1_2),
        maximum=tree.choice(found.get("max_version"), _VERSIONS, ssl.TLSVersion.TLSv1_3),
        ciphers=_ciphers(tree, found.get("cipher_suites")),
        prefer_server_ciphers=tree.boolean(found.get("prefer_server_cipher_suites"), default=True),
        curve=_curve(tree, found.get("curve_preferences")),
    )
    _check(tree, section, found, tls)
    return tls


def _check(tree: Tree, section: Value, found: Mapping[str, Value], tls: Tls) -> None:
    """Check the keys against each other."""
    if tls.minimum > tls.maximum:
        tree.problem(found.get("min_version", section), "min_version is above max_version")
    if tls.client_auth is not ssl.CERT_NONE and not tls.client_ca:
        tree.problem(section, "client_ca_file is missing; client_auth_type requires it")
    if "client_auth_type" not in found and tls.client_ca:
        tree.problem(
            section, "client_auth_type is missing; client_ca_file has no effect without it"
        )
    if tls.client_sans and tls.client_auth is not ssl.CERT_REQUIRED:
        tree.problem(
            found["client_allowed_sans"],
            "requires client_auth_type RequireAndVerifyClientCert",
        )


def _pem(tree: Tree, found: Mapping[str, Value], name: str) -> Pem | None:
    text, path = tree.string(found.get(name)), tree.string(found.get(f"{name}_file"))
    if text and path:
        tree.problem(found[name], f"set either {name} or {name}_file, not both")
    if text:
        return Pem(None, text)
    return Pem(tree.file.parent / path) if path else None


def _client_auth(tree: Tree, value: Value | None) -> ssl.VerifyMode:
    if value and value.node.value in _UNVERIFIED:
        tree.problem(
            value,
            f"{value.node.value} does not verify certificates and is not supported;"
            " expected RequireAndVerifyClientCert or VerifyClientCertIfGiven",
        )
        return ssl.CERT_NONE
    return tree.choice(value, _AUTHENTICATION, ssl.CERT_NONE)


def _ciphers(tree: Tree, value: Value | None) -> tuple[str, ...]:
    names = [tree.choice(entry, _CIPHERS, "") for entry in tree.strings(value)]
    return tuple(name for name in names if name)


def _curve(tree: Tree, value: Value | None) -> str:
    names = [tree.choice(entry, _CURVES, "") for entry in tree.strings(value)]
    if value and len(names) > 1:
        tree.problem(value, "several curves are not supported; list one, or remove the key")
    return names[0] if names else ""


def _http(tree: Tree, section: Value | None) -> tuple[tuple[str, str], ...]:
    """Responses are HTTP/1.1 whatever `http2` says, which only permits HTTP/2."""
    found = tree.mapping(section, ("http2", "headers"))
    tree.boolean(found.get("http2"), default=True)
    headers: list[tuple[str, str]] = []
    for name, value in tree.mapping(found.get("headers"), _HEADERS).items():
        text = tree.string(value)
        if not text.isprintable() or not text.isascii():
            tree.problem(value, "only printable ASCII characters are allowed in a header")
        elif text and _HEADERS[name] and text.lower() not in _HEADERS[name]:
            tree.problem(value, f"expected one of {', '.join(_HEADERS[name])}, found {text!r}")
        elif text:
            headers.append((name, text))
    return tuple(headers)


def _users(tree: Tree, section: Value | None) -> Mapping[str, str]:
    users: dict[str, str] = {}
    for name, value in tree.mapping(section).items():
        text = tree.string(value)
        if not _HASH.fullmatch(text):
            tree.problem(value, "not a bcrypt hash; create one with `htpasswd -nBC 10 USER`")
        if ":" in name:
            tree.problem(value, "a user name cannot contain a colon")
        users[name] = text
    return MappingProxyType(users)


def _rate_limit(tree: Tree, section: Value | None) -> RateLimit | None:
    found = tree.mapping(section, ("interval", "burst"))
    interval = _duration(tree, found.get("interval"))
    burst = tree.whole(found.get("burst"))
    if section and interval and not burst:
        tree.problem(section, "burst is missing; without it no request is allowed")
    return RateLimit(interval, burst) if interval else None


def _duration(tree: Tree, value: Value | None) -> float:
    """Seconds, from Go's notation like 1m30s."""
    if value is None or value.node.value == "0":
        return 0.0
    text = tree.string(value)
    parts = re.findall(r"(\d+(?:\.\d+)?)(ns|us|ms|s|m|h)", text)
    if text and "".join(number + unit for number, unit in parts) != text:
        tree.problem(
            value, f"{text!r} is not a duration; expected something like 500ms, 1s or 1m30s"
        )
    return sum(float(number) * _UNITS[unit] for number, unit in parts)
