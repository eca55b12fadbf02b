"""The tables [[service]], its servers and its persistence in lvsnat.toml."""

from __future__ import annotations

from typing import Annotated, Literal

from pydantic import BeforeValidator, Field, JsonValue, PlainValidator

from lvsnat.config.check_form import SHORT_PATTERN, CheckForm
from lvsnat.config.form import Duration, Form, SpanInput, without_null
from lvsnat.config.haproxy_form import ProxyForm
from lvsnat.config.values import (
    Netmask,
    one_of,
    read_duration,
    read_netmask,
    read_percent,
    read_span,
    reads,
    several,
    short_check,
    short_persistence,
)
from lvsnat.model.endpoint import (
    AddressListener,
    Endpoint,
    Listener,
    MarkListener,
    PortsListener,
    parse_listener,
)
from lvsnat.model.policy import HealthPolicy, OnFail
from lvsnat.model.policy_rules import MAX_QUORUM
from lvsnat.model.rules import (
    MAX_PERSISTENCE_SECONDS,
    MAX_THRESHOLD,
    NAME_PATTERN,
)
from lvsnat.model.service import (
    DEFAULT_SCHEDULER,
    MAX_WEIGHT,
    Persistence,
    PersistenceEngine,
    RealServer,
    Scheduler,
    SchedulerFlag,
    VirtualService,
)

# JSON Schema's words for what the rules of the model enforce: an editor sees them, pydantic does
# not, so that each refusal has one place and one wording.
_Seconds = Annotated[
    int, Field(json_schema_extra={"minimum": 1, "maximum": MAX_PERSISTENCE_SECONDS})
]
_Prefix = Annotated[int, Field(json_schema_extra={"minimum": 1, "maximum": 128})]
_Mask = Annotated[str, Field(json_schema_extra={"pattern": r"^[0-9]+(\.[0-9]+){3}$"})]
_Check = Annotated[str, Field(json_schema_extra={"pattern": SHORT_PATTERN})] | CheckForm
_Percent = (
    Annotated[int, Field(json_schema_extra={"minimum": 1, "maximum": 100})]
    | Annotated[str, Field(json_schema_extra={"pattern": "^[0-9]{1,3}%?$"})]
)
_Span = Annotated[float, PlainValidator(read_span, json_schema_input_type=Literal[0] | SpanInput)]
_POLICY = HealthPolicy()
_THRESHOLD: dict[str, JsonValue] = {"minimum": 0, "maximum": MAX_THRESHOLD}


class PersistenceForm(Form):
    """Send a returning client to the same real server."""

    timeout: Annotated[
        int, PlainValidator(read_duration, json_schema_input_type=_Seconds | Duration)
    ] = Field(
        description="Seconds, or '300s', '5m', '2h', until a silent client is forgotten.",
        examples=[300, "5m"],
    )
    netmask: Annotated[
        Netmask | None, PlainValidator(read_netmask, json_schema_input_type=_Prefix | _Mask)
    ] = Field(
        default=None,
        description="Clients of one network count as one: a prefix length, or an IPv4 mask.",
        json_schema_extra=without_null,
        examples=[24, "255.255.255.0"],
    )
    engine: Annotated[
        PersistenceEngine | None,
        PlainValidator(
            one_of(PersistenceEngine, "a persistence engine"),
            json_schema_input_type=PersistenceEngine,
        ),
    ] = Field(
        default=None,
        description="What identifies a client beyond its address: 'sip' reads the Call-ID (UDP).",
        json_schema_extra=without_null,
        examples=["sip"],
    )

    def to_model(self) -> Persistence:
        prefix = None if self.netmask is None else self.netmask.prefix
        return Persistence(self.timeout, prefix, self.engine)


class ServerForm(Form):
    """A machine that answers for the service."""

    address: Annotated[
        Endpoint,
        PlainValidator(
            reads(Endpoint.parse, Endpoint, "an address and a port as a string"),
            json_schema_input_type=str,
        ),
    ] = Field(
        description="Address and port; port 0 keeps the client's port.",
        examples=["192.168.2.55:80", "[2001:db8::55]:80"],
    )
    weight: int = Field(
        default=1,
        description="Share of new connections; 0 takes no new ones.",
        json_schema_extra={"minimum": 0, "maximum": MAX_WEIGHT},
    )
    upper: int = Field(
        default=0,
        description="No new connections from this many on; 0 means no limit.",
        json_schema_extra=_THRESHOLD,
    )
    lower: int = Field(
        default=0,
        description="New connections again below this many; 0 means 3/4 of upper.",
        json_schema_extra=_THRESHOLD,
    )

    def to_model(self) -> RealServer:
        return RealServer(self.address, self.weight, self.upper, self.lower)


class ServiceForm(Form):
    """What clients connect to, and the real servers behind it."""

    name: str = Field(
        description="How commands call the service.",
        json_schema_extra={"pattern": f"^{NAME_PATTERN}$"},
        examples=["web"],
    )
    listen: Annotated[
        Listener,
        PlainValidator(
            reads(
                parse_listener,
                (AddressListener, PortsListener, MarkListener),
                "a listener as a string",
            ),
            json_schema_input_type=str,
        ),
    ] = Field(
        description="Protocol, VIP and ports, or a firewall mark; port 0 is every port.",
        examples=[
            "tcp/192.168.1.50:80",
            "tcp/192.168.1.50:8000-8100,9000",
            "udp/[2001:db8::50]:53",
            "fwmark/7",
            "fwmark/7/ipv6",
        ],
    )
    scheduler: Annotated[
        Scheduler,
        PlainValidator(one_of(Scheduler, "a scheduler"), json_schema_input_type=Scheduler),
    ] = Field(
        default=DEFAULT_SCHEDULER,
        description="How a server is chosen for a new connection.",
        examples=["wrr"],
    )
    flags: list[
        Annotated[
            SchedulerFlag,
            PlainValidator(
                one_of(SchedulerFlag, "a scheduler flag"), json_schema_input_type=SchedulerFlag
            ),
        ]
    ] = Field(
        default=[],
        description="Switches of the scheduler sh or mh.",
        examples=[["sh-fallback", "sh-port"]],
    )
    persistence: Annotated[
        PersistenceForm | None,
        BeforeValidator(
            short_persistence, json_schema_input_type=_Seconds | Duration | PersistenceForm
        ),
    ] = Field(
        default=None,
        description="Send a returning client to the same real server: a timeout, or a table.",
        json_schema_extra=without_null,
        examples=[300, "5m", {"timeout": 300, "netmask": 24}],
    )
    one_packet: bool = Field(
        default=False,
        description="One-packet scheduling; only false, as it cannot work with masquerading.",
        json_schema_extra={"const": False},
    )
    check: Annotated[
        list[Annotated[CheckForm, BeforeValidator(short_check)]],
        BeforeValidator(several, json_schema_input_type=_Check | list[_Check]),
    ] = Field(
        default=[],
        description="How it is found out which servers can serve: one question, or several that"
        " all must be answered well.",
        json_schema_extra=without_null,
        examples=[
            "tcp",
            "http:/health",
            {"type": "http", "path": "/health", "interval": "2s"},
            ["http:/health", "agent:8080"],
        ],
    )
    on_fail: Annotated[
        OnFail | None,
        PlainValidator(
            one_of(OnFail, "what becomes of a failed server"), json_schema_input_type=OnFail
        ),
    ] = Field(
        default=None,
        description="What becomes of a server that fails: 'drain' is weight 0, 'remove' takes it"
        " out; 'remove' where weight 0 would lose clients (UDP, sh, dh), if not said.",
        json_schema_extra=without_null,
        examples=["remove"],
    )
    quorum: int = Field(
        default=_POLICY.quorum,
        description="So many servers must be up; with fewer, the sorry server answers.",
        json_schema_extra={"minimum": 1, "maximum": MAX_QUORUM},
    )
    hysteresis: int = Field(
        default=_POLICY.hysteresis,
        description="A quorum is lost with so many fewer servers up, and back with so many more.",
        json_schema_extra={"minimum": 0, "maximum": MAX_QUORUM},
    )
    max_down: Annotated[int, PlainValidator(read_percent, json_schema_input_type=_Percent)] = Field(
        default=_POLICY.max_down,
        description="Per cent of the servers that checks may take out; when more fail at once,"
        " the others keep their weights.",
        examples=["50%"],
    )
    warmup: _Span = Field(
        default=_POLICY.warmup,
        description="How long a server that came back takes to gain its whole weight; 0 is at"
        " once.",
        examples=["30s"],
    )
    damping: _Span = Field(
        default=_POLICY.damping,
        description="A server that went down three times within this time has to do better for"
        " longer before it is believed; 0 is off.",
        examples=["10m"],
    )
    sorry: Annotated[
        Endpoint | None,
        PlainValidator(
            reads(Endpoint.parse, Endpoint, "an address and a port as a string"),
            json_schema_input_type=str,
        ),
    ] = Field(
        default=None,
        description="Who answers while fewer servers are up than the quorum.",
        json_schema_extra=without_null,
        examples=["192.168.2.99:80"],
    )
    haproxy: ProxyForm = Field(
        default_factory=ProxyForm,
        description=ProxyForm.__doc__,
        examples=[{"mode": "http", "forwardfor": True}],
    )
    servers: list[ServerForm] = Field(
        default=[],
        description="The real servers.",
        examples=[[{"address": "192.168.2.55:80", "weight": 3}]],
    )

    def to_model(self) -> VirtualService:
        checks = tuple(check.to_model() for check in self.check)
        return VirtualService(
            self.name,
            self.listen,
            self.scheduler,
            frozenset(self.flags),
            None if self.persistence is None else self.persistence.to_model(),
            tuple(server.to_model() for server in self.servers),
            checks[0] if checks else None,
            self.sorry,
            self.haproxy.to_model(),
            checks[1:],
            HealthPolicy(
                self.on_fail,
                self.quorum,
                self.hysteresis,
                self.max_down,
                self.warmup,
                self.damping,
            ),
        )
