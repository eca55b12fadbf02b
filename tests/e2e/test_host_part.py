"""What lvsnat does on the director beside IPVS's services, seen by real packets."""

from __future__ import annotations

import json
from collections.abc import Iterable

import pytest
from e2e.conftest import ipvsadm, lvsnat
from labkit.host import Answer
from labkit.topology import Network

pytestmark = pytest.mark.e2e


def bracketed(address: str) -> str:
    return f"[{address}]" if ":" in address else address


def service(listen: str, servers: Iterable[str], port: int, name: str = "many") -> str:
    reals = ", ".join(f'{{ address = "{bracketed(server)}:{port}" }}' for server in servers)
    return (
        f'[[service]]\nname = "{name}"\nlisten = "{listen}"\nscheduler = "rr"\n'
        f"servers = [{reals}]\n"
    )


def configure(net: Network, *parts: str) -> None:
    (net.director.home / "lvsnat.toml").write_text("\n".join(parts), encoding="utf-8")
    lvsnat(net, "apply")


def ipv4(net: Network) -> list[str]:
    return [rs.address for rs in net.servers]


def subnet(net: Network) -> str:
    """The network of the real servers."""
    return f"{net.rs(1).address.rpartition('.')[0]}.0/24"


def conntrack(net: Network, value: int) -> None:
    net.director.run("sysctl", "-qw", f"net.ipv4.vs.conntrack={value}")


def egress(net: Network, source: str) -> str:
    return f'[host]\negress = "{source}"\negress_networks = ["{subnet(net)}"]\n'


@pytest.mark.parametrize("ipv6", [False, True], ids=["ipv4", "ipv6"])
def test_every_port_of_a_list_reaches_the_same_port_of_a_server(
    net: Network, *, ipv6: bool
) -> None:
    vip, client = (net.vip6, net.client.address6) if ipv6 else (net.vip, net.client.address)
    addresses = [rs.address6 if ipv6 else rs.address for rs in net.servers]
    for rs in net.servers:
        for port in (8000, 8100, 9000):
            rs.serve_tcp(port)

    configure(net, service(f"tcp/{bracketed(vip)}:9000,8000-8100", addresses, 0))

    for port in (8000, 8100, 9000):
        answers = {net.client.ask_tcp(vip, port) for _ in range(2)}
        assert answers == {Answer("rs1", client), Answer("rs2", client)}
    for port in (7999, 8101, 9001):
        with pytest.raises(ConnectionRefusedError):
            net.client.ask_tcp(vip, port)
    lvsnat(net, "plan", "--exit-code")


def test_a_server_with_a_port_takes_all_ports_there(net: Network) -> None:
    net.rs(1).serve_udp(5353)

    lvsnat(net, "service", "add", "dns", f"udp/{net.vip}:5000-5010", "--server",
           f"{net.rs(1).address}:5353")  # fmt: skip

    for port in (5000, 5007, 5010):
        assert net.client.ask_udp(net.vip, port) == Answer("rs1", net.client.address)


def test_the_director_itself_reaches_a_list_of_ports(dual: Network) -> None:
    dual.rs(1).serve_tcp(8050)

    configure(dual, service(f"tcp/{dual.vip}:8000-8100", ipv4(dual)[:1], 0))

    assert dual.director.ask_tcp(dual.vip, 8050).server == "rs1"


def test_status_and_plan_speak_of_the_listener_and_not_of_the_mark(dual: Network) -> None:
    listen = f"tcp/{dual.vip}:8000-8100,9000"
    configure(dual, service(listen, ipv4(dual), 0))

    (seen,) = json.loads(lvsnat(dual, "status", "-o", "json").stdout)["services"]
    removal = lvsnat(dual, "service", "remove", "many", "--dry-run").stdout

    assert (seen["name"], seen["listen"]) == ("many", listen)
    assert {server["address"] for server in seen["servers"]} == {
        f"{address}:0" for address in ipv4(dual)
    }
    assert "fwmark/1275075602" in removal
    assert ipvsadm(dual, "-Sn")[0] == "-A -f 1275075602 -s rr"


def test_ports_are_added_behind_the_first_without_touching_ipvs(dual: Network) -> None:
    configure(dual, service(f"tcp/{dual.vip}:8000-8010", ipv4(dual), 0))
    before = ipvsadm(dual, "-Sn")
    text = service(f"tcp/{dual.vip}:8000-8010,9000", ipv4(dual), 0)
    (dual.director.home / "lvsnat.toml").write_text(text, encoding="utf-8")

    said = lvsnat(dual, "apply").stdout

    changed = [line for line in said.splitlines() if line[:1] in "+~-"]
    assert [line.partition("  ")[0] for line in changed] == ["~ nft table inet lvsnat"]
    assert ipvsadm(dual, "-Sn") == before


def test_everything_goes_with_the_last_service(dual: Network) -> None:
    configure(dual, egress(dual, "masquerade"), service(f"tcp/{dual.vip}:80-81", ipv4(dual), 0))
    assert "table inet lvsnat" in dual.director.run("nft", "list", "tables").stdout

    lvsnat(dual, "service", "remove", "many", "--force")

    assert dual.director.run("nft", "list", "ruleset").stdout == ""


@pytest.mark.parametrize("tracked", [0, 1])
@pytest.mark.parametrize("source", ["masquerade", "the VIP"])
def test_egress_changes_the_servers_own_connections_and_nothing_else(
    net: Network, source: str, tracked: int
) -> None:
    leaves = net.director.address if source == "masquerade" else net.vip
    for rs in net.servers:
        rs.serve_tcp(8050)
        rs.serve_udp(5353)
    net.client.serve_tcp(7)
    net.client.serve_udp(7)

    configure(
        net,
        egress(net, source if source == "masquerade" else net.vip),
        service(f"tcp/{net.vip}:80", ipv4(net), 8050, "plain"),
        service(f"udp/{net.vip}:53", ipv4(net), 5353, "dns"),
        service(f"tcp/{net.vip}:8000-8100", ipv4(net), 0),
    )
    conntrack(net, tracked)

    for port in (80, 8050):
        assert {net.client.ask_tcp(net.vip, port).client for _ in range(2)} == {net.client.address}
    assert {net.client.ask_udp(net.vip, 53).client for _ in range(2)} == {net.client.address}
    assert net.rs(1).ask_tcp(net.client.address, 7).client == leaves
    assert net.rs(2).ask_udp(net.client.address, 7).client == leaves
    assert net.rs(1).ask_tcp(net.rs(2).address, 8050).client == net.rs(1).address
    assert net.director.ask_tcp(net.client.address, 7).client == net.director.address


@pytest.mark.parametrize("tracked", [0, 1])
def test_egress_serves_ipv6(dual: Network, tracked: int) -> None:
    dual.rs(1).serve_tcp(8080)
    dual.client.serve_tcp(7)
    network = f"{dual.rs(1).address6.rpartition('::')[0]}::/64"

    configure(
        dual,
        f'[host]\negress = "masquerade"\negress_networks = ["{network}"]\n',
        service(f"tcp/[{dual.vip6}]:80", [dual.rs(1).address6], 8080),
    )
    conntrack(dual, tracked)

    assert dual.client.ask_tcp(dual.vip6, 80).client == dual.client.address6
    # IPv6 prefers whichever of the director's addresses resembles the destination most.
    assert dual.rs(1).ask_tcp(dual.client.address6, 7).client in (dual.director.address6, dual.vip6)


def test_without_egress_packets_leave_as_they_are(dual: Network) -> None:
    dual.client.serve_tcp(7)

    configure(dual, service(f"tcp/{dual.vip}:80", ipv4(dual), 8080))

    assert dual.rs(1).ask_tcp(dual.client.address, 7).client == dual.rs(1).address


def test_a_live_connection_survives_the_table_being_replaced(dual: Network) -> None:
    dual.rs(1).serve_tcp(8001)
    configure(dual, service(f"tcp/{dual.vip}:8000-8010", ipv4(dual)[:1], 0))
    code = (
        "import socket, sys\n"
        f"s = socket.create_connection(('{dual.vip}', 8001), 120); f = s.makefile('rw')\n"
        "for line in sys.stdin: f.write('ask\\n'); f.flush(); print(f.readline(), flush=True)\n"
    )
    script = dual.client.home / "talk.py"
    script.write_text(code, encoding="utf-8")
    fifo = dual.client.home / "fifo"
    dual.client.run("mkfifo", str(fifo))
    talk = dual.client.popen("sh", "-c", f"exec python3 {script} < {fifo}")
    with fifo.open("w", encoding="utf-8") as say:
        for last in range(8010, 8014):
            text = service(f"tcp/{dual.vip}:8000-{last}", ipv4(dual)[:1], 0)
            configure(dual, text)
            say.write("go\n")
            say.flush()
            assert talk.stdout is not None
            assert talk.stdout.readline().startswith("rs1")
            talk.stdout.readline()


def test_real_servers_do_not_reach_the_metadata_service_through_the_director(
    dual: Network,
) -> None:
    # The router beyond the director plays the cloud that answers.
    dual.vpc.run("ip", "address", "add", "169.254.169.254/32", "dev", "lo")
    dual.vpc.serve_http(80)
    dual.director.run("ip", "route", "add", "169.254.169.254/32", "via", gateway_of(dual))
    web = service(f"tcp/{dual.vip}:80", ipv4(dual), 8080)

    configure(dual, web, "[host]\nblock_imds = false\n")
    assert dual.rs(1).ask_http("169.254.169.254", 80).client == dual.rs(1).address
    configure(dual, web)

    with pytest.raises(TimeoutError):
        dual.rs(1).ask_http("169.254.169.254", 80, timeout=1)
    assert dual.director.ask_http("169.254.169.254", 80).server == "vpc"
    lvsnat(dual, "plan", "--exit-code")  # Packets were counted, which is no difference.


def gateway_of(net: Network) -> str:
    """The director's own default gateway: the router of the cloud."""
    routes = json.loads(net.director.run("ip", "-json", "route", "show", "default").stdout)
    return str(routes[0]["gateway"])


def test_a_rule_removed_by_hand_is_shown_and_comes_back(dual: Network) -> None:
    for rs in dual.servers:
        rs.serve_tcp(8001)
    configure(dual, service(f"tcp/{dual.vip}:8000-8010", ipv4(dual), 0))
    dual.director.run("nft", "flush", "chain", "inet", "lvsnat", "prerouting")
    with pytest.raises(ConnectionRefusedError):
        dual.client.ask_tcp(dual.vip, 8001)

    drift = lvsnat(dual, "plan", "--exit-code", code=3).stdout
    lvsnat(dual, "apply")

    assert "~ nft table inet lvsnat  prerouting none → ip daddr 192.168.1.50" in drift
    assert dual.client.ask_tcp(dual.vip, 8001).client == dual.client.address


def test_a_table_of_somebody_else_is_taken_over_only_when_told(dual: Network) -> None:
    dual.director.run("nft", "add table inet lvsnat; add chain inet lvsnat theirs")
    add = ("service", "add", "web", f"tcp/{dual.vip}:80-81")

    refused = lvsnat(dual, *add, code=4)
    assert "theirs" in dual.director.run("nft", "list", "ruleset").stdout
    lvsnat(dual, *add, "--adopt")

    assert "nft table inet lvsnat" in refused.stderr
    assert "theirs" not in dual.director.run("nft", "list", "ruleset").stdout


@pytest.mark.parametrize(
    "rules",
    [
        "iptables -P FORWARD DROP",
        (
            "iptables -P FORWARD DROP; iptables -A FORWARD -m conntrack --ctstate"
            " RELATED,ESTABLISHED -j ACCEPT"
        ),
        (
            "nft 'add table inet fw; add chain inet fw f { type filter hook forward priority 0; };"
            " add rule inet fw f ct state invalid drop'"
        ),
    ],
    ids=["docker", "stateful", "invalid"],
)
def test_a_firewall_that_drops_replies_is_named_and_the_remedy_works(
    dual: Network, rules: str
) -> None:
    for rs in dual.servers:
        rs.serve_tcp(8080)
    dual.director.run("sh", "-c", rules)
    configure(dual, service(f"tcp/{dual.vip}:80", ipv4(dual), 8080))
    with pytest.raises(TimeoutError):
        dual.client.ask_tcp(dual.vip, 80, timeout=1)

    said = lvsnat(dual, "plan").stderr
    dual.director.run("sh", "-c", said.partition("pass: ")[2].strip())

    assert said.startswith("warning: the nft chain")
    assert dual.client.ask_tcp(dual.vip, 80).client == dual.client.address
    assert lvsnat(dual, "plan").stderr == ""


def test_with_conntrack_a_stateful_firewall_is_no_reason_to_warn(dual: Network) -> None:
    dual.rs(1).serve_tcp(8080)
    rule = "iptables -A FORWARD -m conntrack --ctstate RELATED,ESTABLISHED -j ACCEPT"
    dual.director.run("sh", "-c", f"iptables -P FORWARD DROP; {rule}")

    configure(dual, service(f"tcp/{dual.vip}:80", ipv4(dual)[:1], 8080))
    conntrack(dual, 1)

    assert dual.client.ask_tcp(dual.vip, 80).client == dual.client.address
    assert lvsnat(dual, "plan").stderr == ""


def test_timeouts_are_set_and_put_back(dual: Network) -> None:
    web = service(f"tcp/{dual.vip}:80", ipv4(dual), 8080)
    ipvsadm(dual, "--set", "800", "100", "200")

    configure(dual, web, '[ipvs]\ntimeouts = { tcp = "15m", udp = 7 }\n')
    assert ipvsadm(dual, "-L", "--timeout") == ["Timeout (tcp tcpfin udp): 900 100 7"]
    configure(dual, web, "[ipvs]\ntimeouts = { udp = 9 }\n")
    assert ipvsadm(dual, "-L", "--timeout") == ["Timeout (tcp tcpfin udp): 800 100 9"]
    ipvsadm(dual, "--set", "0", "0", "30")

    drift = lvsnat(dual, "plan", "--exit-code", code=3).stdout
    lvsnat(dual, "apply")
    assert ipvsadm(dual, "-L", "--timeout") == ["Timeout (tcp tcpfin udp): 800 100 9"]
    lvsnat(dual, "service", "remove", "many", "--force")

    assert "~ timeout udp  seconds 30 → 9" in drift
    assert ipvsadm(dual, "-L", "--timeout") == ["Timeout (tcp tcpfin udp): 800 100 200"]
