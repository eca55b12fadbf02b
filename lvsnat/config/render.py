"""The model to the text of lvsnat.toml. Defaults are left out; what is written parses back."""

from __future__ import annotations

from lvsnat.model.config import Config, HostOptions, Timeouts
from lvsnat.model.service import DEFAULT_SCHEDULER, Persistence, RealServer, VirtualService

HEADER = """\
# The configuration of lvsnat: what this director should be.
# People edit it and 'lvsnat' commands edit it; comments and order are kept.
# 'lvsnat plan' shows what a change would do.

"""

_ESCAPES = {'"': '\\"', "\\": "\\\\", "\b": "\\b", "\t": "\\t", "\n": "\\n", "\f": "\\f"} | {
    "\r": "\\r"
}


def render_config(config: Config) -> str:
    """Write a whole configuration from scratch."""
    parts = [f"{HEADER}mode = {string(config.mode)}\n"]
    if options := host_values(config.host):
        parts.append("[host]\n" + "".join(f"{key} = {value}\n" for key, value in options.items()))
    if timeouts := timeout_values(config.ipvs.timeouts):
        parts.append(f"[ipvs]\ntimeouts = {inline(timeouts)}\n")
    parts += [service_block(service) for service in config.services]
    return "\n".join(parts)


def service_block(service: VirtualService) -> str:
    """Write a ``[[service]]`` with one server on each line."""
    values = service_values(service)
    lines = ["[[service]]", *(f"{key} = {value}" for key, value in values.items())]
    if service.servers:
        lines += [f"servers = {servers_array(service.servers)}"]
    return "\n".join(lines) + "\n"


def service_inline(service: VirtualService) -> str:
    """Write a service as an inline table, for a file that keeps them in an array."""
    values = service_values(service)
    if service.servers:
        values["servers"] = f"[{', '.join(map(server_inline, service.servers))}]"
    return inline(values)


def service_values(service: VirtualService) -> dict[str, str]:
    """The keys of a service in their usual order, without servers and without defaults."""
    values = {"name": string(service.name), "listen": string(str(service.listen))}
    if service.scheduler is not DEFAULT_SCHEDULER:
        values["scheduler"] = string(service.scheduler)
    if service.flags:
        values["flags"] = f"[{', '.join(string(flag) for flag in sorted(service.flags))}]"
    if service.persistence is not None:
        values["persistence"] = persistence_value(service.persistence)
    return values


def persistence_value(persistence: Persistence) -> str:
    """Write the timeout alone where there is nothing else to say."""
    values = persistence_values(persistence)
    return values["timeout"] if len(values) == 1 else inline(values)


def persistence_values(persistence: Persistence) -> dict[str, str]:
    values = {"timeout": str(persistence.timeout)}
    if persistence.prefix is not None:
        values["netmask"] = str(persistence.prefix)
    if persistence.engine is not None:
        values["engine"] = string(persistence.engine)
    return values


def servers_array(servers: tuple[RealServer, ...]) -> str:
    return "[\n" + "".join(f"  {server_inline(server)},\n" for server in servers) + "]"


def server_block(server: RealServer) -> str:
    """Write a ``[[service.servers]]``."""
    lines = [f"{key} = {value}\n" for key, value in server_values(server).items()]
    return "[[service.servers]]\n" + "".join(lines)


def server_inline(server: RealServer) -> str:
    return inline(server_values(server))


def server_values(server: RealServer) -> dict[str, str]:
    values = {"address": string(str(server.endpoint))}
    numbers = {"weight": (server.weight, 1), "upper": (server.upper, 0), "lower": (server.lower, 0)}
    return values | {
        key: str(number) for key, (number, default) in numbers.items() if number != default
    }


def host_values(host: HostOptions) -> dict[str, str]:
    values = {}
    if not host.manage_vip:
        values["manage_vip"] = "false"
    if host.vip_interface is not None:
        values["vip_interface"] = string(host.vip_interface)
    if not host.manage_sysctl:
        values["manage_sysctl"] = "false"
    if not host.block_imds:
        values["block_imds"] = "false"
    if host.egress is not None:
        values["egress"] = string(str(host.egress))
    if host.egress_networks:
        values["egress_networks"] = f"[{', '.join(string(str(n)) for n in host.egress_networks)}]"
    return values


def timeout_values(timeouts: Timeouts) -> dict[str, str]:
    return {name: str(seconds) for name, seconds in timeouts.given().items()}


def inline(values: dict[str, str]) -> str:
    return "{ " + ", ".join(f"{key} = {value}" for key, value in values.items()) + " }"


def string(text: str) -> str:
    """Write a basic string."""
    return '"' + "".join(_ESCAPES.get(c) or _printable(c) for c in text) + '"'


def _printable(character: str) -> str:
    code = ord(character)
    return f"\\u{code:04x}" if code < 0x20 or code == 0x7F else character  # noqa: PLR2004 - ASCII
