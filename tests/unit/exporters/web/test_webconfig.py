from __future__ import annotations

import ssl
from contextlib import suppress
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from exporters.web.problems import ConfigError
from exporters.web.webconfig import Pem, RateLimit, Tls, WebConfig, parse

FILE = Path("/etc/auditor/web.yml")
HASH = "$2y$10$QOauhQNbBCuQDKes6eFzPeMqBSjb7Mr5DUmpZ/VcEd00UAV/LDeSi"
WHOLE = f"""\
tls_server_config:
  cert_file: server.crt
  key_file: /keys/server.key
  client_ca_file: ca.crt
  client_auth_type: RequireAndVerifyClientCert
  client_allowed_sans: [prometheus, 10.0.0.1]
  min_version: TLS12
  max_version: TLS13
  cipher_suites:
    - TLS_AES_128_GCM_SHA256
    - TLS_ECDHE_RSA_WITH_AES_128_GCM_SHA256
  prefer_server_cipher_suites: false
  curve_preferences: [CurveP256]
http_server_config:
  http2: false
  headers:
    X-Frame-Options: deny
    Strict-Transport-Security: max-age=31536000
    Content-Security-Policy: ""
basic_auth_users:
  alice: {HASH}
rate_limit:
  interval: 1m30s
  burst: 20
"""


def test_the_whole_format() -> None:
    assert parse(FILE, WHOLE) == WebConfig(
        tls=Tls(
            certificate=Pem(Path("/etc/auditor/server.crt")),
            key=Pem(Path("/keys/server.key")),
            client_ca=Pem(Path("/etc/auditor/ca.crt")),
            client_auth=ssl.CERT_REQUIRED,
            client_sans=frozenset({"prometheus", "10.0.0.1"}),
            minimum=ssl.TLSVersion.TLSv1_2,
            maximum=ssl.TLSVersion.TLSv1_3,
            ciphers=("ECDHE-RSA-AES128-GCM-SHA256",),
            prefer_server_ciphers=False,
            curve="prime256v1",
        ),
        headers=(("X-Frame-Options", "deny"), ("Strict-Transport-Security", "max-age=31536000")),
        users={"alice": HASH},
        rate_limit=RateLimit(90.0, 20),
    )


@pytest.mark.parametrize("text", ["", "# nothing\n", "tls_server_config:\nbasic_auth_users: {}\n"])
def test_an_empty_file_configures_nothing(text: str) -> None:
    assert parse(FILE, text) == WebConfig(None, (), {}, None)


def test_defaults_and_text_in_place_of_files() -> None:
    tls = parse(FILE, "tls_server_config: {cert: CERTIFICATE, key: KEY}").tls
    assert tls
    assert (tls.certificate, tls.key) == (Pem(None, "CERTIFICATE"), Pem(None, "KEY"))
    assert (tls.minimum, tls.maximum) == (ssl.TLSVersion.TLSv1_2, ssl.TLSVersion.TLSv1_3)
    assert (tls.client_auth, tls.client_ca) == (ssl.CERT_NONE, None)
    assert tls.prefer_server_ciphers
    assert tls.files == []


def tls(line: str) -> str:
    return f"tls_server_config:\n  cert_file: a\n  key_file: b\n  {line}\n"


CIPHER = "TLS_RSA_WITH_RC4_128_SHA"


@pytest.mark.parametrize(
    ("text", "problem"),
    [
        ("a: [", "1: expected the node content, but found '<stream end>'"),
        ("a: {\n", "2: expected the node content, but found '<stream end>'"),
        ("a:\n\t- b\n", "2: found character '\\t' that cannot start any token"),
        ("a: *x\n", "1: found undefined alias 'x'"),
        ("a: \x01", "1: unacceptable character #x0001: special characters are not allowed"),
        ("just text\n", "1: expected a mapping, found 'just text'"),
        ("- 1\n", "1: expected a mapping, found a list"),
        ("? [a]\n: b\n", "1: keys must be strings"),
        ("tls_config: {}\n", "1: unknown key 'tls_config'; did you mean tls_server_config?"),
        (
            "zzz: 1\n",
            (
                "1: unknown key 'zzz'; expected one of tls_server_config, http_server_config,"
                " basic_auth_users, rate_limit"
            ),
        ),
        (
            "http_server_config: {}\nhttp_server_config: {}\n",
            "2: duplicate key 'http_server_config'",
        ),
        ("tls_server_config: yes\n", "1: tls_server_config: expected a mapping, found 'yes'"),
        (
            tls("cert_fil: x"),
            "4: tls_server_config: unknown key 'cert_fil'; did you mean cert_file?",
        ),
        (tls("cert: x"), "4: tls_server_config.cert: set either cert or cert_file, not both"),
        ("tls_server_config:\n  key_file: b\n", "2: tls_server_config: cert_file is missing"),
        ("tls_server_config:\n  cert_file: b\n", "2: tls_server_config: key_file is missing"),
        (
            tls("client_ca_file: 5"),
            "4: tls_server_config.client_ca_file: expected a string, found '5'",
        ),
        (
            tls("client_ca_file: c"),
            (
                "2: tls_server_config: client_auth_type is missing;"
                " client_ca_file has no effect without it"
            ),
        ),
        (
            tls("client_auth_type: RequireAndVerifyClientCert"),
            "2: tls_server_config: client_ca_file is missing; client_auth_type requires it",
        ),
        (
            tls("client_auth_type: RequireAnyClientCert"),
            (
                "4: tls_server_config.client_auth_type: RequireAnyClientCert does not verify"
                " certificates and is not supported;"
                " expected RequireAndVerifyClientCert or VerifyClientCertIfGiven"
            ),
        ),
        (
            tls("client_auth_type: Always"),
            (
                "4: tls_server_config.client_auth_type: expected one of"
                ' "", NoClientCert, VerifyClientCertIfGiven, RequireAndVerifyClientCert,'
                " found 'Always'"
            ),
        ),
        (
            tls("client_allowed_sans: [a]"),
            (
                "4: tls_server_config.client_allowed_sans: requires client_auth_type"
                " RequireAndVerifyClientCert"
            ),
        ),
        (
            tls("client_allowed_sans: a"),
            "4: tls_server_config.client_allowed_sans: expected a list, found 'a'",
        ),
        (
            tls("client_allowed_sans: [1]"),
            "4: tls_server_config.client_allowed_sans[0]: expected a string, found '1'",
        ),
        (
            tls("min_version: TLS10"),
            "4: tls_server_config.min_version: expected one of TLS12, TLS13, found 'TLS10'",
        ),
        (
            tls("min_version: TLS13\n  max_version: TLS12"),
            "4: tls_server_config.min_version: min_version is above max_version",
        ),
        (
            tls("curve_preferences: [X25519, CurveP256]"),
            (
                "4: tls_server_config.curve_preferences: several curves are not supported;"
                " list one, or remove the key"
            ),
        ),
        (
            tls("curve_preferences: [P256]"),
            (
                "4: tls_server_config.curve_preferences[0]: expected one of"
                " CurveP256, CurveP384, CurveP521, X25519, found 'P256'"
            ),
        ),
        (
            tls("prefer_server_cipher_suites: maybe"),
            (
                "4: tls_server_config.prefer_server_cipher_suites: expected one of true, false,"
                " found 'maybe'"
            ),
        ),
        (
            "http_server_config: {http2: 2}\n",
            "1: http_server_config.http2: expected one of true, false, found '2'",
        ),
        (
            "http_server_config:\n  headers:\n    X-Frame-Options: allow\n",
            (
                "3: http_server_config.headers.X-Frame-Options: expected one of deny, sameorigin,"
                " found 'allow'"
            ),
        ),
        (
            'http_server_config:\n  headers:\n    X-XSS-Protection: "1\\r\\nX: y"\n',
            (
                "3: http_server_config.headers.X-XSS-Protection: only printable ASCII characters"
                " are allowed in a header"
            ),
        ),
        (
            "http_server_config:\n  headers:\n    X-Frame-Option: deny\n",
            (
                "3: http_server_config.headers: unknown key 'X-Frame-Option';"
                " did you mean X-Frame-Options?"
            ),
        ),
        (
            "basic_auth_users:\n  alice: secret\n",
            "2: basic_auth_users.alice: not a bcrypt hash; create one with `htpasswd -nBC 10 USER`",
        ),
        (
            f"basic_auth_users:\n  'a:b': {HASH}\n",
            "2: basic_auth_users.a:b: a user name cannot contain a colon",
        ),
        (
            "rate_limit: {interval: 1 s, burst: 1}\n",
            (
                "1: rate_limit.interval: '1 s' is not a duration;"
                " expected something like 500ms, 1s or 1m30s"
            ),
        ),
        (
            "rate_limit: {interval: 1s, burst: -1}\n",
            "1: rate_limit.burst: expected a whole number, found '-1'",
        ),
        (
            "rate_limit: {interval: 1s}\n",
            "1: rate_limit: burst is missing; without it no request is allowed",
        ),
    ],
)
def test_each_mistake_is_one_exact_line(text: str, problem: str) -> None:
    with pytest.raises(ConfigError) as caught:
        parse(FILE, text)
    assert f"{FILE}:{problem}" in caught.value.problems


def test_an_unknown_cipher_lists_the_known_ones() -> None:
    with pytest.raises(ConfigError) as caught:
        parse(FILE, tls(f"cipher_suites: [{CIPHER}]"))
    (problem,) = caught.value.problems
    assert problem.startswith(f"{FILE}:4: tls_server_config.cipher_suites[0]: expected one of")
    assert "TLS_ECDHE_RSA_WITH_AES_256_GCM_SHA384" in problem
    assert problem.endswith(f"found '{CIPHER}'")


def test_all_mistakes_are_reported_at_once() -> None:
    text = "tls_server_config: {cert_file: a, min_version: TLS9}\nbasic_auth_users: {a: b}\nx: y\n"
    with pytest.raises(ConfigError) as caught:
        parse(FILE, text)
    lines = [problem.removeprefix(f"{FILE}:").split(":")[0] for problem in caught.value.problems]
    assert sorted(lines) == ["1", "1", "2", "3"]


@given(st.one_of(st.text(), st.text("{}[]:,-?!&*#|>'\"%@` \nab1_")))
def test_any_text_is_accepted_or_refused(text: str) -> None:
    with suppress(ConfigError):
        parse(FILE, text)


PARTS = st.recursive(
    st.one_of(st.none(), st.booleans(), st.integers(), st.text("ab:$ ")),
    lambda inner: st.one_of(
        st.lists(inner, max_size=2),
        st.dictionaries(
            st.sampled_from(
                [
                    "tls_server_config",
                    "cert_file",
                    "key",
                    "cipher_suites",
                    "basic_auth_users",
                    "burst",
                    "rate_limit",
                    "interval",
                    "headers",
                    "http_server_config",
                    "min_version",
                    "a",
                ]
            ),
            inner,
            max_size=4,
        ),
    ),
)


@given(PARTS)
def test_any_document_is_accepted_or_refused(document: object) -> None:
    import json

    with suppress(ConfigError):
        parse(FILE, json.dumps(document))
