"""The model to the text of lvsnat.toml. Defaults are left out; what is written parses back."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from typing import Any

from lvsnat.config.toml import boolean, inline, span, string, strings, text
from lvsnat.model.aws import AwsOptions
from lvsnat.model.config import Config, HaproxyOptions, HostOptions, Timeouts
from lvsnat.model.daemon import DaemonOptions
from lvsnat.model.health import HealthCheck, statuses_text
from lvsnat.model.policy import HealthPolicy
from lvsnat.model.service import (
    DEFAULT_SCHEDULER,
    Persistence,
    ProxyOptions,
    RealServer,
    VirtualService,
)

HEADER = """\
# The configuration of lvsnat: what this director should be.
# People edit it and 'lvsnat' commands edit it; comments and order are kept.
# 'lvsnat plan' shows what a change would do.

"""


def render_config(config: Config) -> str:
    """Write a whole configuration from scratch."""
    parts = [f"{HEADER}mode = {string(config.mode)}\n"]
    if options := host_values(config.host):
        parts.append("[host]\n" + _entries(options))
    if timeouts := timeout_values(config.ipvs.timeouts):
        parts.append(f"[ipvs]\ntimeouts = {inline(timeouts)}\n")
    if options := haproxy_values(config.haproxy):
        parts.append("[haproxy]\n" + _entries(options))
    if config.aws is not None:
        parts.append("[aws]\n" + _entries(aws_values(config.aws)))
    if options := daemon_values(config.daemon):
        parts.append("[daemon]\n" + _entries(options))
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
    if service.checks:
        values["check"] = checks_value(service.checks)
    values |= _unusual(_POLICY, service.policy, HealthPolicy())
    if service.sorry is not None:
        values["sorry"] = string(str(service.sorry))
    if proxy := proxy_values(service.proxy):
        values["haproxy"] = inline(proxy)
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


def checks_value(checks: Sequence[HealthCheck]) -> str:
    """Write one check alone, and several as an array."""
    written = [check_value(check) for check in checks]
    return written[0] if len(written) == 1 else f"[{', '.join(written)}]"


def check_value(check: HealthCheck) -> str:
    """Write one string where it says all."""
    return inline(check_values(check)) if check.short is None else string(check.short)


def check_values(check: HealthCheck) -> dict[str, str]:
    """The keys of a check as a table; its type is always told."""
    return {"type": string(check.type)} | _unusual(_CHECK, check, HealthCheck())


def proxy_values(proxy: ProxyOptions) -> dict[str, str]:
    """The keys of ``[service.haproxy]``."""
    return _unusual(_PROXY, proxy, ProxyOptions())


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
        values["egress_networks"] = strings(host.egress_networks)
    return values


def haproxy_values(options: HaproxyOptions) -> dict[str, str]:
    """The keys of ``[haproxy]``."""
    return _unusual(_HAPROXY, options, HaproxyOptions())


def aws_values(options: AwsOptions) -> dict[str, str]:
    """The keys of ``[aws]``."""
    return _unusual(_AWS, options, AwsOptions())


def daemon_values(options: DaemonOptions) -> dict[str, str]:
    """The keys of ``[daemon]``."""
    return _unusual(_DAEMON, options, DaemonOptions())


def timeout_values(timeouts: Timeouts) -> dict[str, str]:
    return {name: str(seconds) for name, seconds in timeouts.given().items()}


def _entries(values: Mapping[str, str]) -> str:
    return "".join(f"{key} = {value}\n" for key, value in values.items())


_Writers = Mapping[str, tuple[str, Callable[[Any], str]]]
"""Each key, the attribute of the model that it is about, and how its value is written."""

_CHECK: _Writers = {
    "path": ("path", string),
    "method": ("method", string),
    "host": ("host", string),
    "expect": ("expect", lambda statuses: string(statuses_text(statuses))),
    "body": ("body", string),
    "regex": ("regex", string),
    "verify": ("verify", boolean),
    "certificate": ("certificate", string),
    "send": ("send", string),
    "name": ("name", string),
    "record": ("record", string),
    "command": ("command", strings),
    "file": ("file", string),
    "source": ("source", text),
    "reset": ("reset", boolean),
    "port": ("port", str),
    "interval": ("interval", span),
    "fast_interval": ("fast_interval", span),
    "timeout": ("timeout", span),
    "rise": ("rise", str),
    "fall": ("fall", str),
    "jitter": ("jitter", str),
}
_POLICY: _Writers = {
    "on_fail": ("on_fail", string),
    "quorum": ("quorum", str),
    "hysteresis": ("hysteresis", str),
    "max_down": ("max_down", lambda percent: string(f"{percent}%")),
    "warmup": ("warmup", span),
    "damping": ("damping", span),
}
_PROXY: _Writers = {
    "mode": ("protocol", string),
    "client_timeout": ("client_timeout", str),
    "server_timeout": ("server_timeout", str),
    "connect_timeout": ("connect_timeout", str),
    "maxconn": ("maxconn", str),
    "forwardfor": ("forward_for", boolean),
    "cookie": ("cookie", string),
    "frontend_lines": ("frontend_lines", strings),
    "backend_lines": ("backend_lines", strings),
}
_HAPROXY: _Writers = {
    "local_networks": ("local_networks", strings),
    "maxconn": ("maxconn", str),
    "hard_stop_after": ("hard_stop_after", str),
    "connect_timeout": ("connect_timeout", str),
    "queue_timeout": ("queue_timeout", str),
    "mark": ("mark", hex),
    "table": ("table", str),
    "priority": ("priority", str),
    "side_port_offset": ("side_port_offset", str),
}
_AWS: _Writers = {
    "layout": ("layout", string),
    "region": ("region", string),
    "profile": ("profile", string),
    "endpoint_url": ("endpoint_url", string),
    "eni": ("eni", string),
    "vip": ("vip", text),
    "real_server_subnets": ("real_server_subnets", strings),
    "clients": ("clients", strings),
    "eip_allocation": ("eip_allocation", string),
    "allocate_eip": ("allocate_eip", boolean),
    "security_groups": ("security_groups", boolean),
    "peer_eni": ("peer_eni", string),
}
_DAEMON: _Writers = {
    "drift": ("drift", string),
    "interval": ("interval", span),
    "on_stop": ("on_stop", string),
    "metrics": ("metrics", text),
    "per_server": ("per_server", boolean),
    "notify": ("notify", strings),
    "log": ("log", string),
}


def _unusual(writers: _Writers, value: object, usual: object) -> dict[str, str]:
    """What differs from the defaults."""
    return {
        key: write(getattr(value, name))
        for key, (name, write) in writers.items()
        if getattr(value, name) != getattr(usual, name)
    }
