"""User data to look at, of both roles."""

from __future__ import annotations

from ipaddress import ip_address

from lvsnat.aws.userdata import Told, user_data
from lvsnat.gateway.render import cloudinit
from lvsnat.gateway.wish import GatewayWish, ReplyPort
from lvsnat.model.mode import Mode

CONFIG = """\
# Ours: "the web", ünïcode and a \\ in it.
[[service]]
name = "web"
listen = "tcp/10.0.1.200:80"
servers = [ { address = "10.0.1.55:8080" }, { address = "10.0.1.56:8080" } ]
"""
PORTS = (ReplyPort("tcp", 8080), ReplyPort("udp", 53))


def director_data(*, standby: bool = False, mode: Mode = Mode.LVS_NAT) -> str:
    return user_data(Told(CONFIG, mode, "lvsnat==0.1.0", standby))


def real_server_data() -> str:
    wishes = [
        GatewayWish(ip_address("10.0.1.200"), reply_ports=PORTS),
        GatewayWish(ip_address("fd00:1::200"), reply_ports=PORTS, local_clients=True),
    ]
    return cloudinit.render(wishes).files[0].text
