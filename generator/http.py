"""What every client of an HTTP API here needs."""

from __future__ import annotations

from contextlib import suppress
from urllib.parse import urlsplit

import requests
from requests.auth import AuthBase


class Bearer(AuthBase):
    """As an AuthBase, so that requests does not put what a .netrc holds in its place."""

    def __init__(self, token: str) -> None:
        self.token = token

    def __call__(self, request: requests.PreparedRequest) -> requests.PreparedRequest:
        request.headers["Authorization"] = f"Bearer {self.token}"
        return request


def unreachable(error: requests.RequestException, timeout: tuple[float, float]) -> str:
    """Why there is no answer; `timeout` is that to connect and that to read, in seconds."""
    match error:
        case requests.exceptions.SSLError():
            return (
                f"its certificate is not trusted ({_root(error)}); "
                "name the file of its authority in REQUESTS_CA_BUNDLE"
            )
        case requests.exceptions.ProxyError():
            return f"the proxy does not pass it on ({_root(error)}); see HTTPS_PROXY and NO_PROXY"
        case requests.ConnectTimeout():
            return f"no connection within {timeout[0]:g} s"
        case requests.Timeout():
            return f"no answer within {timeout[1]:g} s; what was asked may still happen: look again"
        case _:
            return f"no connection: {_root(error)}"


def _root(error: BaseException) -> str:
    """The innermost reason, without the layers around it."""
    inner = getattr(error, "reason", None) or (error.args[0] if error.args else None)
    if isinstance(inner, BaseException):
        return _root(inner)
    text = str(getattr(error, "strerror", None) or error)
    return text.rpartition(": ")[2] if "object at 0x" in text or "Connection(" in text else text


def address(url: str, what: str) -> str:
    """`url` without a slash at its end; raises ValueError, which says that it is no `what`."""
    with suppress(ValueError):  # of a port that is none
        parts = urlsplit(url)
        if parts.scheme in ("http", "https") and parts.hostname and parts.port != 0:
            return url.rstrip("/")
    raise ValueError(f"{url} is no {what}")
