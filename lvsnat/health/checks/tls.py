"""TLS around another conversation, in memory: no handshake can block, and no sockets are here."""

from __future__ import annotations

import ssl
import time
from functools import lru_cache
from pathlib import Path

from lvsnat.health.checks.conversation import Conversation
from lvsnat.health.checks.words import error_words, plain
from lvsnat.health.values import Answer

_EXPIRED, _NOT_YET = 10, 9
_REASONS = {
    _NOT_YET: "certificate is not valid yet",
    18: "certificate is self-signed and not trusted",
    19: "certificate comes from an authority that is not trusted",
    20: "certificate comes from an authority that is not trusted",
    21: "certificate comes from an authority that is not trusted",
    23: "certificate is revoked",
    62: "certificate is for another name than {name}",
    64: "certificate is for another address than {name}",
}
"""X509_verify_cert_error_string(3): what openssl's numbers mean, for whoever watches servers."""
_DAY = 86400
_SIZE = 16384


class TlsTalk:
    """Encrypts what the inner conversation says, once the handshake is done."""

    def __init__(self, context: ssl.SSLContext, name: str, inner: Conversation) -> None:
        self._inner = inner
        self._name = name
        self._incoming, self._outgoing = ssl.MemoryBIO(), ssl.MemoryBIO()
        self._tls = context.wrap_bio(self._incoming, self._outgoing, server_hostname=name)
        self._shaken = False
        self._handshake()

    @property
    def missing(self) -> str:
        return self._inner.missing if self._shaken else "no end of the TLS handshake"

    def outgoing(self) -> bytes:
        if self._shaken and (plaintext := self._inner.outgoing()):
            self._tls.write(plaintext)
        return self._outgoing.read()

    def receive(self, data: bytes) -> Answer | None:
        if data:
            self._incoming.write(data)
        else:
            self._incoming.write_eof()
        try:
            if not self._shaken and not self._handshake():
                return None
            return self._read()
        except ssl.SSLCertVerificationError as error:
            return Answer(ok=False, detail=self._distrust(error))
        except ssl.SSLError as error:
            return Answer(ok=False, detail=_refusal(error, shaken=self._shaken))

    def _handshake(self) -> bool:
        try:
            self._tls.do_handshake()
        except ssl.SSLWantReadError:
            return False
        self._shaken = True
        # The question leaves with the end of the handshake; what is read meanwhile needs both.
        if plaintext := self._inner.outgoing():
            self._tls.write(plaintext)
        return True

    def _read(self) -> Answer | None:
        while True:
            try:
                plaintext = self._tls.read(_SIZE)
            except ssl.SSLWantReadError:
                return None
            # Many servers end without close_notify; what is missing then, the inner one knows.
            except (ssl.SSLEOFError, ssl.SSLZeroReturnError):
                plaintext = b""
            answer = self._inner.receive(plaintext)
            if answer is not None:
                return answer
            if not plaintext:
                return Answer(ok=False, detail="closed the connection without an answer")

    def _distrust(self, error: ssl.SSLCertVerificationError) -> str:
        if error.verify_code == _EXPIRED:
            return f"certificate expired{self._how_long_ago()}"
        known = _REASONS.get(error.verify_code)
        if known is None:
            return plain(f"certificate refused: {error.verify_message}")
        return known.format(name=self._name)

    def _how_long_ago(self) -> str:
        """How long the certificate has been out of date, where Python lets that be known.

        Until 3.13 only a private method shows a certificate that was refused.
        """
        try:
            chain = self._tls._sslobj.get_unverified_chain()  # type: ignore[attr-defined]  # noqa: SLF001
            ended = ssl.cert_time_to_seconds(chain[0].get_info()["notAfter"])
        except (AttributeError, IndexError, KeyError, TypeError, ValueError, ssl.SSLError):
            return ""
        passed = time.time() - ended
        if passed < 0:  # another certificate of the chain
            return " (one of the authorities')"
        days = int(passed // _DAY)
        return f" {days} day{'s' * (days != 1)} ago" if days else " today"


def context_of(*, verify: bool, certificate: str | None) -> ssl.SSLContext:
    """One context for each set of settings: it holds all trusted authorities, and is not small.

    A file of a certificate that has been renewed is read again. OSError if it cannot be read.
    """
    if certificate is None:
        return _context(verify, None, 0)
    try:
        return _context(verify, certificate, Path(certificate).stat().st_mtime_ns)
    except OSError as error:
        raise OSError(f"cannot show {certificate}: {error_words(error)}") from None


@lru_cache(maxsize=64)
def _context(verify: bool, certificate: str | None, version: int) -> ssl.SSLContext:  # noqa: FBT001
    del version
    context = ssl.create_default_context()
    # From 3.13 on Python asks authorities for extensions that OpenSSL's own rules, and so HAProxy
    # and a server's other clients, do without.
    context.verify_flags &= ~ssl.VERIFY_X509_STRICT
    if not verify:
        context.check_hostname = False
        context.verify_mode = ssl.CERT_NONE
    if certificate is not None:
        try:
            context.load_cert_chain(certificate, password="")
        except ssl.SSLError as error:
            said = error.reason or "not a certificate with its key, in PEM"
            raise OSError(said) from None
    return context


def _refusal(error: ssl.SSLError, *, shaken: bool) -> str:
    reason = (error.reason or str(error)).replace("_", " ").lower()
    if reason in {"wrong version number", "record layer failure", "packet length too long"}:
        return "does not speak TLS"
    if isinstance(error, ssl.SSLEOFError) or "eof" in reason:
        return "closed the connection in the middle of the TLS handshake"
    return plain(f"TLS {'broke' if shaken else 'handshake failed'}: {reason}")
