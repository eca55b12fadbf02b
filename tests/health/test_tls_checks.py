"""https asked of real servers with certificates: good, old, foreign, for another name."""

from __future__ import annotations

import contextlib
import socket
import ssl
from collections.abc import Iterator
from pathlib import Path

import pytest
from answering import LOCAL, answer_of, check_of, saying, serving, target_at

from lvsnat.health.values import Answer
from lvsnat.model.health import CheckType
from lvsnat.system import run

NAME = "www.example.com"
PAGE = b"HTTP/1.1 200 OK\r\nContent-Length: 5\r\n\r\nready"


class Certificates:
    """An authority and what it signs, made by openssl."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self.authority = folder / "authority.pem"
        self._openssl("req", "-x509", *self._new("authority"), "-subj", "/CN=authority")

    def signed(self, name: str, alternative: str, *when: str) -> Path:
        """A certificate and its key in one file; ``when`` as ``openssl ca`` has it."""
        request = self.folder / f"{name}.csr"
        self._openssl("req", "-new", *self._new(name, request), "-subj", f"/CN={name}")
        (self.folder / "index").touch()
        configuration = self.folder / "ca.cnf"
        configuration.write_text(
            "[ca]\ndefault_ca=us\n[us]\n"
            f"database={self.folder}/index\nnew_certs_dir={self.folder}\nrand_serial=yes\n"
            "default_md=sha256\npolicy=any\ndefault_days=2\nunique_subject=no\n"
            f"[any]\ncommonName=supplied\n[names]\nsubjectAltName={alternative}\n"
        )
        out = self.folder / f"{name}.crt"
        self._openssl(
            *("ca", "-batch", "-config", configuration, "-extensions", "names", "-notext"),
            *("-cert", self.authority, "-keyfile", self.folder / "authority.key"),
            *("-in", request, "-out", out, *when),
        )
        whole = self.folder / f"{name}.pem"
        whole.write_text(out.read_text() + (self.folder / f"{name}.key").read_text())
        return whole

    def _new(self, name: str, out: Path | None = None) -> tuple[object, ...]:
        place = self.folder / f"{name}.pem" if out is None else out
        curve = ("-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:prime256v1", "-nodes")
        return (*curve, "-keyout", self.folder / f"{name}.key", "-out", place)

    def _openssl(self, *words: object) -> None:
        done = run(["openssl", *map(str, words)])
        assert done.returncode == 0, done.stderr


@pytest.fixture(scope="module")
def certificates(tmp_path_factory: pytest.TempPathFactory) -> Certificates:
    return Certificates(tmp_path_factory.mktemp("certificates"))


@pytest.fixture(autouse=True)
def _trusted(certificates: Certificates, monkeypatch: pytest.MonkeyPatch) -> Iterator[None]:
    """Have the authority trusted as one that the system knows, by openssl's own variable."""
    from lvsnat.health.checks import tls

    monkeypatch.setenv("SSL_CERT_FILE", str(certificates.authority))
    tls._context.cache_clear()
    yield
    tls._context.cache_clear()


@contextlib.contextmanager
def serving_tls(
    certificate: Path, *, client: Path | None = None, names: list[str | None] | None = None
) -> Iterator[int]:
    """A server; it notes the ``names`` that it is asked for."""
    asked: list[str | None] = [] if names is None else names
    context = ssl.create_default_context(ssl.Purpose.CLIENT_AUTH)
    context.sni_callback = lambda _, name, __: asked.append(name)
    context.load_cert_chain(certificate)
    if client is not None:
        context.verify_mode = ssl.CERT_REQUIRED
        # The authority is a plain one, without the extensions that Python 3.13 insists on.
        context.verify_flags &= ~ssl.VERIFY_X509_STRICT
        context.load_verify_locations(client)

    def handle(connection: socket.socket) -> None:
        with context.wrap_socket(connection, server_side=True) as wrapped:
            saying(PAGE)(wrapped)

    with serving(handle) as port:
        yield port


def ask(certificate: Path, **settings: object) -> Answer:
    with serving_tls(certificate) as port:
        return answer_of(target_at(port, check_of(CheckType.HTTPS, **settings)))


def test_a_trusted_server_is_well(certificates: Certificates) -> None:
    good = certificates.signed("good", f"DNS:{NAME}")

    answer = ask(good, host=NAME, body="ready")

    assert (answer.ok, answer.detail) == (True, "status 200")


def test_the_name_is_asked_for_by_sni(certificates: Certificates) -> None:
    good = certificates.signed("sni", f"DNS:{NAME},IP:{LOCAL}")
    names: list[str | None] = []

    with serving_tls(good, names=names) as port:
        for host in (NAME, None):
            assert answer_of(target_at(port, check_of(CheckType.HTTPS, host=host))).ok

    # An address is no name (RFC 6066, section 3).
    assert names == [NAME, None]


def test_without_a_name_the_certificate_must_be_for_the_address(certificates: Certificates) -> None:
    good = certificates.signed("address", f"IP:{LOCAL}")
    bad = certificates.signed("noaddress", "IP:192.0.2.1")

    assert ask(good).ok
    assert ask(bad).detail == "certificate is for another address than 127.0.0.1"


def test_another_name_is_refused(certificates: Certificates) -> None:
    answer = ask(certificates.signed("other", "DNS:other.example.com"), host=NAME)

    assert (answer.ok, answer.detail) == (
        False,
        f"certificate is for another name than {NAME}",
    )


def test_an_expired_certificate_says_since_when(certificates: Certificates) -> None:
    span = ("-startdate", "20200101000000Z", "-enddate", "20200201000000Z")
    old = certificates.signed("old", f"DNS:{NAME}", *span)

    answer = ask(old, host=NAME)

    assert not answer.ok
    words = answer.detail.split()
    assert (words[:2], words[3:]) == (["certificate", "expired"], ["days", "ago"])
    assert int(words[2]) > 2000


def test_a_certificate_of_the_future_is_refused(certificates: Certificates) -> None:
    span = ("-startdate", "20400101000000Z", "-enddate", "20450201000000Z")

    answer = ask(certificates.signed("future", f"DNS:{NAME}", *span), host=NAME)

    assert (answer.ok, answer.detail) == (False, "certificate is not valid yet")


def test_a_self_signed_certificate_is_refused_unless_nothing_is_verified(
    tmp_path: Path, certificates: Certificates
) -> None:
    alone = Certificates(tmp_path)
    whole = tmp_path / "whole.pem"
    whole.write_text(alone.authority.read_text() + (tmp_path / "authority.key").read_text())
    assert certificates.authority != alone.authority

    assert ask(whole, host=NAME).detail == "certificate is self-signed and not trusted"
    assert ask(whole, host=NAME, verify=False).ok


def test_the_director_shows_its_certificate(certificates: Certificates) -> None:
    good = certificates.signed("server", f"DNS:{NAME}")
    own = certificates.signed("director", "DNS:director")

    with serving_tls(good, client=certificates.authority) as port:
        shown = answer_of(
            target_at(port, check_of(CheckType.HTTPS, host=NAME, certificate=str(own)))
        )
        not_shown = answer_of(target_at(port, check_of(CheckType.HTTPS, host=NAME)))

    assert shown.ok
    assert not not_shown.ok


def test_a_certificate_that_cannot_be_read_is_named(tmp_path: Path) -> None:
    nonsense = tmp_path / "nonsense.pem"
    nonsense.write_text("nonsense")

    for file in (nonsense, tmp_path / "none.pem"):
        with serving(saying(PAGE)) as port:
            answer = answer_of(target_at(port, check_of(CheckType.HTTPS, certificate=str(file))))
        assert not answer.ok
        assert str(file) in answer.detail


def test_a_server_without_tls_is_told() -> None:
    with serving(saying(PAGE)) as port:
        answer = answer_of(target_at(port, check_of(CheckType.HTTPS)))

    assert (answer.ok, answer.detail) == (False, "does not speak TLS")


def test_a_server_that_leaves_during_the_handshake_is_told() -> None:
    with serving(saying()) as port:
        answer = answer_of(target_at(port, check_of(CheckType.HTTPS)))

    assert not answer.ok
    assert answer.detail == "closed the connection in the middle of the TLS handshake"
