from __future__ import annotations

import pytest

from lvsnat.config.parse import parse_config
from lvsnat.haproxy.cautions import cautions
from lvsnat.model.service import Scheduler


def told(listen: str = "tcp/192.168.1.50:80", **keys: str) -> str:
    """What is said of one service, in the mode lvs-nat."""
    text = "".join(f"{key} = {value}\n" for key, value in {"scheduler": '"rr"', **keys}.items())
    config = parse_config(f'[[service]]\nname = "web"\nlisten = "{listen}"\n{text}', "x")
    return "\n".join(map(str, cautions(config)))


def test_of_what_is_exact_nothing_is_said() -> None:
    assert told(servers='[{ address = "192.168.2.55:80", weight = 9 }]', check='"tcp"') == ""


def test_of_what_haproxy_never_serves_nothing_is_said() -> None:
    assert told("udp/192.168.1.50:53", scheduler='"sed"', persistence="60") == ""


@pytest.mark.parametrize("scheduler", set(Scheduler) - {Scheduler.RR, Scheduler.WRR})
def test_every_scheduler_that_is_another_one_is_named(scheduler: Scheduler) -> None:
    assert (
        f"web: the scheduler {scheduler} is HAProxy's 'balance" in told(scheduler=f'"{scheduler}"')
        or scheduler is Scheduler.FO
    )


@pytest.mark.parametrize(
    ("key", "value", "sentence"),
    [
        ("scheduler", '"sh"', "IPVS refuses them"),
        ("scheduler", '"fo"', "backups in the order of their weights"),
        ("persistence", "300", "not carried over"),
        ("persistence", '"720h"', "forgotten after 24 days"),
        ("sorry", '"192.168.2.99:80"', "HAProxy makes no check that tells"),
    ],
)
def test_what_is_not_exact_is_said(key: str, value: str, sentence: str) -> None:
    assert sentence in told(**{key: value})


def test_thresholds_and_large_weights_are_named() -> None:
    servers = '[{ address = "192.168.2.55:80", weight = 300, upper = 9, lower = 5 }]'

    said = told(scheduler='"wrr"', servers=servers)

    assert "makes connections wait" in said
    assert "lower thresholds have no effect" in said
    assert "scaled down to 256" in said


def test_the_fallback_that_haproxy_always_has_is_no_caution_where_it_is_wished() -> None:
    assert "IPVS refuses" not in told(scheduler='"mh"', flags='["mh-fallback"]')


def test_what_haproxy_decides_about_each_server_alone_is_named() -> None:
    said = told(check='"http:/up"', quorum="2")

    assert said.startswith("web: HAProxy makes the check http:/up, and acts on each server alone")
    assert told(check='"ping"', quorum="2") == ""
    assert told(check='"tcp"', on_fail='"remove"', warmup='"30s"') == ""
