"""Look at the VPC for the doctor, and give up soon where nobody answers. Never writes.

boto3 is loaded here, so this module is imported only where there is a VPC to look at.
"""

from __future__ import annotations

import contextlib
import re
from collections.abc import Iterator, Mapping
from dataclasses import replace
from ipaddress import ip_address
from pathlib import Path
from typing import Final

from lvsnat.aws.client import Patience
from lvsnat.aws.errors import is_passing
from lvsnat.aws.pairs import is_standby
from lvsnat.aws.refusals import AwsError
from lvsnat.aws.scene import looked_into, open_scene
from lvsnat.aws.unclear import UnclearError
from lvsnat.doctor.finding import Unread
from lvsnat.doctor.vpc import VpcFacts
from lvsnat.errors import LvsnatError
from lvsnat.model.aws import AwsOptions
from lvsnat.model.config import Config
from lvsnat.model.endpoint import IPAddress
from lvsnat.system import read_file

PATIENCE: Final = Patience(connect=2.0, read=3.0, attempts=2, whole=30.0)
"""An endpoint that is dead costs five seconds, one that is silent seven."""
NETWORKD: Final = Path("/run/systemd/network")
_ALIASES: Final = "70-*.network.d/ec2net_alias.conf"
"""https://github.com/amazonlinux/amazon-ec2-net-utils, lib/lib.sh, create_ipv4_aliases"""
_ADDRESS: Final = re.compile(r"^Address=(\S+?)(?:/\d+)?$", re.MULTILINE)
_PART: Final = "the VPC"


def look(
    config: Config, environment: Mapping[str, str], networkd: Path = NETWORKD
) -> tuple[VpcFacts | None, tuple[Unread, ...]]:
    """What is there, and what could not be read of it; ``networkd`` has systemd's own files."""
    try:
        opened = open_scene(config.aws or AwsOptions(), config.services, environment, PATIENCE)
    except UnclearError as error:
        lacking = [_unread(one.message, one.hint) for one in error.unclear if one.code is None]
        return VpcFacts(None, unclear=error.unclear), tuple(lacking)
    except AwsError as error:
        silent = VpcFacts(None, error.message) if is_passing(error) else None
        return silent, (_unread(error.message, error.hint),)
    except LvsnatError as error:
        return None, (_unread(error.message, error.hint),)
    lacking = []
    try:
        opened = looked_into(opened)
    except AwsError as error:
        lacking.append(_unread(error.message, error.hint))
    scene = replace(
        opened.scene,
        standby=is_standby(opened.scene),
        tcp_idle=config.ipvs.timeouts.tcp or opened.scene.tcp_idle,
        egress=config.host.egress,
    )
    return VpcFacts(scene, aliases=frozenset(aliases(networkd))), tuple(lacking)


def _unread(message: str, hint: str | None) -> Unread:
    """Why the VPC is not known, with what to do next; options are keys of [aws], for the doctor."""
    keys = ", or as keys of [aws] in the configuration" if hint and "--" in hint else ""
    return Unread(_PART, f"{message}; {hint}{keys}" if hint else message)


def aliases(networkd: Path) -> Iterator[IPAddress]:
    """The addresses that amazon-ec2-net-utils lets networkd add: each one that EC2 assigns."""
    for path in networkd.glob(_ALIASES):
        with contextlib.suppress(LvsnatError, ValueError):  # They are its own, and only a hint.
            for text in _ADDRESS.findall(read_file(path) or ""):
                yield ip_address(text)
