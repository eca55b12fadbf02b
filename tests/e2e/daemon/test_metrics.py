"""The metrics of a daemon at work, asked for on the director itself."""

from __future__ import annotations

from collections.abc import Mapping
from math import nan

import pytest
from daemon.scrapes import Labels, samples
from e2e.daemon.watching import CHECK, eventually, service, takes_at_most, watched
from labkit.load import short_connections
from labkit.topology import Network

pytestmark = pytest.mark.e2e

PLACE = "127.0.0.1:9101"
SETTINGS = f'\n[daemon]\ninterval = "500ms"\nmetrics = "{PLACE}"\n'
ASK = f"import urllib.request as r; print(r.urlopen('http://{PLACE}/metrics').read().decode())"
WEB = ("service", "web")


def seen(net: Network) -> Mapping[str, Mapping[Labels, float]]:
    return samples(net.director.run("python3", "-c", ASK).stdout)


def value(net: Network, name: str, *labels: tuple[str, str]) -> float:
    """One number; nan before it is told for the first time."""
    return seen(net).get(name, {}).get(labels, nan)


def test_what_fails_and_what_passes_is_seen_by_who_asks(dual: Network) -> None:
    first, _ = (one.serve_tcp(8080) for one in dual.servers)
    with watched(dual, service(dual, f"check = {CHECK}\nquorum = 2") + SETTINGS) as daemon:
        eventually(lambda: value(dual, "lvsnat_service_servers", WEB, ("state", "up")) == 2)
        with short_connections(dual.client, dual.vip, 80) as load:
            eventually(lambda: value(dual, "lvsnat_service_connections_total", WEB) > 5)
        assert load.report.failures == {}

        first.stop()
        eventually(lambda: value(dual, "lvsnat_service_quorum_lost", WEB) == 1)

        told = seen(dual)
        assert told["lvsnat_service_servers"][WEB, ("state", "down")] == 1
        server = ("server", f"{dual.servers[0].address}:8080")
        assert told["lvsnat_server_up"][server, WEB] == 0
        assert told["lvsnat_server_weight"][server, WEB] == 0
        down = (("concern", "server"), WEB, ("to", "down"))
        assert told["lvsnat_health_transitions_total"][down] == 1
        assert told["lvsnat_checks_total"][("result", "failure"), ("type", "tcp")] >= 1
        assert told["lvsnat_apply_duration_seconds_count"][()] >= 1
        assert told["lvsnat_config_last_reload_successful"][()] == 1
        assert told["lvsnat_drift_resources"][()] == 0
        takes_at_most(5, daemon.restart)
