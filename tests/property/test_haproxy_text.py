"""Laws of haproxy.cfg's text: what is written is read back, and nothing that was edited is lost."""

from __future__ import annotations

from pathlib import Path
from random import Random

from hypothesis import HealthCheck, assume, given, settings
from hypothesis import strategies as st
from proxied import configs

from lvsnat.haproxy.mapping import expand
from lvsnat.haproxy.resources import ProxiedServer
from lvsnat.haproxy.text import HEADER, HaproxyResource, digest, read, render
from lvsnat.model.config import Config
from lvsnat.model.resource import state_of
from lvsnat.model.rules import violations

RUN = Path("/run/lvsnat/haproxy")
DEEP = settings(max_examples=25, suppress_health_check=list(HealthCheck))


def resources(config: Config) -> list[HaproxyResource]:
    return list(expand(config, RUN))


@DEEP
@given(configs())
def test_what_is_tried_here_breaks_no_rule(config: Config) -> None:
    assert list(violations(config)) == []


@DEEP
@given(configs())
def test_what_is_written_is_read_back(config: Config) -> None:
    written = resources(config)

    assert state_of(read(render(written))) == state_of(written)


@DEEP
@given(configs())
def test_what_is_not_compared_is_read_back_as_well(config: Config) -> None:
    written = state_of(resources(config))

    for key, back in state_of(read(render(written.values()))).items():
        before = written[key]
        assert getattr(back, "service", None) == getattr(before, "service", None)
        assert getattr(back, "wish", None) == getattr(before, "wish", None)


@DEEP
@given(configs(), st.randoms(use_true_random=False))
def test_the_text_does_not_depend_on_the_order(config: Config, chance: Random) -> None:
    written = resources(config)
    mixed = chance.sample(written, len(written))

    assert render(mixed) == render(written)


@DEEP
@given(configs(), st.integers(0, 256))
def test_weights_leave_the_digest_alone(config: Config, weight: int) -> None:
    written = resources(config)
    other = [one.with_weight(weight) if isinstance(one, ProxiedServer) else one for one in written]

    assert digest(render(other)) == digest(render(written))
    assert f"description lvsnat {digest(render(written))}\n" in render(written)


@DEEP
@given(configs(), st.data())
def test_a_line_that_was_edited_is_a_difference(config: Config, data: st.DataObject) -> None:
    lines = render(resources(config)).removeprefix(HEADER).split("\n")
    at = data.draw(st.integers(0, len(lines) - 1))
    line = lines[at]
    assume(line.strip() and not line.strip().startswith("description lvsnat "))
    edited = data.draw(st.sampled_from(["", f"{line} x", f"#{line}", f"{line}\n{line}"]))

    after = HEADER + "\n".join([*lines[:at], edited, *lines[at + 1 :]])

    assert state_of(read(after)) != state_of(resources(config))


@DEEP
@given(st.text() | st.binary().map(lambda data: data.decode("utf-8", "surrogateescape")))
def test_any_text_can_be_read(text: str) -> None:
    state_of(read(text))
    digest(text)


@DEEP
@given(configs(), st.integers(0), st.integers(0), st.text(max_size=20))
def test_a_damaged_file_can_be_read(config: Config, one: int, other: int, put: str) -> None:
    text = render(resources(config))
    start, end = sorted((one % len(text), other % len(text)))
    damaged = text[:start] + put + text[end:]

    state_of(read(damaged))
    digest(damaged)
