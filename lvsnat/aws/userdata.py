"""The user data of a director: install it, have it apply its configuration, at each boot. Pure.

User data is no secret: every program on the instance can read it (EC2 guide, "Instance user data").
"""

from __future__ import annotations

import re
import shlex
from collections.abc import Mapping
from dataclasses import dataclass
from importlib import resources
from pathlib import PurePosixPath
from typing import Final
from urllib.parse import urlsplit

from lvsnat.aws.cloudconfig import cloud_config
from lvsnat.errors import RefusedError, UsageError
from lvsnat.model.aws import AwsOptions
from lvsnat.model.mode import Mode

HEADER: Final = "# Written by 'lvsnat aws user-data'.\n"
UNIT: Final = "lvsnat-director.service"
_SCRIPT: Final = PurePosixPath("/usr/local/sbin/lvsnat-director")
_DEBIAN: Final = ("ca-certificates", "iproute2", "kmod", "nftables", "python3", "python3-venv")
"""Debian 12 and Ubuntu 24.04, and later ones: their python3 is 3.11 or newer."""
_FEDORA: Final = ("iproute", "kmod", "nftables", "python3.11", "python3.11-pip")
"""Amazon Linux 2023 and RHEL 9, whose python3 is 3.9."""

_PACKAGE = re.compile(r"[\w@:/.,=<>!~+\[\]%#&?-]+", re.ASCII)
_SECRETS: Final[Mapping[str, re.Pattern[str]]] = {
    "an access key of AWS": re.compile(r"\b(AKIA|ASIA)[0-9A-Z]{16}\b"),
    "a private key": re.compile(r"-----BEGIN [A-Z ]*PRIVATE KEY"),
    "a password in a URL": re.compile(r"://[^/\s\"']*:[^/\s\"']*@"),
    "a password of HAProxy": re.compile(r"\b(stats\s+auth|insecure-password|userlist)\b"),
    "a secret": re.compile(
        r"(?i)(password|passwd|secret(_?access)?_?key|session_?token|api_?key|authorization)\b"
        r"[\s\"']*[=:]"
    ),
}


@dataclass(frozen=True, slots=True)
class Told:
    """What an instance is told, to be a director."""

    config: str
    """The text of lvsnat.toml."""
    mode: Mode
    package: str
    """What pip installs: a name with a version, or a URL."""
    standby: bool = False
    """Take nothing in the VPC: of a pair, keepalived decides who does."""


@dataclass(frozen=True, slots=True)
class _File:
    path: PurePosixPath
    text: str
    mode: int = 0o644


def user_data(told: Told) -> str:
    """A #cloud-config. Raises RefusedError for a configuration that holds a secret."""
    _insist_on_no_secret(told.config)
    files = (
        _File(PurePosixPath("/etc/lvsnat/lvsnat.toml"), told.config),
        _File(PurePosixPath("/etc/modules-load.d/lvsnat.conf"), f"{HEADER}ip_vs\n"),
        _File(_SCRIPT, director_script(told), 0o755),
        _File(PurePosixPath("/etc/systemd/system") / UNIT, director_unit()),
    )
    commands = (("systemctl", "daemon-reload"), ("systemctl", "enable", "--now", UNIT))
    about = f"{HEADER[2:-2]}: a director that {'stands by' if told.standby else 'serves'}."
    return cloud_config(about, files, commands)


def director_script(told: Told) -> str:
    """What makes the instance a director, at each boot."""
    haproxy = ("haproxy",) if told.mode is Mode.HAPROXY_TPROXY else ()
    values = {
        "@HEADER@\n": HEADER,
        "@PACKAGE@": shlex.quote(told.package),
        "@DEBIAN@": " ".join((*_DEBIAN, *haproxy)),
        "@FEDORA@": " ".join((*_FEDORA, *haproxy)),
        "@APPLY@": "aws apply --standby --yes" if told.standby else "aws apply --yes",
    }
    return _filled("director.sh.in", values)


def director_unit() -> str:
    """The unit that runs the script."""
    return _filled("director.service.in", {"@HEADER@\n": HEADER, "@SCRIPT@": str(_SCRIPT)})


def parse_package(text: str) -> str:
    """Read what pip is to install: ``lvsnat==1.2``, ``https://...whl``. Raises UsageError."""
    if not _PACKAGE.fullmatch(text) or text.startswith("-"):
        raise UsageError(
            f"{text!r} is nothing that pip installs",
            "write a name with a version, lvsnat==1.2, or the https:// URL of a wheel",
        )
    if "://" in text and urlsplit(text.rpartition("@ ")[2]).password is not None:
        raise UsageError(
            "the package's URL has a password in it",
            "user data is no secret: give a URL that the instance may read without one",
        )
    return text


def insist_on_any_instance(options: AwsOptions | None) -> None:
    """Refuse what holds on another machine alone. Raises UsageError."""
    if options is not None and options.profile is not None:
        raise UsageError(
            f"[aws] of the configuration has the profile {options.profile!r}, which the instance"
            " has not",
            "take it out: on an instance its role says who it is, and no key is needed",
        )


def _insist_on_no_secret(config: str) -> None:
    for number, line in enumerate(config.splitlines(), start=1):
        for what, pattern in _SECRETS.items():
            if pattern.search(line):
                raise RefusedError(
                    f"line {number} of the configuration looks like {what}",
                    "every program on the instance can read its user data: take the line out, and"
                    " let the instance fetch it by its role",
                )


def _filled(template: str, values: Mapping[str, str]) -> str:
    text = resources.files(__package__).joinpath(template).read_text(encoding="utf-8")
    for mark, value in values.items():
        text = text.replace(mark, value)
    return text
