"""What the clients of HTTP APIs share."""

from __future__ import annotations

from contextlib import suppress
from urllib.parse import urlsplit

import requests
from requests.auth import AuthBase


class Bearer(AuthBase):
    """Bearer token. As an AuthBase, so that requests does not use credentials from .netrc."""

    def __init__(self, token: str) -> None:
        self.token = token

    def __call__(self, request: requests.PreparedRequest) -> requests.PreparedRequest:
        request.headers["Authorization"] = f"Bearer {self.token}"
        return request


def unreachable(error: requests.RequestException, timeout: tuple[float, float]) -> str:
    """Why there is no response; `timeout` is the connect and the read timeout in seconds."""
    match error:
        case requests.exceptions.SSLError():
            return (
                f"its certificate is not trusted ({_cause(error)}); "
                "set REQUESTS_CA_BUNDLE to the file of its CA"
            )
        case requests.exceptions.ProxyError():
            return f"the proxy does not forward it ({_cause(error)}); check HTTPS_PROXY, NO_PROXY"
        case requests.ConnectTimeout():
            return f"no connection within {timeout[0]:g} s"
        case requests.Timeout():
            return f"no response within {timeout[1]:g} s; the request may still take effect"
        case _:
            return f"no connection: {_cause(error)}"


def _cause(error: BaseException) -> str:
    """The innermost reason."""
    inner = getattr(error, "reason", None) or (error.args[0] if error.args else None)
    if isinstance(inner, BaseException):
        return _cause(inner)
    text = str(getattr(error, "strerror", None) or error)
    return text.rpartition(": ")[2] if "object at 0x" in text or "Connection(" in text else text


def address(url: str, form: str) -> str:
    """The URL without a trailing slash; raises ValueError if it is not HTTP(S) with a host."""
    with suppress(ValueError):  # of a port that is none
        parts = urlsplit(url)
        if parts.scheme in ("http", "https") and parts.hostname and parts.port != 0:
            return url.rstrip("/")
    raise ValueError(f"{url} is not a valid address; expected {form}")
