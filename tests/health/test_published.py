"""What a daemon knows, as a text."""

from __future__ import annotations

import json
from dataclasses import replace

import pytest
from healthy import BAD, GOOD, MAINTENANCE, NOW, configs
from hypothesis import given
from hypothesis import strategies as st

from lvsnat.health import published
from lvsnat.health.outcome import Memory, ServerHealth, ServiceHealth, ServiceMemory
from lvsnat.health.published import Published
from lvsnat.health.targets import watched
from lvsnat.health.track import Track
from lvsnat.health.values import Target
from lvsnat.model.config import Config
from lvsnat.model.endpoint import Endpoint, parse_address, parse_listener
from lvsnat.model.health import CheckType, HealthCheck
from lvsnat.model.override import Override, Reason
from lvsnat.model.status import HealthState

FULL = HealthCheck(
    CheckType.HTTPS,
    '/\u00e9\n"',
    expect=((200, 204), (301, 301)),
    command=("/bin/true", "{address}"),
    source=parse_address("2001:db8::1"),
    fast_interval=0.1,
)


def test_all_that_is_known_is_read_back() -> None:
    track = Track()
    for at, answer in enumerate([GOOD, BAD, BAD, BAD, MAINTENANCE, replace(GOOD, share=50)]):
        track = track.after(answer, FULL, 60, NOW + at / 3)
    target = Target(parse_address("2001:db8::55"), 443, FULL)
    place = Endpoint.parse("[2001:db8::55]:443")
    memory = ServiceMemory(lost=True, since=NOW, out=frozenset({place}), warming={place: NOW + 0.1})

    whole = Published(
        NOW + 0.25,
        {target: track, replace(target, port=0): Track()},
        Memory({"web": memory}),
        problems=("lvsnat.toml:3: no such key",),
        pid=77,
        started=NOW,
        in_force="# broken since\n",
    )

    assert published.parse(published.render(whole)) == whole


@pytest.mark.parametrize("listen", ["tcp/10.0.0.1:80", "tcp/10.0.0.1:80,90-99", "fwmark/7/ipv6"])
def test_what_haproxy_says_is_read_back(listen: str) -> None:
    server = ServerHealth(
        Endpoint.parse("10.1.0.1:80"),
        HealthState.DOWN,
        None,
        3,
        override=Override(Reason.DISABLED, NOW),
        targets=(Target(parse_address("10.1.0.1"), 80, FULL),),
    )
    service = ServiceHealth("web", parse_listener(listen), 0, 1, servers=(server,))
    whole = Published(NOW, elsewhere=(service,))

    assert published.parse(published.render(whole)) == whole


@given(st.text() | st.recursive(st.none(), st.lists).map(json.dumps))
def test_another_text_is_refused_and_nothing_else_happens(text: str) -> None:
    with pytest.raises(ValueError, match=r"."):
        published.parse(text)


def test_another_version_and_a_check_that_is_not_there_are_refused() -> None:
    target = Target(parse_address("10.1.0.1"), 80, FULL)
    document = json.loads(published.render(Published(NOW, {target: Track()})))

    with pytest.raises(ValueError, match="version 2"):
        published.parse(json.dumps({**document, "version": 2}))
    with pytest.raises(ValueError, match="no check 0"):
        published.parse(json.dumps({**document, "checks": []}))


@given(configs())
def test_targets_are_asked_once_for_all_services(config: Config) -> None:
    several = [t for one in watched(config) for targets in one.targets for t in targets]

    known = Published(NOW, dict.fromkeys(several, Track()))

    assert len(published.parse(published.render(known)).tracks) == len(set(several))
