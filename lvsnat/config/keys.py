"""The usual order of the keys in each table of lvsnat.toml, for a key that an edit adds."""

from __future__ import annotations

TOP_KEYS = ("version", "mode", "service", "host", "ipvs", "haproxy", "aws", "daemon")
SERVICE_KEYS = (
    "name",
    "listen",
    "scheduler",
    "flags",
    "persistence",
    "one_packet",
    "check",
    "on_fail",
    "quorum",
    "hysteresis",
    "max_down",
    "warmup",
    "damping",
    "sorry",
    "haproxy",
    "servers",
)
PERSISTENCE_KEYS = ("timeout", "netmask", "engine")
TIMEOUT_KEYS = ("tcp", "tcp_fin", "udp")
CHECK_KEYS = (
    "type",
    "path",
    "method",
    "host",
    "expect",
    "body",
    "regex",
    "verify",
    "certificate",
    "send",
    "name",
    "record",
    "command",
    "file",
    "source",
    "reset",
    "port",
    "interval",
    "fast_interval",
    "timeout",
    "rise",
    "fall",
    "jitter",
)
PROXY_KEYS = (
    "mode",
    "client_timeout",
    "server_timeout",
    "connect_timeout",
    "maxconn",
    "forwardfor",
    "cookie",
    "frontend_lines",
    "backend_lines",
)
SERVER_KEYS = ("address", "weight", "upper", "lower")
