"""A VPC whose API is the one of tests/aws, and whose packets meet what that API was told.

moto runs in this process, behind the strict front. Each director reaches it, and a metadata service
of its own, on its own loopback: their sockets are made in its namespace. The fabric follows only
when ``sync`` says so, or all the time inside ``followed``.
"""

from __future__ import annotations

import json
import os
import subprocess
import threading
import time
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass
from functools import partial
from typing import TYPE_CHECKING, Final, TypeVar

import boto3
from aws.imds import Imds, facts_of
from aws.server import Ec2Server
from aws.vpcs import REGION, VIP, Machine, Vpc
from e2e import warm
from labkit import vpc, vpcstate
from labkit.host import Answer, Host
from labkit.server import Server
from pyroute2 import netns

from lvsnat.errors import ExitCode

if TYPE_CHECKING:
    from mypy_boto3_ec2 import EC2Client

Made = TypeVar("Made")
LVS_NAT, TPROXY = "lvs-nat", "haproxy-tproxy"
KEYS: Final = {"AWS_ACCESS_KEY_ID": "AKIAEXAMPLE", "AWS_SECRET_ACCESS_KEY": "not-a-secret"}
WEB, DNS = 80, 53
"""Ports of the services: TCP, and UDP where the mode has it."""
WEB_SERVER, DNS_SERVER = 8080, 5353
"""Ports of the real servers."""
HANGS: Final = 1.5
"""Seconds after which nobody will answer any more; an answer takes a tenth of one."""
PATIENCE: Final = 60.0
"""Seconds to wait for an answer that is to come, also where the machine is busy."""
ANSWERED_WITHIN: Final = 120.0
"""Seconds in which requests are answered again, once all is done for it."""


@dataclass(frozen=True)
class Cloud:
    """The VPC in both its forms."""

    ids: Vpc
    net: vpc.Network
    api: EC2Client
    server: Ec2Server
    surroundings: dict[str, dict[str, str]]
    """The environment of each director: where its API and its metadata answer."""

    @property
    def client(self) -> Host:
        return self.net.client

    @property
    def director(self) -> Host:
        return self.net.hosts["director"]

    @property
    def servers(self) -> tuple[Host, ...]:
        return (self.net.hosts["server-a"], self.net.hosts["server-b"])

    def sync(self) -> None:
        """Let packets meet what the API was told."""
        self.net.sync(vpcstate.read(self.api, self.ids.id))

    @contextmanager
    def followed(self) -> Iterator[None]:
        """Let packets meet each change as soon as it is made."""
        changed, ended = threading.Event(), threading.Event()

        def follow() -> None:
            while not ended.is_set():
                if changed.wait(0.05):
                    changed.clear()
                    try:
                        self.sync()
                    except Exception:  # noqa: BLE001 - whatever it is, it must not end the following
                        # Read in the midst of a change, answers need not fit together: read again.
                        changed.set()

        self.server.orders.after = lambda call: None if call.looks else changed.set()
        with ThreadPoolExecutor(1) as pool:
            following = pool.submit(follow)
            try:
                yield
            finally:
                ended.set()
                self.server.orders.after = None
        following.result()

    def lvsnat(
        self, *words: str, code: int = 0, on: str = "director"
    ) -> subprocess.CompletedProcess[str]:
        """Run lvsnat on a director and insist on its exit code."""
        done = warm.run(self.net.hosts[on], *words, check=False, **self.surroundings[on])
        assert done.returncode == code, f"lvsnat {' '.join(words)}\n{done.stdout}{done.stderr}"
        return done

    def command(self, on: str, *words: str) -> tuple[str, ...]:
        """The command that runs another one with the surroundings of a director."""
        return (
            "env",
            *(f"{name}={value}" for name, value in self.surroundings[on].items()),
            *words,
        )

    def make(self) -> None:
        """Let lvsnat make the way back."""
        options = ("--eip-allocation", self.ids.allocation, "--security-groups")
        self.lvsnat("aws", "apply", "--yes", *options)
        self.sync()

    def undo(self) -> None:
        """Let lvsnat put everything back."""
        self.lvsnat("aws", "undo", "--yes")
        self.sync()

    def failing(self) -> set[str]:
        """The codes of what ``aws verify`` says does not hold; its exit code says the same."""
        words = ("aws", "verify", "-o", "json", "--eip-allocation", self.ids.allocation)
        done = warm.run(self.director, *words, check=False, **self.surroundings["director"])
        document = json.loads(done.stdout)
        assert done.returncode == (ExitCode.DONE if document["holds"] else ExitCode.FAILED)
        return {
            one["code"]
            for one in document["findings"]
            if not one["holds"] and one["severity"] == "fail"
        }

    def answer(
        self,
        asker: Host | None = None,
        address: str = "",
        *,
        udp: bool = False,
        timeout: float = PATIENCE,
    ) -> Answer:
        """Ask the Elastic IP from the internet, or another address from elsewhere."""
        host, address = asker or self.client, address or self.ids.public_ip
        if udp:
            return host.ask_udp(address, DNS, timeout)
        return host.ask_tcp(address, WEB, timeout)

    def hangs(self, asker: Host | None = None, address: str = "") -> bool:
        """Whether a request is answered by nothing at all, not even by a refusal."""
        try:
            self.answer(asker, address, timeout=HANGS)
        except TimeoutError:
            return True
        return False

    def gap(self, since: float) -> float:
        """Wait for an answer; how long there was none, in seconds."""
        deadline = time.monotonic() + ANSWERED_WITHIN
        while self.hangs():
            assert time.monotonic() < deadline, "nobody answers any more"
        return time.monotonic() - since


@contextmanager
def account() -> Iterator[Ec2Server]:
    """Start moto; it is empty."""
    # Each reset would read thousands of images, of which nobody wants any.
    os.environ["MOTO_EC2_LOAD_DEFAULT_AMIS"] = "false"
    with Ec2Server() as server:
        yield server


@contextmanager
def cloud(
    server: Ec2Server, build: Callable[[EC2Client], Vpc], prefix: str = ""
) -> Iterator[Cloud]:
    """Build a VPC by API calls in an empty account, and lay it out."""
    server.reset()
    api = boto3.client(
        "ec2",
        region_name=REGION,
        endpoint_url=server.url,
        aws_access_key_id=KEYS["AWS_ACCESS_KEY_ID"],
        aws_secret_access_key=KEYS["AWS_SECRET_ACCESS_KEY"],
    )
    ids = build(api)
    with ExitStack() as stack:
        stack.callback(api.close)
        net = stack.enter_context(vpc.laid_out(vpcstate.read(api, ids.id), prefix))
        surroundings = {
            name: stack.enter_context(_surroundings(server, net.hosts[name], machine))
            for name, machine in (("director", ids.director), ("peer", ids.peer))
        }
        yield Cloud(ids, net, api, server, surroundings)


@contextmanager
def _surroundings(server: Ec2Server, host: Host, machine: Machine) -> Iterator[dict[str, str]]:
    """Serve API and metadata where a director can reach them."""
    facts = partial(facts_of, REGION, machine.instance)
    absent = str(host.home / "no-aws-configuration")
    with (
        made_in(host.namespace, partial(Ec2Server, server.front)) as api,
        made_in(host.namespace, partial(Imds, facts)) as imds,
    ):
        yield KEYS | {
            "AWS_CONFIG_FILE": absent,
            "AWS_SHARED_CREDENTIALS_FILE": absent,
            "AWS_ENDPOINT_URL_EC2": api.url,
            "AWS_EC2_METADATA_SERVICE_ENDPOINT": imds.url,
            # A busy machine may keep it from its work for seconds.
            "AWS_METADATA_SERVICE_TIMEOUT": "60",
        }


def made_in(namespace: str, make: Callable[[], Made]) -> Made:
    """Make something in a network namespace: its sockets stay there, whoever uses them."""

    def joined() -> Made:
        netns.setns(namespace, flags=0)
        return make()

    with ThreadPoolExecutor(1) as pool:
        return pool.submit(joined).result()


def serve(cloud: Cloud, mode: str) -> tuple[Server, ...]:
    """Make the services on the director; give the programs of the real servers: web, then DNS."""
    programs = (
        *(host.serve_tcp(WEB_SERVER) for host in cloud.servers),
        *(host.serve_udp(DNS_SERVER) for host in cloud.servers),
    )
    add_services(cloud, mode)
    return programs


def add_services(cloud: Cloud, mode: str, on: str = "director") -> None:
    """Make them on one director: web, and DNS where the mode has UDP."""
    if mode != LVS_NAT:
        cloud.lvsnat("mode", mode, on=on)
    _add(cloud, on, "web", f"tcp/{VIP}:{WEB}", WEB_SERVER)
    if mode == LVS_NAT:
        _add(cloud, on, "dns", f"udp/{VIP}:{DNS}", DNS_SERVER)


def _add(cloud: Cloud, on: str, name: str, listen: str, port: int) -> None:
    servers = [f"--server={host.address}:{port}" for host in cloud.servers]
    cloud.lvsnat("service", "add", name, listen, "--scheduler=rr", *servers, on=on)


def set_ways_back(cloud: Cloud) -> None:
    """Let each real server send its replies through the VIP, as one subnet asks for."""
    ports = f"tcp/{WEB_SERVER},udp/{DNS_SERVER}"
    for host in cloud.servers:
        warm.run(host, "gateway", "set", VIP, "--reply-only", ports)


def unset_ways_back(cloud: Cloud) -> None:
    for host in cloud.servers:
        warm.run(host, "gateway", "unset")
