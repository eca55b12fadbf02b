"""The VPC to try things in: what the page about the lab shows happens."""

from __future__ import annotations

import pytest
import vpcshell

pytestmark = [pytest.mark.e2e, pytest.mark.timeout(1200)]

# Packets follow a change within a second; an answer is waited for, a silence is not.
TYPED = """
set -e
lvsnat service add web tcp/10.0.1.200:80 --server 10.0.2.55:8080 >/dev/null
on client python -m labkit.ask tcp 203.0.113.7 80 1.5 2>&1 || test $? = 3
lvsnat aws apply --eip-allocation $EIP_ALLOCATION --security-groups --yes >/dev/null 2>&1
on client python -m labkit.ask tcp 203.0.113.7 80 60
on server-b sh -c 'echo $LVSNAT_STATE_DIR' | sed 's,.*/vpc-[^/]*/,,'
exit 7
"""


def test_packets_follow_what_is_typed(capfd: pytest.CaptureFixture[str]) -> None:
    status = vpcshell.main(["dual-subnet", "sh", "-c", TYPED])

    assert capfd.readouterr().out.splitlines() == [
        "timed out",
        "server-a 198.51.100.10",
        "server-b/state",
    ]
    assert status == 7
