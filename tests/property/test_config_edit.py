"""Laws of the configuration's text: what is edited is what is read, and comments survive."""

from __future__ import annotations

import re
from dataclasses import replace
from functools import cache
from ipaddress import IPv4Address, IPv4Network, IPv6Address, IPv6Network
from typing import Any, TypeVar
from typing import Protocol as Shape

import pytest
from hypothesis import HealthCheck as Slow
from hypothesis import assume, given, settings
from hypothesis import strategies as st

from lvsnat.config import render, toml
from lvsnat.config.edit import ConfigDocument
from lvsnat.config.parse import parse_config
from lvsnat.model.aws import AwsOptions, Layout
from lvsnat.model.config import Config, HaproxyOptions, HostOptions, IpvsOptions, Timeouts
from lvsnat.model.daemon import DaemonOptions, LogFormat, OnDrift, OnStop
from lvsnat.model.endpoint import (
    MAX_MARK,
    AddressListener,
    Endpoint,
    Family,
    Listener,
    MarkListener,
    PortRange,
    PortsListener,
    Protocol,
)
from lvsnat.model.health import CheckType, HealthCheck
from lvsnat.model.mode import Mode
from lvsnat.model.policy import HealthPolicy, OnFail
from lvsnat.model.rules import MAX_PERSISTENCE_SECONDS, MAX_THRESHOLD
from lvsnat.model.service import (
    MAX_WEIGHT,
    Persistence,
    PersistenceEngine,
    ProxyOptions,
    ProxyProtocol,
    RealServer,
    Scheduler,
    SchedulerFlag,
    VirtualService,
)

T = TypeVar("T")

DEEP = settings(
    max_examples=100,
    deadline=None,
    suppress_health_check=list(Slow),
)

ports = st.integers(1, 29999)
names = st.sampled_from([*"abcdefghijklmnop", "A", "0", "a.b", "web-1", "x_" * 31 + "x"])
# VIPs and real servers come from different networks: a VIP as a real server breaks a rule.
vips = st.one_of(
    st.integers(0, 200).map(lambda n: IPv4Address(0x0A000001 + n)),
    st.integers(0, 200).map(lambda n: IPv6Address((0xFD01 << 112) + 1 + n)),
)
listeners: st.SearchStrategy[Listener] = st.one_of(
    st.builds(AddressListener, st.sampled_from(Protocol), st.builds(Endpoint, vips, ports)),
    # Above the ports of the others and either the same or apart, so that no two share some.
    st.builds(
        lambda protocol, address, number: PortsListener(
            protocol, address, (PortRange(number * 10, number * 10 + 5),)
        ),
        st.sampled_from(Protocol),
        vips,
        st.integers(3000, 6000),
    ),
    st.builds(MarkListener, st.integers(1, MAX_MARK), st.sampled_from(Family)),
)


class Draw(Shape):
    """What hypothesis calls draw, in a strategy and in a test alike."""

    def __call__(self, strategy: st.SearchStrategy[T], /) -> T: ...


@cache
def endpoints(family: Family) -> st.SearchStrategy[Endpoint]:
    if family is Family.IPV4:
        addresses = st.integers(0, 9).map(lambda n: IPv4Address(0xC0A80001 + n))
        return st.builds(Endpoint, addresses, st.integers(1, 3))
    return st.builds(
        Endpoint, st.integers(0, 9).map(lambda n: IPv6Address((0xFD02 << 112) + n)), ports
    )


@cache
def real_servers(family: Family) -> st.SearchStrategy[RealServer]:
    return _real_servers(family)


@cache
def server_lists(family: Family) -> st.SearchStrategy[tuple[RealServer, ...]]:
    unique = st.lists(real_servers(family), max_size=4, unique_by=lambda server: server.endpoint)
    return unique.map(tuple)


@st.composite
def _real_servers(draw: st.DrawFn, family: Family) -> RealServer:
    upper = draw(st.just(0) | st.integers(0, MAX_THRESHOLD))
    lower = draw(st.just(0) | st.integers(0, upper))
    weight = draw(st.just(1) | st.integers(0, MAX_WEIGHT))
    return RealServer(draw(endpoints(family)), weight, upper, lower)


milliseconds = st.integers(1, 2147483000).map(lambda number: number / 1000)
seconds = st.none() | st.integers(1, 2147483)
whole_seconds = st.integers(1, 2147483)
counts = st.integers(1, 1000)
statuses = st.tuples(st.integers(100, 599), st.integers(100, 599)).map(
    lambda pair: (min(pair), max(pair))
)
bodies = st.text(st.characters(categories=["L", "N", "P"]), min_size=1, max_size=5)
networks = st.lists(
    st.sampled_from([IPv4Network("192.168.2.0/24"), IPv6Network("fd02::/64")]), max_size=2
).map(tuple)


words: dict[str, st.SearchStrategy[Any]] = {
    "path": st.sampled_from(["/", "/health", '/a"b\\c#d']),
    "method": st.sampled_from(["GET", "HEAD"]),
    "host": st.none() | st.just("www.example.com"),
    "expect": st.lists(statuses, min_size=1, max_size=3).map(tuple),
    "body": st.none() | bodies,
    "regex": st.none() | st.sampled_from([r"^\d+ \"ok\"$", "a|b"]),
    "verify": st.booleans(),
    "certificate": st.none() | st.just("/etc/lvsnat/check.pem"),
    "send": st.none() | st.text(st.characters(codec="utf-8"), min_size=1, max_size=9),
    "record": st.sampled_from(["A", "SOA"]),
    "command": st.just(("/bin/true", '-a "b"', "")),
    "file": st.sampled_from(["/run/drain/{address}:{port}", "/x y"]),
    "reset": st.booleans(),
    "port": st.none() | st.integers(1, 65535),
    "interval": milliseconds,
    "fast_interval": st.none() | milliseconds,
    "timeout": milliseconds,
    "rise": counts,
    "fall": counts,
    "jitter": st.sampled_from([0.0, 0.25, 0.3]) | st.floats(0, 0.5),
}
needed: dict[CheckType, dict[str, st.SearchStrategy[Any]]] = {
    CheckType.DNS: {"name": st.sampled_from(["example.com", "."])},
    CheckType.AGENT: {"port": st.integers(1, 65535)},
    CheckType.EXEC: {"command": words["command"]},
    CheckType.FILE: {"file": words["file"]},
}


@st.composite
def checks(draw: st.DrawFn, family: Family = Family.IPV4) -> HealthCheck:
    kind = draw(st.sampled_from(CheckType))
    given = {key: draw(values) for key, values in needed.get(kind, {}).items()}
    if draw(st.booleans()):
        some = draw(st.sets(st.sampled_from(sorted(words)), max_size=6))
        given |= {k: draw(words[k]) for k in sorted(some - set(given)) if kind.knows(k)}
    if kind is CheckType.GRPC:
        given["name"] = draw(st.none() | st.just("shop.Orders"))
    if kind.knows("source") and draw(st.booleans()):
        given["source"] = draw(endpoints(family)).address
    return HealthCheck(kind, **given)


def check_lists(family: Family) -> st.SearchStrategy[list[HealthCheck]]:
    return st.lists(checks(family), max_size=3, unique=True)


policies = st.just(HealthPolicy()) | st.builds(
    HealthPolicy,
    st.none() | st.sampled_from(OnFail),
    st.integers(1, 65535),
    st.integers(0, 65535),
    st.integers(1, 100),
    st.just(0.0) | milliseconds,
    st.just(0.0) | milliseconds,
)
extra_lines = st.lists(
    st.sampled_from(["retries 3", 'http-request deny if { path "/x" }  # why', "option x, y"]),
    max_size=2,
).map(tuple)


@st.composite
def proxies(draw: st.DrawFn) -> ProxyOptions:
    http = draw(st.booleans())
    return ProxyOptions(
        ProxyProtocol.HTTP if http else ProxyProtocol.TCP,
        draw(seconds),
        draw(seconds),
        draw(seconds),
        draw(st.none() | st.integers(1, 2**31 - 1)),
        http and draw(st.booleans()),
        draw(st.none() | st.just("SRV")) if http else None,
        draw(extra_lines),
        draw(extra_lines),
    )


@cache
def sorry_servers(family: Family) -> st.SearchStrategy[Endpoint]:
    last = IPv4Address("192.168.9.1") if family is Family.IPV4 else IPv6Address("fd03::1")
    return st.builds(Endpoint, st.just(last), ports)


@st.composite
def _services(draw: st.DrawFn) -> VirtualService:
    listen = draw(listeners)
    scheduler = draw(st.sampled_from(Scheduler))
    flags = [flag for flag in SchedulerFlag if flag.scheduler is scheduler]
    tcp = not isinstance(listen, MarkListener) and listen.protocol is Protocol.TCP
    engines: list[PersistenceEngine | None] = [None]
    if isinstance(listen, MarkListener) or listen.protocol is Protocol.UDP:
        engines.append(PersistenceEngine.SIP)
    persistence = draw(
        st.none()
        | st.builds(
            Persistence,
            st.integers(1, MAX_PERSISTENCE_SECONDS),
            st.none() | st.integers(1, listen.family.bits),
            st.sampled_from(engines),
        )
    )
    asked = draw(check_lists(listen.family))
    return VirtualService(
        draw(names),
        listen,
        scheduler,
        frozenset(flag for flag in flags if draw(st.booleans())),
        persistence,
        draw(server_lists(listen.family)),
        asked[0] if asked else None,
        draw(st.none() | sorry_servers(listen.family)),
        draw(st.just(ProxyOptions()) | (proxies() if tcp else st.nothing())),
        tuple(asked[1:]),
        draw(policies),
    )


SERVICES = _services()
hosts = st.builds(
    HostOptions,
    st.booleans(),
    st.none() | st.sampled_from(["eth0", "bond0.7"]),
    st.booleans(),
    st.booleans(),
) | st.builds(
    HostOptions,
    egress=st.just("masquerade") | st.just(IPv4Address("192.168.1.50")),
    egress_networks=st.just((IPv4Network("192.168.2.0/24"),)),
)
haproxies = st.just(HaproxyOptions()) | st.builds(
    HaproxyOptions,
    networks,
    st.integers(1, 2**31 - 1),
    whole_seconds,
    whole_seconds,
    whole_seconds,
    st.integers(1, MAX_MARK),
    st.integers(1, 252) | st.integers(256, 2**32 - 1),
    st.integers(1, 32765),
    st.integers(1, 64511),
)
enis = st.sampled_from(["eni-0a1b2c3d4e5f67890", "eni-0a1b2c3d"])
surroundings = (
    st.builds(
        AwsOptions,
        st.none() | st.just(Layout.DUAL_SUBNET),
        st.none() | st.sampled_from(["eu-west-1", "us-gov-west-1", "cn-north-1"]),
        st.none() | st.sampled_from(["default", 'a "b" #c']),
        st.none() | st.sampled_from(["http://127.0.0.1:5000", "https://ec2.example/"]),
        st.none() | enis,
        st.none() | st.sampled_from([IPv4Address("10.0.1.200"), IPv6Address("2001:db8::200")]),
        st.sampled_from([(), ("subnet-0a1b2c3d",), ("subnet-0a1b2c3d", "subnet-0a1b2c3e")]),
        networks,
        st.none(),
        st.just(value=False),
        st.booleans(),
        st.none() | st.just("eni-0f9e8d7c"),
    )
    | st.builds(AwsOptions, eip_allocation=st.none() | st.just("eipalloc-0a1b2c3d"))
    | st.builds(AwsOptions, allocate_eip=st.booleans())
)
daemons = st.just(DaemonOptions()) | st.builds(
    DaemonOptions,
    st.sampled_from(OnDrift),
    st.integers(100, 86400_000).map(lambda number: number / 1000),
    st.sampled_from(OnStop),
    st.none() | st.builds(Endpoint, vips, ports) | st.just(Endpoint(IPv4Address(0), 9101)),
    st.booleans(),
    st.sampled_from([(), ("/usr/bin/page",), ('/a "b"', "/c")]),
    st.sampled_from(LogFormat),
)
configs = st.builds(
    Config,
    st.sampled_from(Mode),
    services=st.lists(SERVICES, max_size=3, unique_by=(lambda s: s.name, lambda s: s.listen)).map(
        tuple
    ),
    host=hosts,
    ipvs=st.builds(IpvsOptions, st.builds(Timeouts, seconds, seconds, seconds)),
    haproxy=haproxies,
    aws=st.none() | surroundings,
    daemon=daemons,
)


class Writer:
    """Writes a configuration as different people would, with comments that name their subject."""

    def __init__(self, draw: st.DrawFn) -> None:
        self.draw = draw
        self.count = 0

    def comment(self, subject: str) -> str:
        self.count += 1
        return f"# c{self.count} {subject}"

    def maybe(self, text: str) -> str:
        return text if self.draw(st.booleans()) else ""

    def one_of(self, *words: str) -> str:
        return str(self.draw(st.sampled_from(words)))

    def document(self, config: Config) -> str:
        if config.services and self.draw(st.integers(0, 4)) == 0:
            return self.as_array(config)
        parts = [f"{self.comment('top')}\n", self.mode(config.mode, "  # c0 mode\n\n")]
        host = render.host_values(config.host)
        table = "[host]\n" + "".join(f"{key} = {value}\n" for key, value in host.items())
        table += self.timeouts(config)
        haproxy = render.haproxy_values(config.haproxy)
        table += "[haproxy]\n" + "".join(f"{key} = {value}\n" for key, value in haproxy.items())
        if config.aws is not None:
            aws = render.aws_values(config.aws)
            table += "[aws]\n" + "".join(f"{key} = {value}\n" for key, value in aws.items())
        if daemon := render.daemon_values(config.daemon):
            table += "[daemon]\n" + "".join(f"{key} = {value}\n" for key, value in daemon.items())
        first = self.draw(st.booleans())
        parts.append(table if first else "")
        for index, service in enumerate(config.services):
            parts.append(self.maybe("\n"))
            parts.append(self.maybe(f"{self.comment(f's{index}')}\n"))
            parts.append(self.service(index, service))
        parts.append("" if first else f"\n{self.comment('host')}\n{table}")
        text = "".join(parts)
        return text.rstrip("\n") if self.draw(st.booleans()) else text

    def mode(self, mode: Mode, end: str) -> str:
        line = f'mode = "{mode}"{end}'
        return self.maybe(line) if mode is Mode.LVS_NAT else line

    def timeouts(self, config: Config) -> str:
        values = render.timeout_values(config.ipvs.timeouts)
        if not values:
            return ""
        if self.draw(st.booleans()):
            return f"[ipvs]\ntimeouts = {toml.inline(values)}\n"
        return "[ipvs.timeouts]\n" + "".join(f"{key} = {value}\n" for key, value in values.items())

    def as_array(self, config: Config) -> str:
        host = render.host_values(config.host)
        inline = [render.service_inline(service) for service in config.services]
        if self.draw(st.booleans()):
            array = f"[{', '.join(inline)}]"
        else:
            rows = [f"  {text},  {self.comment(f's{i}')}\n" for i, text in enumerate(inline)]
            array = f"[\n{''.join(rows)}]"
        dotted = "".join(f"host.{key} = {value}\n" for key, value in host.items())
        timeouts = render.timeout_values(config.ipvs.timeouts)
        dotted += "".join(f"ipvs.timeouts.{key} = {value}\n" for key, value in timeouts.items())
        haproxy = render.haproxy_values(config.haproxy)
        dotted += "".join(f"haproxy.{key} = {value}\n" for key, value in haproxy.items())
        if config.aws is not None:
            dotted += f"aws = {toml.inline(render.aws_values(config.aws))}\n"
        daemon = render.daemon_values(config.daemon)
        dotted += "".join(f"daemon.{key} = {value}\n" for key, value in daemon.items())
        dotted += self.mode(config.mode, "\n")
        return f"{self.comment('top')}\n{dotted}service = {array}  {self.comment('top')}\n"

    def service(self, index: int, service: VirtualService) -> str:
        values = render.service_values(service)
        for key in ("persistence", "check", "haproxy"):
            values.pop(key, None)
        subject = f"s{index}"
        indent = self.one_of("", "  ")
        lines = ["[[service]]" + self.maybe(f"  {self.comment(subject)}")]
        lines += [f"{k} = {v}{self.maybe(f'  {self.comment(subject)}')}" for k, v in values.items()]
        tables: list[str] = []
        if (persistence := service.persistence) is not None:
            table = render.persistence_values(persistence)
            self.table("persistence", table, render.persistence_value(persistence), lines, tables)
        self.checks(service.checks, lines, tables)
        if table := render.proxy_values(service.proxy):
            self.table("haproxy", table, toml.inline(table), lines, tables)
        written = self.draw(st.booleans())
        if service.servers or written:
            self.servers(service.servers, subject, lines, tables)
        lines += [self.comment(subject)] if self.draw(st.booleans()) else []
        body = "".join(f"{indent}{line}\n" for line in lines)
        return body + "".join(tables)

    def checks(self, checks: tuple[HealthCheck, ...], lines: list[str], tables: list[str]) -> None:
        written = [self.check(render.check_values(check)) for check in checks]
        way = self.one_of("alone", "headers", "array") if checks else "not at all"
        if way == "alone" and len(checks) == 1:
            self.table("check", written[0], render.check_value(checks[0]), lines, tables)
        elif way == "headers":
            for values in written:
                rows = [f"{name} = {value}\n" for name, value in values.items()]
                tables.append("[[service.check]]\n" + "".join(rows))
        elif checks:
            short = [self.one_of(render.check_value(c), toml.inline(t))
                     for c, t in zip(checks, written, strict=True)]  # fmt: skip
            lines.append(f"check = [{', '.join(short)}]")

    def check(self, values: dict[str, str]) -> dict[str, str]:
        """Leave out what is said without words, now and then."""
        silent = values["type"] == '"tcp"' and len(values) > 1 and self.draw(st.booleans())
        return {key: value for key, value in values.items() if key != "type" or not silent}

    def table(
        self, key: str, values: dict[str, str], short: str, lines: list[str], tables: list[str]
    ) -> None:
        match self.one_of("value", "dotted", "table", "inline"):
            case "value":
                lines.append(f"{key} = {short}")
            case "inline":
                lines.append(f"{key} = {toml.inline(values)}")
            case "dotted":
                lines += [f"{key}.{name} = {value}" for name, value in values.items()]
            case _:
                rows = [f"{name} = {value}\n" for name, value in values.items()]
                tables.append(f"{self.maybe(chr(10))}[service.{key}]\n" + "".join(rows))

    def servers(
        self, servers: tuple[RealServer, ...], subject: str, lines: list[str], tables: list[str]
    ) -> None:
        inline = [render.server_inline(server) for server in servers]
        notes = [self.comment(f"{subject} {server.endpoint}.") for server in servers]
        match self.one_of("rows", "bare last", "line", "leading", "tables", "crowded"):
            case "rows":
                above = self.maybe(f"  {self.comment(subject)}\n")
                rows = [f"  {t},  {n}\n" for t, n in zip(inline, notes, strict=True)]
                lines.append(f"servers = [\n{above}{''.join(rows)}{above}]")
            case "bare last":
                body = ",\n    ".join(inline)
                note = notes[-1] if notes else self.comment(subject)
                lines.append(f"servers = [\n    {body} {note}\n]")
            case "line":
                lines.append(f"servers = [{', '.join(inline)}{self.maybe(' ')}]")
            case "leading":
                body = "\n  , ".join(f"{t} {n}" for t, n in zip(inline, notes, strict=True))
                lines.append(f"servers = [\n    {body}\n]")
            case "crowded":
                lines.append(f"servers = [{', '.join(inline)}{',' if inline else ''}\n]")
            case _:
                tables += [
                    f"{self.maybe(chr(10))}{note}\n{render.server_block(server)}"
                    for note, server in zip(notes, servers, strict=True)
                ]


@st.composite
def documents(draw: st.DrawFn) -> tuple[str, Config]:
    config = draw(configs)
    return Writer(draw).document(config), config


def comments(text: str) -> set[str]:
    return set(re.findall(r"# c\d.*", text))


def edit(draw: Draw, document: ConfigDocument) -> tuple[Config, str | None]:
    """Make one random edit; return the model with it, and whose comments may go with it."""
    config = document.config
    if draw(st.integers(0, 5)) == 0:
        mode = draw(st.sampled_from(Mode))
        document.set_mode(mode)
        return replace(config, mode=mode), None
    if not config.services or draw(st.integers(0, 5)) == 0:
        new = draw(SERVICES)
        taken = {(s.name, s.listen) for s in config.services}
        assume(all(new.name != name and new.listen != listen for name, listen in taken))
        document.add_service(new)
        return replace(config, services=(*config.services, new)), None
    index = draw(st.integers(0, len(config.services) - 1))
    old = config.services[index]
    kept = config.services[:index], config.services[index + 1 :]
    if draw(st.integers(0, 5)) == 0:
        document.remove_service(old.name)
        return replace(config, services=(*kept[0], *kept[1])), ""
    new, gone = _edited(draw, document, old)
    return replace(config, services=(*kept[0], new, *kept[1])), gone


def _edited(
    draw: Draw, document: ConfigDocument, old: VirtualService
) -> tuple[VirtualService, str | None]:
    match draw(st.sampled_from(["add", "set", "remove", "service"])):
        case "add":
            server = draw(real_servers(old.listen.family))
            assume(all(server.endpoint != other.endpoint for other in old.servers))
            document.add_server(old.name, server)
            return replace(old, servers=(*old.servers, server)), None
        case "set" if old.servers:
            at = draw(st.integers(0, len(old.servers) - 1))
            server = replace(
                draw(real_servers(old.listen.family)), endpoint=old.servers[at].endpoint
            )
            document.set_server(str(old.listen), server)
            return replace(old, servers=(*old.servers[:at], server, *old.servers[at + 1 :])), None
        case "remove" if old.servers:
            at = draw(st.integers(0, len(old.servers) - 1))
            document.remove_server(old.name, old.servers[at].endpoint)
            left = (*old.servers[:at], *old.servers[at + 1 :])
            return replace(old, servers=left), f"{old.servers[at].endpoint}."
    other = draw(SERVICES)
    changed = replace(other, name=old.name, listen=old.listen, servers=_servers(draw, old))
    engine = changed.persistence.engine if changed.persistence else None
    assume(engine is None or str(old.listen).startswith(("udp", "fwmark")))
    prefix = (changed.persistence.prefix if changed.persistence else None) or 0
    assume(prefix <= old.listen.family.bits)
    family = old.listen.family
    assume(all(c.source is None or Family.of(c.source) is family for c in changed.checks))
    if changed.sorry is not None and changed.sorry.family is not old.listen.family:
        changed = replace(changed, sorry=None)
    if not str(old.listen).startswith("tcp"):
        changed = replace(changed, proxy=ProxyOptions())
    document.set_service(old.name, changed)
    return changed, ""


def _servers(draw: Draw, old: VirtualService) -> tuple[RealServer, ...]:
    same = st.just(old.servers)
    shuffled: st.SearchStrategy[tuple[RealServer, ...]] = st.permutations(old.servers).map(tuple)
    return draw(st.one_of(same, shuffled, server_lists(old.listen.family)))


@DEEP
@given(configs)
def test_a_rendered_configuration_reads_back(config: Config) -> None:
    assert parse_config(render.render_config(config), "test") == config


@DEEP
@given(documents())
def test_every_way_of_writing_reads_the_same(case: tuple[str, Config]) -> None:
    text, config = case

    assert parse_config(text, "test") == config


@DEEP
@given(st.data())
def test_edits_of_the_text_are_edits_of_the_model(data: st.DataObject) -> None:
    text, config = data.draw(documents())
    windows = data.draw(st.booleans())
    document = ConfigDocument.parse(text.replace("\n", "\r\n") if windows else text)
    for _ in range(data.draw(st.integers(1, 5))):
        before = comments(document.text.replace("\r\n", "\n"))

        config, gone = edit(data.draw, document)

        after = document.text.replace("\r\n", "\n")
        assert document.config == config
        assert parse_config(document.text, "test") == config, document.text
        lost = before - comments(after)
        if gone is None:
            assert not lost, after
        elif gone:
            assert all(comment.endswith(gone) for comment in lost), after


@DEEP
@given(st.data())
def test_what_an_edit_is_not_about_stays_as_it_is(data: st.DataObject) -> None:
    text, config = data.draw(documents().filter(lambda case: len(case[1].services) > 1))
    assume("[[service]]" in text)
    index = data.draw(st.integers(0, len(config.services) - 1))
    document = ConfigDocument.parse(text)

    document.remove_service(config.services[index].name)

    lost = comments(text) - comments(document.text)
    assert all(re.fullmatch(rf"# c\d+ s{index}( .*)?", comment) for comment in lost), document.text


@pytest.mark.parametrize("text", ["", "\n", "  \n\n"])
def test_a_new_file_begins_with_a_word_to_its_reader(text: str) -> None:
    document = ConfigDocument.parse(text)
    service = VirtualService("web", MarkListener(7))

    document.add_service(service)

    assert document.text == (
        f'{render.HEADER}mode = "lvs-nat"\n\n[[service]]\nname = "web"\nlisten = "fwmark/7"\n'
    )
