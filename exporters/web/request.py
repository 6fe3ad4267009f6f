"""Parses the head of a request (RFC 9112), more strictly than the RFC demands."""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass
from types import MappingProxyType
from typing import Final
from urllib.parse import parse_qs, unquote, urlsplit

_TOKEN: Final = rb"[!#$%&'*+\-.^_`|~0-9A-Za-z]+"
_LINE: Final = re.compile(rb"(%s) ([\x21-\x7e]+) HTTP/1\.([01])" % _TOKEN)
_FIELD: Final = re.compile(rb"(%s):[ \t]*([\x20-\x7e\x80-\xff\t]*?)[ \t]*" % _TOKEN)
_MAX_FIELDS: Final = 100
_MAX_PARAMETERS: Final = 20


class BadRequestError(Exception):
    """The request is not served; `status` is that of the response."""

    def __init__(self, status: int, text: str) -> None:
        super().__init__(text)
        self.status = status


@dataclass(frozen=True, slots=True)
class Request:
    """Names in `headers` are lower-case; values of a repeated header are joined by commas."""

    method: str
    path: str
    query: Mapping[str, tuple[str, ...]]
    headers: Mapping[str, str]
    keep_alive: bool


def parse_head(head: bytes) -> Request:
    """Everything before the empty line; raises BadRequestError."""
    first, *rest = head.split(b"\r\n")
    line = _LINE.fullmatch(first)
    if not line:
        raise BadRequestError(400, "malformed request line")
    headers = _fields(rest)
    if headers.get("content-length", "0") != "0" or "transfer-encoding" in headers:
        raise BadRequestError(400, "request bodies are not accepted")
    method = line[1].decode("ascii")
    if method not in ("GET", "HEAD"):
        raise BadRequestError(405, "only GET and HEAD are allowed")
    if line[3] == b"1" and "host" not in headers:
        raise BadRequestError(400, "missing Host header")
    path, query = _target(line[2].decode("ascii"))
    options = {option.strip().lower() for option in headers.get("connection", "").split(",")}
    keep_alive = "close" not in options and (line[3] == b"1" or "keep-alive" in options)
    return Request(method, path, query, MappingProxyType(headers), keep_alive)


def _fields(lines: list[bytes]) -> dict[str, str]:
    if len(lines) > _MAX_FIELDS:
        raise BadRequestError(431, "too many headers")
    headers: dict[str, str] = {}
    for line in lines:
        field = _FIELD.fullmatch(line)
        if not field:
            raise BadRequestError(400, "malformed header line")
        name, value = field[1].decode("ascii").lower(), field[2].decode("latin-1")
        if name in headers and name in ("host", "content-length", "authorization"):
            raise BadRequestError(400, f"duplicate {name} header")
        headers[name] = f"{headers[name]}, {value}" if name in headers else value
    return headers


def _target(target: str) -> tuple[str, dict[str, tuple[str, ...]]]:
    """Path and query; the absolute form for proxies is accepted too."""
    try:
        parts = urlsplit(target)
        query = parse_qs(parts.query, keep_blank_values=True, max_num_fields=_MAX_PARAMETERS)
        path = unquote(parts.path, errors="strict")
    except ValueError:
        raise BadRequestError(400, "malformed request target") from None
    if not path.startswith("/"):
        raise BadRequestError(400, "the request target is not a path")
    return path, {name: tuple(values) for name, values in query.items()}
