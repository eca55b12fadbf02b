"""The instance's own metadata, by IMDSv2 only: which instance this is, and its interfaces.

The token stays in memory and lives for a minute. Version 1 is never asked: it answers anybody
who can make this host send a request.
https://docs.aws.amazon.com/AWSEC2/latest/UserGuide/instancedata-data-categories.html
"""

from __future__ import annotations

import http.client
import os
from collections.abc import Mapping
from ipaddress import ip_address
from typing import Final
from urllib.parse import urlsplit

from lvsnat.aws.instance import Instance, Nic
from lvsnat.aws.refusals import AwsError
from lvsnat.model.endpoint import IPAddress

ENDPOINT_VARIABLE: Final = "AWS_EC2_METADATA_SERVICE_ENDPOINT"
DISABLED_VARIABLE: Final = "AWS_EC2_METADATA_DISABLED"
TIMEOUT_VARIABLE: Final = "AWS_METADATA_SERVICE_TIMEOUT"
"""All are AWS's own: its SDKs and its command line heed them, too."""
ENDPOINTS: Final = ("http://169.254.169.254", "http://[fd00:ec2::254]")
TIMEOUT: Final = 1.0
"""Seconds: it is on the same machine."""
ATTEMPTS: Final = 2
TOKEN_SECONDS: Final = 60

_BY_HAND = "on a machine that is not the director, name them: --region, --eni"
_MACS = "network/interfaces/macs"
_OK, _UNAUTHORIZED, _FORBIDDEN, _NOT_FOUND = 200, 401, 403, 404
_SERVER_ERROR = 500


class SilentError(AwsError):
    """There is nobody to ask: this may be no instance at all."""


class Metadata:
    """Asks the metadata service."""

    def __init__(
        self,
        environment: Mapping[str, str] | None = None,
        timeout: float | None = None,
        endpoints: tuple[str, ...] = ENDPOINTS,
    ) -> None:
        environment = os.environ if environment is None else environment
        given = environment.get(ENDPOINT_VARIABLE)
        self._endpoints = (given,) if given else endpoints
        self._disabled = environment.get(DISABLED_VARIABLE, "").lower() == "true"
        self._timeout = timeout or _seconds(environment.get(TIMEOUT_VARIABLE))
        self._token: tuple[str, str] | None = None
        """The endpoint that answered, and the token it gave."""

    def region(self) -> str:
        return self._required("placement/region")

    def instance(self) -> Instance:
        """All that this program wants to know of the machine it runs on. Raises AwsError."""
        macs = self._required(_MACS).split()
        nics = sorted((self._nic(mac.rstrip("/")) for mac in macs), key=lambda nic: nic.number)
        return Instance(self._required("instance-id"), self.region(), tuple(nics))

    def addresses(self, mac: str) -> tuple[IPAddress, ...]:
        """The addresses of an interface: what moves there is told here when it has arrived."""
        texts = f"{self._get(f'{_MACS}/{mac}/local-ipv4s')} {self._get(f'{_MACS}/{mac}/ipv6s')}"
        return tuple(ip_address(text) for text in texts.split())

    def _nic(self, mac: str) -> Nic:
        number = self._get(f"{_MACS}/{mac}/device-number")
        return Nic(
            mac,
            self._required(f"{_MACS}/{mac}/interface-id"),
            self._required(f"{_MACS}/{mac}/subnet-id"),
            self.addresses(mac),
            int(number) if number.isdigit() else 0,
        )

    def _required(self, path: str) -> str:
        if text := self._get(path).strip():
            return text
        raise AwsError(
            f"the metadata service says nothing about {path}",
            f"is this an instance in a VPC? {_BY_HAND}",
        )

    def _get(self, path: str) -> str:
        """The text at a path below /latest/meta-data; empty where there is none."""
        status, text = self._get_once(path)
        if status == _UNAUTHORIZED:
            self._token = None
            status, text = self._get_once(path)
        if status in (_OK, _NOT_FOUND):
            return text if status == _OK else ""
        raise AwsError(f"the metadata service answers {status} for {path}", _BY_HAND)

    def _get_once(self, path: str) -> tuple[int, str]:
        if self._token is None:
            self._token = self._new_token()
        endpoint, token = self._token
        headers = {"X-aws-ec2-metadata-token": token}
        return self._ask(endpoint, "GET", f"/latest/meta-data/{path}", headers)

    def _new_token(self) -> tuple[str, str]:
        if self._disabled:
            raise AwsError(f"{DISABLED_VARIABLE} forbids to ask the metadata service", _BY_HAND)
        headers = {"X-aws-ec2-metadata-token-ttl-seconds": str(TOKEN_SECONDS)}
        silent: list[str] = []
        for endpoint in self._endpoints:
            try:
                status, text = self._ask(endpoint, "PUT", "/latest/api/token", headers)
            except SilentError as error:
                silent.append(error.message)
                continue
            if status == _OK and text.strip():
                return endpoint, text.strip()
            raise _no_token(endpoint, status)
        raise SilentError(
            f"no metadata service answers: {'; '.join(silent)}",
            "this is no instance, or its metadata service is off, or, in a container, its hop"
            f" limit is 1; {_BY_HAND}",
        )

    def _ask(
        self, endpoint: str, method: str, path: str, headers: Mapping[str, str]
    ) -> tuple[int, str]:
        """Make one request; without a proxy, which would be asked who it is itself."""
        failed: OSError | http.client.HTTPException | None = None
        for _ in range(ATTEMPTS):
            try:
                status, text = _request(endpoint, method, path, headers, self._timeout)
            except (OSError, http.client.HTTPException) as error:
                failed = error
                continue
            if status < _SERVER_ERROR:
                return status, text
            failed = http.client.HTTPException(f"status {status}")
        raise SilentError(f"{endpoint}: {failed}", _BY_HAND) from failed


def _request(
    endpoint: str, method: str, path: str, headers: Mapping[str, str], timeout: float
) -> tuple[int, str]:
    host, port, base = _parts(endpoint)
    connection = http.client.HTTPConnection(host, port, timeout=timeout)
    try:
        connection.request(method, base + path, headers=dict(headers))
        answer = connection.getresponse()
        return answer.status, answer.read().decode("utf-8", "replace")
    finally:
        connection.close()


def _seconds(given: str | None) -> float:
    """How long to wait for an answer."""
    if not given:
        return TIMEOUT
    if given.isdecimal() and int(given) > 0:
        return float(given)
    raise AwsError(
        f"{TIMEOUT_VARIABLE}={given} is no number of seconds", "write a whole one, such as 5"
    )


def _parts(endpoint: str) -> tuple[str, int | None, str]:
    try:
        parts = urlsplit(endpoint)
        if parts.scheme == "http" and parts.hostname:
            return parts.hostname, parts.port, parts.path.rstrip("/")
    except ValueError:
        pass
    raise AwsError(f"{ENDPOINT_VARIABLE}={endpoint} is not a URL", "write it as http://ADDRESS")


def _no_token(endpoint: str, status: int) -> AwsError:
    if status == _FORBIDDEN:
        return AwsError(
            f"the metadata service at {endpoint} is switched off for this instance",
            "switch it on ('aws ec2 modify-instance-metadata-options --http-endpoint enabled"
            f" --http-tokens required'); {_BY_HAND}",
        )
    return AwsError(
        f"the metadata service at {endpoint} gives no token (status {status}): it is not IMDSv2",
        f"version 1 is not used, because any request through this host could ask it; {_BY_HAND}",
    )
