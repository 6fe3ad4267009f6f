"""TLS, client certificates and passwords, against a real server."""

from __future__ import annotations

import base64
import logging
import os
import shutil
import socket
import ssl
import threading
import time
from collections import Counter
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

import bcrypt
import pytest

from exporters.web.problems import ConfigError
from exporters.web.security import Security
from tests.certificates import Keys, run
from tests.unit.exporters.clock import Clock
from tests.unit.exporters.web.serving import LAST, Running, serving


@dataclass
class Guarded:
    server: Running
    file: Path
    clock: Clock

    def write(self, text: str) -> None:
        """Write a new configuration; the next request sees it."""
        self.file.with_suffix(".new").write_text(text)
        self.file.with_suffix(".new").replace(self.file)
        self.clock.now += 2


@contextmanager
def guarded(folder: Path, text: str) -> Iterator[Guarded]:
    file, clock = folder / "web.yml", Clock()
    file.write_text(text)
    security = Security(file, clock)
    try:
        with serving(guard=security) as server:
            yield Guarded(server, file, clock)
    finally:
        security.close()


def tls(keys: Keys, more: str = "", name: str = "server") -> str:
    files = f"cert_file: {keys.folder}/{name}.crt\n  key_file: {keys.folder}/{name}.key"
    return f"tls_server_config:\n  {files}\n" + "".join(
        f"  {line}\n" for line in more.split(";") if line
    )


def mutual(keys: Keys, kind: str = "RequireAndVerifyClientCert", more: str = "") -> str:
    return tls(keys, f"client_ca_file: {keys.folder}/ca.crt;client_auth_type: {kind};{more}")


def refused(server: Running, context: ssl.SSLContext) -> bool:
    """Whether the server refuses the client, which with TLS 1.3 shows at the first read."""
    try:
        server.ask(context=context)
    except (OSError, ConnectionError):
        return True
    return False


def test_tls(tmp_path: Path, keys: Keys) -> None:
    with guarded(tmp_path, tls(keys)) as web:
        for version in (ssl.TLSVersion.TLSv1_2, ssl.TLSVersion.TLSv1_3):
            with web.server.connect(keys.client(version=version)) as client:
                assert isinstance(client.sock, ssl.SSLSocket)
                assert client.sock.version() == version.name.replace("_", ".")
                for _ in range(3):
                    client.send(LAST.replace(b"close", b"keep-alive"))
                    assert client.answer().status == 200
        with pytest.raises(ConnectionError):
            web.server.ask()
        assert web.server.ask(context=keys.client()).status == 200


@pytest.mark.parametrize(
    ("more", "version", "taken"),
    [
        ("min_version: TLS13", ssl.TLSVersion.TLSv1_2, False),
        ("min_version: TLS13", ssl.TLSVersion.TLSv1_3, True),
        ("cipher_suites: [TLS_ECDHE_ECDSA_WITH_AES_256_GCM_SHA384]", ssl.TLSVersion.TLSv1_2, True),
        ("cipher_suites: [TLS_ECDHE_RSA_WITH_AES_256_GCM_SHA384]", ssl.TLSVersion.TLSv1_2, False),
        ("curve_preferences: [CurveP384]", ssl.TLSVersion.TLSv1_3, True),
        ("prefer_server_cipher_suites: false", ssl.TLSVersion.TLSv1_3, True),
    ],
)
def test_versions_ciphers_and_curves(
    tmp_path: Path, keys: Keys, more: str, version: ssl.TLSVersion, taken: bool
) -> None:
    with guarded(tmp_path, tls(keys, more)) as web:
        assert refused(web.server, keys.client(version=version)) is not taken


def test_old_versions_are_refused(tmp_path: Path, keys: Keys) -> None:
    context = keys.client()
    context.set_ciphers("ALL:@SECLEVEL=0")
    with pytest.warns(DeprecationWarning, match="TLSv1"):
        context.minimum_version = ssl.TLSVersion.TLSv1
    with pytest.warns(DeprecationWarning, match="TLSv1"):
        context.maximum_version = ssl.TLSVersion.TLSv1_1
    with guarded(tmp_path, tls(keys)) as web:
        assert refused(web.server, context)


@pytest.mark.parametrize(
    ("kind", "name", "taken"),
    [
        ("RequireAndVerifyClientCert", "known", True),
        ("RequireAndVerifyClientCert", "stranger", False),
        ("RequireAndVerifyClientCert", None, False),
        ("VerifyClientCertIfGiven", "known", True),
        ("VerifyClientCertIfGiven", "stranger", False),
        ("VerifyClientCertIfGiven", None, True),
    ],
)
def test_client_certificates(
    tmp_path: Path, keys: Keys, kind: str, name: str | None, taken: bool
) -> None:
    with guarded(tmp_path, mutual(keys, kind)) as web:
        assert refused(web.server, keys.client(name)) is not taken


@pytest.mark.parametrize(
    ("names", "taken"),
    [
        ("prometheus.example", True),
        ("192.0.2.7", True),
        ("'2001:db8::1'", True),
        ("ops@example.org", True),
        ("'spiffe://x/y'", True),
        ("other, prometheus.example", True),
        ("known, example, 192.0.2.70", False),
    ],
)
def test_names_of_client_certificates(tmp_path: Path, keys: Keys, names: str, taken: bool) -> None:
    with guarded(tmp_path, mutual(keys, more=f"client_allowed_sans: [{names}]")) as web:
        assert refused(web.server, keys.client("known")) is not taken


def test_certificates_in_the_file_itself(tmp_path: Path, keys: Keys) -> None:
    parts = {"cert": "server.crt", "key": "server.key", "client_ca": "ca.crt"}
    lines = ["tls_server_config:", "  client_auth_type: RequireAndVerifyClientCert"]
    for name, file in parts.items():
        text = (keys.folder / file).read_text().replace("\n", "\n      ")
        lines.append(f"  {name}: |\n      {text}")
    with guarded(tmp_path, "\n".join(lines)) as web:
        assert web.server.ask(context=keys.client("known")).status == 200
        assert refused(web.server, keys.client())


def test_a_renewed_certificate_applies_to_new_connections(tmp_path: Path, keys: Keys) -> None:
    for kind in ("crt", "key"):
        shutil.copy(keys.folder / f"server.{kind}", tmp_path / f"own.{kind}")
    own = Keys(tmp_path)
    with guarded(tmp_path, tls(own, name="own")) as web:
        assert peer(web, keys) == der(keys, "server")
        for kind in ("crt", "key"):
            shutil.copy(keys.folder / f"renewed.{kind}", tmp_path / f"own.{kind}")
        assert peer(web, keys) == der(keys, "server"), "checked once a second at most"
        web.clock.now += 2
        assert peer(web, keys) == der(keys, "renewed")


def peer(web: Guarded, keys: Keys) -> bytes | None:
    with web.server.connect(keys.client()) as client:
        assert isinstance(client.sock, ssl.SSLSocket)
        return client.sock.getpeercert(binary_form=True)


def der(keys: Keys, name: str) -> bytes:
    return ssl.PEM_cert_to_DER_cert((keys.folder / f"{name}.crt").read_text())


def test_slow_handshakes_do_not_lock_out_others(tmp_path: Path, keys: Keys) -> None:
    with guarded(tmp_path, tls(keys)) as web:
        silent = [socket.create_connection(("127.0.0.1", web.server.port), 5) for _ in range(100)]
        assert web.server.ask(context=keys.client()).status == 200
        for each in silent:
            each.close()


@pytest.mark.parametrize(
    ("change", "message"),
    [
        ("nonsense: 1", "unknown key 'nonsense'"),
        ("tls_server_config: {cert_file: nowhere.crt, key_file: b}", "No such file or directory"),
        ("tls_server_config: {cert: no pem, key: no pem}", "tls_server_config: cert and key:"),
    ],
)
def test_an_invalid_change_has_no_effect(
    tmp_path: Path, keys: Keys, caplog: pytest.LogCaptureFixture, change: str, message: str
) -> None:
    with guarded(tmp_path, tls(keys)) as web:
        web.write(change)
        for _ in range(3):
            assert web.server.ask(context=keys.client()).status == 200
            web.clock.now += 2
        warned = [each.getMessage() for each in caplog.records if each.levelno >= logging.WARNING]
        assert len(warned) == 1
        assert message in warned[0]
        web.write("# no TLS any more")
        assert web.server.ask().status == 200


@pytest.mark.parametrize(
    ("files", "message"),
    [
        ({}, "web.yml: cannot read the file: No such file or directory"),
        ({"web.yml": b"\xff"}, "web.yml: not UTF-8: byte 0"),
        (
            {"web.yml": b"tls_server_config: {cert_file: a, key_file: b}"},
            "web.yml: tls_server_config: cert and key: {folder}/a No such file or directory",
        ),
        (
            {"web.yml": b"tls_server_config: {cert_file: a, key_file: b}", "a": b"x", "b": b"y"},
            "web.yml: tls_server_config: cert and key: [SSL] PEM lib",
        ),
    ],
)
def test_what_cannot_be_used_is_one_message(
    tmp_path: Path, files: dict[str, bytes], message: str
) -> None:
    for name, content in files.items():
        (tmp_path / name).write_bytes(content)
    with pytest.raises(ConfigError) as caught:
        Security(tmp_path / "web.yml")
    (problem,) = caught.value.problems
    assert message.format(folder=tmp_path) in problem


def test_an_encrypted_key_does_not_prompt(tmp_path: Path, keys: Keys) -> None:
    source = str(keys.folder / "server.key")
    run(["openssl", "ec", "-in", source, "-aes256", "-passout", "pass:x", "-out", "b"], tmp_path)
    shutil.copy(keys.folder / "server.crt", tmp_path / "a")
    (tmp_path / "web.yml").write_text("tls_server_config: {cert_file: a, key_file: b}")
    with pytest.raises(ConfigError, match="the key is encrypted"):
        Security(tmp_path / "web.yml")


def hashed(password: str) -> str:
    return bcrypt.hashpw(password.encode(), bcrypt.gensalt(4)).decode()


USERS = f"basic_auth_users:\n  alice: {hashed('right')}\n  bob: {hashed('p:ä')}\n"


def basic(user: str, password: str) -> bytes:
    return b"Basic " + base64.b64encode(f"{user}:{password}".encode())


def authorized(header: bytes) -> bytes:
    return LAST.replace(b"Host: here", b"Host: here\r\nAuthorization: " + header)


@pytest.mark.parametrize(
    ("header", "status"),
    [
        (basic("alice", "right"), 200),
        (basic("bob", "p:ä"), 200),
        (basic("alice", "right").replace(b"Basic", b"bAsIc"), 200),
        (basic("alice", "wrong"), 401),
        (basic("alice", ""), 401),
        (basic("carol", "right"), 401),
        (basic("", ""), 401),
        (basic("alice", "right" + "x" * 100), 401),
        (basic("alice", "nul\0byte"), 401),
        (b"Basic", 401),
        (b"Basic !!!!", 401),
        (b"Basic " + base64.b64encode(b"no colon"), 401),
        (b"Basic \xff\xfe", 401),
        (b"Bearer token", 401),
        (b"", 401),
    ],
)
def test_passwords(tmp_path: Path, header: bytes, status: int) -> None:
    with guarded(tmp_path, USERS) as web:
        answer = web.server.ask(authorized(header))
        assert answer.status == status
        wanted = 'Basic realm="auditor-sidecar"' if status == 401 else None
        assert answer.headers.get("www-authenticate") == wanted
        assert web.server.ask().status == 401


def test_correct_passwords_are_cached_and_unknown_users_take_as_long(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    asked: list[bytes] = []
    real = bcrypt.checkpw

    def count(password: bytes, hashed_password: bytes) -> bool:
        asked.append(hashed_password)
        return real(password, hashed_password)

    monkeypatch.setattr(bcrypt, "checkpw", count)
    with guarded(tmp_path, USERS) as web:
        for _ in range(5):
            assert web.server.ask(authorized(basic("alice", "right"))).status == 200
        assert len(asked) == 1
        for turn in range(3):
            assert web.server.ask(authorized(basic("alice", "wrong"))).status == 401
            assert web.server.ask(authorized(basic(f"stranger{turn}", "x"))).status == 401
        assert len(asked) == 7
        assert {each[:7] for each in asked} == {b"$2b$04$"}, "the same cost"


def test_many_wrong_passwords_lock_nobody_out(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """While their checks are stuck, a password that was correct before still gets through."""
    go_on, statuses = threading.Event(), list[int]()
    real = bcrypt.checkpw

    def check(password: bytes, hashed_password: bytes) -> bool:
        assert password == b"right" or go_on.wait(60)
        return real(password, hashed_password)

    monkeypatch.setattr(bcrypt, "checkpw", check)
    with guarded(tmp_path, USERS) as web:

        def attack(number: int) -> None:
            header = authorized(basic("alice", f"wrong{number}"))
            statuses.append(web.server.ask(header).status)

        assert web.server.ask(authorized(basic("alice", "right"))).status == 200
        threads = [threading.Thread(target=attack, args=(number,)) for number in range(60)]
        for thread in threads:
            thread.start()
        end = time.monotonic() + 60
        while len(statuses) < 28 and time.monotonic() < end:
            assert web.server.ask(authorized(basic("alice", "right"))).status == 200
        go_on.set()
        for thread in threads:
            thread.join(60)
    assert Counter(statuses) == {503: 28, 401: 32}, "32 may wait"


def test_changed_users_apply_at_once(tmp_path: Path) -> None:
    with guarded(tmp_path, USERS) as web:
        assert web.server.ask(authorized(basic("alice", "right"))).status == 200
        web.write(f"basic_auth_users:\n  alice: {hashed('new')}\n")
        assert web.server.ask(authorized(basic("alice", "right"))).status == 401
        assert web.server.ask(authorized(basic("alice", "new"))).status == 200
        web.write("")
        assert web.server.ask().status == 200


def test_a_rate_limit(tmp_path: Path) -> None:
    with guarded(tmp_path, "rate_limit: {interval: 10s, burst: 3}") as web:
        assert [web.server.ask().status for _ in range(5)] == [200, 200, 200, 429, 429]
        web.clock.now += 10
        assert [web.server.ask().status for _ in range(2)] == [200, 429]
        web.clock.now += 1000
        assert [web.server.ask().status for _ in range(4)] == [200, 200, 200, 429]


def test_headers_are_in_every_answer(tmp_path: Path) -> None:
    text = USERS + "http_server_config:\n  headers:\n    X-Frame-Options: deny\n"
    with guarded(tmp_path, text) as web:
        for header in (basic("alice", "right"), b"wrong"):
            assert web.server.ask(authorized(header)).headers["x-frame-options"] == "deny"


def test_nothing_is_left_open(tmp_path: Path, keys: Keys) -> None:
    before = len(os.listdir("/proc/self/fd"))  # noqa: PTH208  # no Path needed
    with guarded(tmp_path, mutual(keys) + USERS) as web:
        refused(web.server, keys.client("stranger"))
        head = authorized(basic("alice", "right"))
        assert web.server.ask(head, keys.client("known")).status == 200
    assert len(os.listdir("/proc/self/fd")) <= before  # noqa: PTH208  # no Path needed
