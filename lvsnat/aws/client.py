"""The one door to the EC2 API: with our time-outs, our words for errors, and little waiting."""

from __future__ import annotations

import os
from collections.abc import Callable
from contextlib import AbstractContextManager
from dataclasses import dataclass, field
from functools import cache
from math import inf
from typing import TYPE_CHECKING, Final, TypeVar

from lvsnat.aws.errors import REGION_HINT, asking, opening
from lvsnat.aws.refusals import PERMITTED, AwsError
from lvsnat.model.aws import AwsOptions
from lvsnat.system import Clock, SystemClock

if TYPE_CHECKING:
    from botocore.loaders import Loader
    from mypy_boto3_ec2 import EC2Client

T = TypeVar("T")

FIRST_WAIT: Final = 0.5
LONGEST_WAIT: Final = 8.0
"""Seconds between two looks; EC2's own advice is to double the wait."""
SEEN_WITHIN: Final = 120.0
"""Seconds after which a change that is not visible counts as lost; Terraform waits as long."""


@dataclass(frozen=True, slots=True)
class Patience:
    """How long one call may take. botocore's own 60 and 60 seconds would be an outage.

    Between attempts botocore waits, at random, up to 1, 2, 4 and 8 seconds: a dead endpoint is
    given up after 25 seconds at most, one that takes the request and is silent after 40.
    """

    connect: float = 2.0
    read: float = 5.0
    """Seconds, each time."""
    attempts: int = 5
    """In all; only throttling, faults of EC2 and lost connections are tried again."""
    whole: float = inf
    """Seconds after which no further call is begun."""


@dataclass(frozen=True, slots=True)
class Ec2:
    """The EC2 API of one region. Its client may be used by several threads."""

    api: EC2Client
    region: str
    partition: str
    endpoint: str
    clock: Clock = field(default_factory=SystemClock)
    until: float = inf
    """When, by the clock, no further call is begun."""

    def asking(self, operation: str, about: str = "") -> AbstractContextManager[None]:
        """Name the call that is made inside, for what may go wrong with it.

        Raises AwsError where the time is over.
        """
        if self.clock.monotonic() > self.until:
            raise AwsError(
                f"{operation} {about}".rstrip() + ": the EC2 API answers too slowly",
                "'lvsnat aws verify' waits longer for each answer",
            )
        return asking(operation, about, where=self.endpoint)


def connect(
    options: AwsOptions, find_region: Callable[[], str], patience: Patience | None = None
) -> Ec2:
    """Open the EC2 API.

    The region is that of the options, of AWS's environment or configuration, or, last, what
    ``find_region`` says: boto3 does not look at the instance's metadata for it. EC2 is
    not asked yet. Raises AwsError.
    """
    from boto3.session import Session
    from botocore.config import Config as BotoConfig
    from botocore.session import Session as Core

    patience = patience or Patience()
    with opening():
        core = Core(profile=options.profile)
        core.register_component("data_loader", _data())
        session = Session(botocore_session=core)
        region = options.region or os.environ.get("AWS_REGION") or session.region_name
    region = region or _found(find_region)
    config = BotoConfig(
        connect_timeout=patience.connect,
        read_timeout=patience.read,
        retries={"mode": "standard", "total_max_attempts": patience.attempts},
        max_pool_connections=32,
        user_agent_extra="lvsnat",
    )
    with opening():
        api = session.client(
            "ec2", region_name=region, endpoint_url=options.endpoint_url, config=config
        )
    clock = SystemClock()
    until = clock.monotonic() + patience.whole
    return Ec2(api, region, api.meta.partition, api.meta.endpoint_url, clock, until)


@cache
def _data() -> Loader:
    """What botocore knows of services, 4 MB of JSON: read once for all clients of this process."""
    from botocore.loaders import create_loader

    return create_loader(os.environ.get("AWS_DATA_PATH"))


def _found(find_region: Callable[[], str]) -> str:
    try:
        return find_region()
    except AwsError as error:
        raise AwsError(
            f"it is not known which region is meant: {error.message}", REGION_HINT
        ) from error


def dry_run(ec2: Ec2, operation: str, about: str, call: Callable[[], object]) -> AwsError | None:
    """Ask whether a call is allowed; None if it is, else the denial.

    ``call`` makes it with ``DryRun=True``. EC2 checks the permission and nothing else. Raises
    AwsError where the answer is about something else than the permission.
    """
    try:
        with ec2.asking(operation, about):
            call()
    except AwsError as error:
        if error.reason == PERMITTED:
            return None
        if error.denied:
            return error
        raise
    return None


def until_seen(
    look: Callable[[], T | None], what: str, clock: Clock, limit: float = SEEN_WITHIN
) -> T:
    """Look again and again until a change is visible: EC2 shows it some time after it accepts it.

    https://docs.aws.amazon.com/ec2/latest/devguide/eventual-consistency.html
    ``look`` returns None until then; that something is not there yet is no error. Raises AwsError
    after ``limit`` seconds.
    """
    end = clock.monotonic() + limit
    wait = FIRST_WAIT
    while True:
        if (seen := _patiently(look)) is not None:
            return seen
        left = end - clock.monotonic()
        if left <= 0:
            raise AwsError(
                f"{what}: EC2 accepted it, and after {limit:.0f} s it is still not to be seen",
                "look with 'lvsnat aws verify' in a while, and run the command again",
            )
        clock.sleep(min(wait, left))
        wait = min(wait * 2, LONGEST_WAIT)


def _patiently(look: Callable[[], T | None]) -> T | None:
    try:
        return look()
    except AwsError as error:
        if error.gone or error.throttled:
            return None
        raise
