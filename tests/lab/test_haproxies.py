"""What HAProxy itself says of the files that are written, in every version that Debian offers.

`pytest -m lab` runs this outside a lab: it needs Debian's archive once, and no root.
"""

from __future__ import annotations

from pathlib import Path

import pytest
from hypothesis import HealthCheck, Phase, given, settings
from hypothesis import strategies as st
from labkit.haproxies import SUITES, Haproxy, haproxies
from proxied import configs, everything

from lvsnat.haproxy.carryover import NOTHING
from lvsnat.haproxy.export import export_text
from lvsnat.haproxy.mapping import expand
from lvsnat.haproxy.process import Files
from lvsnat.haproxy.text import render
from lvsnat.model import phase
from lvsnat.model.config import Config
from lvsnat.model.service import VirtualService

pytestmark = [pytest.mark.lab, pytest.mark.timeout(1800)]

FEW = settings(
    max_examples=8,
    deadline=None,
    derandomize=True,
    # What fails is one line in a file of many services, and is named by HAProxy.
    phases=[Phase.explicit, Phase.generate],
    suppress_health_check=list(HealthCheck),
)


@pytest.fixture(scope="module")
def versions() -> list[Haproxy]:
    return haproxies()


@pytest.fixture(scope="module")
def run(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The directory of the sockets, beside what a process that is reloaded reads."""
    place = tmp_path_factory.mktemp("run") / "haproxy"
    Files(place, place).server_states.write_text(NOTHING)
    return place


def complaints(versions: list[Haproxy], file: Path, text: str) -> dict[str, str]:
    file.write_text(text, encoding="utf-8")
    said = {one.version: one.judge(file) for one in versions}
    return {version: words for version, words in said.items() if words}


def test_the_versions_are_several_and_from_2_6_on(versions: list[Haproxy]) -> None:
    releases = {tuple(map(int, one.version.split(".")[:2])) for one in versions}

    assert len(versions) == len(SUITES)
    # That of experimental becomes sid's one day.
    assert len(releases) >= len(SUITES) - 1
    assert min(releases) == (2, 6)


def test_a_file_that_is_wrong_is_complained_of(versions: list[Haproxy], tmp_path: Path) -> None:
    wrong = "defaults\n    mode tcp\nfrontend web\n    bind 127.0.0.1:80\n    nonsense\n"

    said = complaints(versions, tmp_path / "haproxy.cfg", wrong)

    assert len(said) == len(versions)
    assert all("nonsense" in words for words in said.values())


def test_a_warning_counts(versions: list[Haproxy], tmp_path: Path) -> None:
    no_timeouts = "frontend web\n    mode tcp\n    bind 127.0.0.1:80\n"

    assert len(complaints(versions, tmp_path / "haproxy.cfg", no_timeouts)) == len(versions)


@pytest.mark.parametrize("step", [one for one in phase.Phase if one.proxy])
def test_every_kind_of_service_passes_without_a_warning(
    versions: list[Haproxy], tmp_path: Path, run: Path, step: phase.Phase
) -> None:
    text = render(expand(everything(step), run))

    assert complaints(versions, tmp_path / "haproxy.cfg", text) == {}


def test_what_is_exported_passes_without_a_warning(versions: list[Haproxy], tmp_path: Path) -> None:
    text = export_text(everything(phase.Phase.LVS_NAT))

    assert complaints(versions, tmp_path / "haproxy.cfg", text) == {}


def test_services_without_servers_pass_without_a_warning(
    versions: list[Haproxy], tmp_path: Path, run: Path
) -> None:
    config = everything(phase.Phase.HAPROXY_TPROXY)
    bare = tuple(VirtualService(one.name, one.listen, one.scheduler) for one in config.services)

    text = render(expand(config.with_services(bare), run))

    assert complaints(versions, tmp_path / "haproxy.cfg", text) == {}


@FEW
@given(data=st.data())
def test_any_configuration_passes_without_a_warning(
    versions: list[Haproxy],
    tmp_path_factory: pytest.TempPathFactory,
    run: Path,
    data: st.DataObject,
) -> None:
    config: Config = data.draw(configs(services=20))

    text = render(expand(config, run))

    folder = tmp_path_factory.mktemp("any")
    assert complaints(versions, folder / "haproxy.cfg", text) == {}
