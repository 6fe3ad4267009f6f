"""Each way in which a Grafana fails is one message that says what would be right."""

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

from generator.grafana.client import Grafana
from generator.grafana.errors import GrafanaError
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
    """What a save that fails says."""
    with pytest.raises(GrafanaError) as error:
        Grafana(grafana.url, EDITOR, (0.3, 0.3)).save(DASHBOARD, Folder("law", "Law"), 0)
    text = str(error.value)
    assert "\n" not in text
    assert "object at 0x" not in text
    return text.removeprefix(f"{grafana.url}: ")


def answering(grafana: FakeGrafana, status: int, document: object, kind: str = "") -> None:
    text = document if isinstance(document, str) else json.dumps(document)

    def fault(handler: BaseHTTPRequestHandler) -> bool:
        send(handler, status, text, kind or "application/json")
        return True

    grafana.faults["POST", "/"] = fault


@pytest.mark.parametrize(
    ("status", "document", "said"),
    [
        (
            400,
            {"message": "Cannot save provisioned dashboard"},
            "400 for POST /api/dashboards/db: Cannot save provisioned dashboard",
        ),
        (
            401,
            {"message": "Invalid API key"},
            "the token is not accepted (Invalid API key): wrong, expired, or of another Grafana",
        ),
        (
            403,
            {"message": "Access denied"},
            (
                "the token may not do POST /api/dashboards/db (Access denied): "
                "it needs dashboards:write"
            ),
        ),
        (
            404,
            {"message": "Dashboard not found"},
            "404 for POST /api/dashboards/db: Dashboard not found",
        ),
        (
            412,
            {"message": "x", "status": "version-mismatch"},
            "somebody saved the dashboard just now: push again to see what",
        ),
        (
            412,
            {"message": "A dashboard with the same name exists", "status": "name-exists"},
            (
                "A dashboard with the same name exists (name-exists): "
                "change that in Grafana, then push again"
            ),
        ),
        (
            412,
            {"message": "The dashboard belongs to plugin P.", "status": "plugin-dashboard"},
            (
                "The dashboard belongs to plugin P. (plugin-dashboard): "
                "change that in Grafana, then push again"
            ),
        ),
        (429, {}, "it is asked too often (Too Many Requests): try again in a minute"),
        (
            500,
            {"message": "Failed to save dashboard"},
            (
                "500 for POST /api/dashboards/db (Failed to save dashboard): "
                "look into its log, then try again"
            ),
        ),
        (
            502,
            "<html>",
            "502 for POST /api/dashboards/db (Bad Gateway): look into its log, then try again",
        ),
        (200, {}, "an answer is not as Grafana documents it: KeyError('version')"),
        (200, [], "an answer is not as Grafana documents it: TypeError("),
    ],
)
def test_an_answer_that_is_no_success(
    grafana: FakeGrafana, status: int, document: object, said: str
) -> None:
    answering(grafana, status, document)
    assert save(grafana).startswith(said)


@pytest.mark.parametrize("status", [200, 404])
def test_a_page_is_not_grafana(grafana: FakeGrafana, status: int) -> None:
    answering(grafana, status, "<html>sign in</html>", "text/html; charset=UTF-8")
    assert save(grafana) == (
        f"{status} and text/html for POST /api/dashboards/db, where Grafana answers JSON: "
        "is this its address, path and all, and no login page before it?"
    )


def test_a_wrong_path_is_no_empty_grafana() -> None:
    """It answers 404 to everything, which a missing dashboard does too."""
    with serving(FakeGrafana(path="/grafana")) as found:
        found.url = found.url.removesuffix("/grafana")
        done = run("push", found)
        assert done.returncode == 2
        assert "is this its address, path and all" in done.stderr
        assert done.stderr.count("\n") == 1


def test_a_redirection_says_where_to(grafana: FakeGrafana) -> None:
    """A token is not handed on to another host."""

    def fault(handler: BaseHTTPRequestHandler) -> bool:
        handler.send_response(301)
        handler.send_header("Location", f"https://grafana.example{handler.path}")
        handler.send_header("Content-Length", "0")
        handler.end_headers()
        return True

    grafana.faults["POST", "/"] = fault
    assert save(grafana) == "it is elsewhere: give the address https://grafana.example"


def test_a_dashboard_of_the_newer_schema(grafana: FakeGrafana) -> None:
    said = "auditor-errors was saved in Grafana's newer schema (v2), which leads not back: "

    def refused(handler: BaseHTTPRequestHandler) -> bool:
        send(handler, 406, json.dumps({"message": "dashboard api version not supported"}))
        return True

    def handed_out(handler: BaseHTTPRequestHandler) -> bool:
        send(handler, 200, json.dumps({"dashboard": {"elements": {}}, "meta": {}}))
        return True

    for fault in (refused, handed_out):
        grafana.faults["GET", "/api/dashboards"] = fault
        with pytest.raises(GrafanaError) as error:
            Grafana(grafana.url, EDITOR).dashboard("auditor-errors")
        assert said in str(error.value)


def test_no_answer_in_time(grafana: FakeGrafana) -> None:
    def slow(handler: BaseHTTPRequestHandler) -> bool:
        time.sleep(1)
        handler.close_connection = True
        return True

    grafana.faults["POST", "/"] = slow
    assert save(grafana) == "no response within 0.3 s; the request may still take effect"


def test_an_answer_that_breaks_off(grafana: FakeGrafana) -> None:
    def cut(handler: BaseHTTPRequestHandler) -> bool:
        handler.send_response(200)
        handler.send_header("Content-Length", "100")
        handler.end_headers()
        handler.wfile.write(b'{"version"')
        handler.close_connection = True
        return True

    grafana.faults["POST", "/"] = cut
    assert save(grafana).startswith("no connection: ")


def test_nobody_listens() -> None:
    assert save(FakeGrafana(url=f"http://127.0.0.1:{free_port()}")).endswith("Connection refused")


def test_a_host_that_does_not_exist() -> None:
    assert save(FakeGrafana(url="http://grafana.invalid")).startswith("no connection: ")


def test_a_proxy_that_does_not_answer(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("HTTPS_PROXY", f"http://127.0.0.1:{free_port()}")
    said = save(FakeGrafana(url="https://grafana.example"))
    assert said.startswith("the proxy does not forward it (")
    assert said.endswith("; check HTTPS_PROXY, NO_PROXY")


def test_a_certificate_must_be_trusted(tmp_path: Path) -> None:
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
    ("url", "said"),
    [
        (
            "grafana.example",
            "grafana.example is not a valid address; expected https://HOST",
        ),
        ("ftp://grafana.example", "is not a valid address"),
        ("http://", "is not a valid address"),
        ("https://me:secret@grafana.example", "the address holds a password; give a token"),
        ("https://grafana.example/?orgId=1", "is an address of a page"),
        ("https://[::1", "is not a valid address"),
        ("https://grafana.example:port", "is not a valid address"),
    ],
)
def test_an_address_that_cannot_be_one(url: str, said: str) -> None:
    done = run("push", FakeGrafana(url=url))
    assert (done.returncode, done.stdout) == (2, "")
    assert said in done.stderr
    assert "secret" not in done.stderr
    assert done.stderr.count("\n") == 1


@pytest.mark.parametrize("token", ["", " \n", "two words", "a\nb", "\N{EURO SIGN}"])
def test_a_token_that_cannot_be_one(token: str) -> None:
    done = run("push", FakeGrafana(url="http://127.0.0.1:1"), token=token)
    assert (done.returncode, done.stdout) == (2, "")
    assert done.stderr == "the token is empty or has a space or a line break within\n"


def test_no_token_at_all(tmp_path: Path) -> None:
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


@settings(
    max_examples=100, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture]
)
@given(document=JSON, status=st.sampled_from([200, 404, 412, 500]))
def test_whatever_json_comes_is_understood_or_said(
    grafana: FakeGrafana, document: Any, status: int
) -> None:
    def fault(handler: BaseHTTPRequestHandler) -> bool:
        send(handler, status, json.dumps(document))
        return True

    grafana.faults["GET", "/"] = grafana.faults["POST", "/"] = fault
    client = Grafana(grafana.url, EDITOR)
    for ask in (
        lambda: client.dashboard("x"),
        lambda: client.version("x", 1),
        lambda: client.folder("x", "X"),
        lambda: client.make_folder("x", "X"),
        lambda: client.save(DASHBOARD, Folder("x", "X"), 0),
    ):
        with suppress(GrafanaError):
            ask()
