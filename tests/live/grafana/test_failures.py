"""Every failure of Grafana is one message that says what to do."""

from __future__ import annotations

import json
import ssl
import time
from collections.abc import Iterator
from contextlib import suppress
from http.server import BaseHTTPRequestHandler
from pathlib import Path
from typing import Any

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from generator.grafana.client import Grafana, GrafanaError
from generator.grafana.state import Folder
from tests import certificates
from tests.live.grafana.command import RENDERED, run
from tests.live.grafana.server import EDITOR, FakeGrafana, Server, send, serving
from tests.live.prometheus import free_port

DASHBOARD = {"uid": "auditor-errors", "title": "Auditor / Errors"}


@pytest.fixture
def grafana() -> Iterator[FakeGrafana]:
    with serving(FakeGrafana(folders={"law": "Law"})) as found:
        yield found


def save(grafana: FakeGrafana) -> str:
    """The message of a failed save."""
    with pytest.raises(GrafanaError) as error:
        Grafana(grafana.url, EDITOR, (0.3, 0.3)).save(DASHBOARD, Folder("law", "Law"), 0)
    text = str(error.value)
    assert "\n" not in text
    assert "object at 0x" not in text
    return text.removeprefix(f"{grafana.url}: ")


def respond(grafana: FakeGrafana, status: int, document: object, kind: str = "") -> None:
    text = document if isinstance(document, str) else json.dumps(document)

    def fault(handler: BaseHTTPRequestHandler) -> bool:
        send(handler, status, text, kind or "application/json")
        return True

    grafana.faults["POST", "/"] = fault


@pytest.mark.parametrize(
    ("status", "document", "message"),
    [
        (
            400,
            {"message": "Cannot save provisioned dashboard"},
            "POST /api/dashboards/db failed with 400: Cannot save provisioned dashboard",
        ),
        (
            401,
            {"message": "Invalid API key"},
            "the token was rejected (Invalid API key): it is wrong, expired or for another Grafana",
        ),
        (
            403,
            {"message": "Access denied"},
            (
                "the token does not allow POST /api/dashboards/db (Access denied); "
                "it needs dashboards:write"
            ),
        ),
        (
            404,
            {"message": "Dashboard not found"},
            "POST /api/dashboards/db failed with 404: Dashboard not found",
        ),
        (
            412,
            {"message": "x", "status": "version-mismatch"},
            "somebody saved the dashboard just now; push again to see the change",
        ),
        (
            412,
            {"message": "A dashboard with the same name exists", "status": "name-exists"},
            (
                "A dashboard with the same name exists (name-exists); "
                "fix this in Grafana, then push again"
            ),
        ),
        (
            412,
            {"message": "The dashboard belongs to plugin P.", "status": "plugin-dashboard"},
            (
                "The dashboard belongs to plugin P. (plugin-dashboard); "
                "fix this in Grafana, then push again"
            ),
        ),
        (429, {}, "too many requests (Too Many Requests); try again in a minute"),
        (
            500,
            {"message": "Failed to save dashboard"},
            (
                "POST /api/dashboards/db failed with 500 (Failed to save dashboard); "
                "check Grafana's log, then try again"
            ),
        ),
        (
            502,
            "<html>",
            "POST /api/dashboards/db failed with 502 (Bad Gateway); check Grafana's log, then try",
        ),
        (200, {}, "unexpected response: KeyError('version')"),
        (200, [], "unexpected response: TypeError("),
    ],
)
def test_a_failed_request(
    grafana: FakeGrafana, status: int, document: object, message: str
) -> None:
    respond(grafana, status, document)
    assert save(grafana).startswith(message)


@pytest.mark.parametrize("status", [200, 404])
def test_an_html_page_is_not_grafana(grafana: FakeGrafana, status: int) -> None:
    respond(grafana, status, "<html>sign in</html>", "text/html; charset=UTF-8")
    assert save(grafana) == (
        f"POST /api/dashboards/db returned text/html with status {status} instead of JSON; "
        "check the address, its path, and that no login page is in front"
    )


def test_a_wrong_path_is_an_error() -> None:
    """It answers 404 to everything, like a missing dashboard."""
    with serving(FakeGrafana(path="/grafana")) as found:
        found.url = found.url.removesuffix("/grafana")
        done = run("push", found)
        assert done.returncode == 2
        assert "check the address, its path" in done.stderr
        assert done.stderr.count("\n") == 1


def test_a_redirect_is_not_followed(grafana: FakeGrafana) -> None:
    """The token must not go to another host."""

    def fault(handler: BaseHTTPRequestHandler) -> bool:
        handler.send_response(301)
        handler.send_header("Location", f"https://grafana.example{handler.path}")
        handler.send_header("Content-Length", "0")
        handler.end_headers()
        return True

    grafana.faults["POST", "/"] = fault
    assert save(grafana) == "redirects to https://grafana.example; use that address"


def test_a_dashboard_in_the_newer_schema(grafana: FakeGrafana) -> None:
    message = "auditor-errors was saved in Grafana's v2 schema, which cannot be converted back"

    def rejected(handler: BaseHTTPRequestHandler) -> bool:
        send(handler, 406, json.dumps({"message": "dashboard api version not supported"}))
        return True

    def returned(handler: BaseHTTPRequestHandler) -> bool:
        send(handler, 200, json.dumps({"dashboard": {"elements": {}}, "meta": {}}))
        return True

    for fault in (rejected, returned):
        grafana.faults["GET", "/api/dashboards"] = fault
        with pytest.raises(GrafanaError) as error:
            Grafana(grafana.url, EDITOR).dashboard("auditor-errors")
        assert message in str(error.value)


def test_a_timeout(grafana: FakeGrafana) -> None:
    def slow(handler: BaseHTTPRequestHandler) -> bool:
        time.sleep(1)
        handler.close_connection = True
        return True

    grafana.faults["POST", "/"] = slow
    assert save(grafana) == "no response within 0.3 s; the request may still take effect"


def test_a_truncated_response(grafana: FakeGrafana) -> None:
    def cut(handler: BaseHTTPRequestHandler) -> bool:
        handler.send_response(200)
        handler.send_header("Content-Length", "100")
        handler.end_headers()
        handler.wfile.write(b'{"version"')
        handler.close_connection = True
        return True

    grafana.faults["POST", "/"] = cut
    assert save(grafana).startswith("no connection: ")


def test_a_refused_connection() -> None:
    assert save(FakeGrafana(url=f"http://127.0.0.1:{free_port()}")).endswith("Connection refused")


def test_an_unknown_host() -> None:
    assert save(FakeGrafana(url="http://grafana.invalid")).startswith("no connection: ")


def test_an_unreachable_proxy(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("HTTPS_PROXY", f"http://127.0.0.1:{free_port()}")
    message = save(FakeGrafana(url="https://grafana.example"))
    assert message.startswith("the proxy does not forward it (")
    assert message.endswith("; check HTTPS_PROXY, NO_PROXY")


def test_an_untrusted_certificate(tmp_path: Path) -> None:
    certificates.make(tmp_path)
    grafana = FakeGrafana()
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.load_cert_chain(tmp_path / "server.crt", tmp_path / "server.key")

    class TlsServer(Server):
        def get_request(self) -> Any:
            connection, address = super().get_request()
            return context.wrap_socket(connection, server_side=True), address

        def handle_error(self, *_: object) -> None:
            pass

    with serving(grafana, TlsServer):
        grafana.url = grafana.url.replace("http:", "https:")
        done = run("push", grafana)
        assert done.returncode == 2
        assert "its certificate is not trusted (" in done.stderr
        assert "set REQUESTS_CA_BUNDLE to the file of its CA" in done.stderr
        assert "Traceback" not in done.stderr
        trusted = run("push", grafana, REQUESTS_CA_BUNDLE=str(tmp_path / "server.crt"))
        assert (trusted.returncode, trusted.stderr) == (0, "")
        assert grafana.dashboards.keys() == RENDERED.keys()


@pytest.mark.parametrize(
    ("url", "message"),
    [
        (
            "grafana.example",
            "grafana.example is not a valid address; expected https://HOST",
        ),
        ("ftp://grafana.example", "is not a valid address"),
        ("http://", "is not a valid address"),
        ("https://me:secret@grafana.example", "the address contains a password; use GRAFANA_TOKEN"),
        ("https://grafana.example/?orgId=1", "is the address of a page"),
        ("https://[::1", "is not a valid address"),
        ("https://grafana.example:port", "is not a valid address"),
    ],
)
def test_an_invalid_address(url: str, message: str) -> None:
    done = run("push", FakeGrafana(url=url))
    assert (done.returncode, done.stdout) == (2, "")
    assert message in done.stderr
    assert "secret" not in done.stderr
    assert done.stderr.count("\n") == 1


@pytest.mark.parametrize("token", ["", " \n", "two words", "a\nb", "\N{EURO SIGN}"])
def test_an_invalid_token(token: str) -> None:
    done = run("push", FakeGrafana(url="http://127.0.0.1:1"), token=token)
    assert (done.returncode, done.stdout) == (2, "")
    assert done.stderr == "the token is empty or has invalid characters, such as a space\n"


def test_a_missing_token_file(tmp_path: Path) -> None:
    missing = str(tmp_path / "token")
    done = run("push", FakeGrafana(url="http://127.0.0.1:1"), "--token-file", missing)
    assert (done.returncode, done.stdout) == (2, "")
    assert done.stderr == f"{missing}: No such file or directory\n"


JSON = st.recursive(
    st.none() | st.booleans() | st.integers(-3, 3) | st.text(max_size=3),
    lambda inner: (
        st.lists(inner, max_size=3)
        | st.dictionaries(
            st.sampled_from(
                ["dashboard", "meta", "version", "versions", "message", "uid", "title", "data"]
            ),
            inner,
            max_size=4,
        )
    ),
    max_leaves=12,
)


@settings(max_examples=100, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(document=JSON, status=st.sampled_from([200, 404, 412, 500]))
def test_any_json_is_parsed_or_an_error(grafana: FakeGrafana, document: Any, status: int) -> None:
    def fault(handler: BaseHTTPRequestHandler) -> bool:
        send(handler, status, json.dumps(document))
        return True

    grafana.faults["GET", "/"] = grafana.faults["POST", "/"] = fault
    client = Grafana(grafana.url, EDITOR)
    for ask in (
        lambda: client.dashboard("x"),
        lambda: client.version("x", 1),
        lambda: client.folder("x", "X"),
        lambda: client.create_folder("x", "X"),
        lambda: client.save(DASHBOARD, Folder("x", "X"), 0),
    ):
        with suppress(GrafanaError):
            ask()
