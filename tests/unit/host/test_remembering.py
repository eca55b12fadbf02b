"""What is put back when a pattern of sysctls had offenders at different times."""

from __future__ import annotations

import pytest

from lvsnat.host.resources import Sysctl

REDIRECTS = "net.ipv4.conf.*.send_redirects"


@pytest.mark.parametrize(
    ("noted", "seen", "kept"),
    [
        ("all=1 eth0=1", "eth1=1", "all=1 eth0=1 eth1=1"),
        ("eth0=1", "eth0=2", "eth0=1"),
        ("0", "eth1=1", "eth1=1"),
        ("eth0=1", "0", "eth0=1"),
        ("0", "0", "0"),
    ],
)
def test_each_place_goes_back_to_what_it_was_first(noted: str, seen: str, kept: str) -> None:
    assert Sysctl(name=REDIRECTS, value=seen).remembering(noted) == kept


def test_a_single_setting_keeps_its_first_value() -> None:
    assert Sysctl(name="net.ipv4.ip_forward", value="1").remembering("0") == "0"
