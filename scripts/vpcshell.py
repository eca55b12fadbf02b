"""A shell on the director of a VPC, to try `lvsnat aws` with packets; it runs inside the lab.

    python scripts/vpcshell.py dual-subnet               (or single-subnet)
    python scripts/vpcshell.py dual-subnet CMD ...       a command in the place of the shell

The EC2 API and the metadata are those of the tests; what the API is told, packets meet at once.
`labkit.vpc` draws the network.
"""

from __future__ import annotations

import argparse
import os
import subprocess
import sys
from pathlib import Path
from typing import TYPE_CHECKING

# The API belongs to the tests, which an installed lvsnat does not have.
sys.path.insert(0, str(Path(__file__).resolve().parents[1] / "tests"))

if TYPE_CHECKING:
    from e2e.aws.cloud import Cloud

PREFIX = "vpc"
WELCOME = """\
a shell on the director of VPC {vpc}; leave it with 'exit'
  VIP 10.0.1.200, Elastic IP {public} ({allocation})
  tcp/8080 and udp/5353 answer on {servers}

try   lvsnat service add web tcp/10.0.1.200:80 --server {first}:8080
      on client python -m labkit.ask tcp {public} 80 2
      lvsnat aws apply --eip-allocation $EIP_ALLOCATION --security-groups
hosts for 'on HOST COMMAND': {hosts}"""
ON = """\
#!/bin/sh
# on HOST COMMAND...: run it there, with that host's own files of lvsnat.
host=$1
shift
export LVSNAT_CONFIG={homes}/$host/lvsnat.toml
export LVSNAT_STATE_DIR={homes}/$host/state LVSNAT_RUN_DIR={homes}/$host/run
exec ip netns exec {prefix}-$host "$@"
"""


def main(arguments: list[str]) -> int:
    """Lay the VPC out, and let the shell or the command run; the status is its own."""
    from aws.vpcs import dual_subnet, single_subnet
    from e2e.aws.cloud import DNS_SERVER, WEB_SERVER, account, cloud

    builders = {"dual-subnet": dual_subnet, "single-subnet": single_subnet}
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("layout", choices=builders)
    parser.add_argument("command", nargs=argparse.REMAINDER, metavar="CMD")
    options = parser.parse_args(arguments)
    with account() as server, cloud(server, builders[options.layout], PREFIX) as made:
        for host in made.servers:
            host.serve_tcp(WEB_SERVER)
            host.serve_udp(DNS_SERVER)
        if not options.command:
            print(_welcome(made))
        with made.followed():
            return subprocess.run(
                made.director.command(*made.command("director", *(options.command or ["bash"]))),
                env=_environment(made),
                check=False,
            ).returncode


def _welcome(made: Cloud) -> str:
    return WELCOME.format(
        vpc=made.ids.id,
        public=made.ids.public_ip,
        allocation=made.ids.allocation,
        servers=", ".join(host.address for host in made.servers),
        first=made.servers[0].address,
        hosts=", ".join(made.net.hosts),
    )


def _environment(made: Cloud) -> dict[str, str]:
    """Put `on` where the shell finds it, in a folder that goes with the hosts' files."""
    homes = made.director.home.parent
    folder = homes / "bin"
    folder.mkdir()
    program = folder / "on"
    program.write_text(ON.format(homes=homes, prefix=PREFIX))
    program.chmod(0o755)
    return {
        **made.director.environment(),
        "PATH": f"{folder}:{os.environ['PATH']}",
        "EIP_ALLOCATION": made.ids.allocation,
    }


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
