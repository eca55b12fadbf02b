"""Starting at boot: what is done to a host, decided from what is there."""

from __future__ import annotations

from pathlib import Path

import pytest

from lvsnat.director import units
from lvsnat.director.install import (
    Place,
    Remove,
    Seen,
    Step,
    Systemctl,
    Work,
    Write,
    carry_out,
    installing,
    look,
    uninstalling,
)
from lvsnat.director.units import ProxyService, Service
from lvsnat.errors import ExitCode, LvsnatError, PartlyAppliedError
from lvsnat.haproxy.process import Files

SERVICE = Service(("/usr/bin/lvsnat",))
FILES = Files(Path("/var/lib/lvsnat/haproxy/haproxy.cfg"), Path("/run/lvsnat/haproxy"))
HAPROXY = ProxyService(FILES)
UNIT, DAEMON, PROXY = SERVICE.render(), SERVICE.render_daemon(), HAPROXY.render()
STARTER = units.starter()
OLDER = Service(("/opt/lvsnat",)).render()
CHANGED = f"{UNIT}# mine\n"
PLACE = Place.below(Path("/"), Path("/etc/lvsnat/lvsnat.toml"))
RELOAD = Systemctl(("daemon-reload",))
HOW_TO_WATCH = (
    "'systemctl enable --now lvsnat-daemon.service' has servers checked and drift repaired, now"
    " and from boot on"
)
ENABLE = Systemctl(("enable", "lvsnat.service"))
DISABLE = Systemctl(("disable", "lvsnat.service"))
STOP = Systemctl(("disable", "--now", "lvsnat.service"))


def seen(
    unit: str | None = UNIT,
    daemon: str | None = DAEMON,
    proxy: str | None = PROXY,
    config: str | None = STARTER,
    *,
    daemon_enabled: bool = True,
) -> Seen:
    """A host where all is installed, but for what is said."""
    return Seen(unit, daemon, proxy, config, enabled=True, daemon_enabled=daemon_enabled)


def test_on_a_new_host_all_files_are_written_and_the_unit_is_enabled() -> None:
    assert installing(PLACE, Seen(), SERVICE, HAPROXY) == Work(
        (
            Write(PLACE.unit, UNIT, new=True),
            Write(PLACE.daemon, DAEMON, new=True),
            Write(PLACE.proxy, PROXY, new=True),
            RELOAD,
            Write(PLACE.config, STARTER, new=True),
            ENABLE,
        ),
        (HOW_TO_WATCH,),
    )


@pytest.mark.parametrize("config", [STARTER, "mode = 'lvs-nat'"])
def test_where_all_is_done_there_is_nothing_to_do(config: str) -> None:
    assert installing(PLACE, seen(config=config), SERVICE, HAPROXY) == Work((), ())


def test_the_unit_of_an_earlier_version_is_replaced() -> None:
    work = installing(PLACE, seen(unit=OLDER), SERVICE, HAPROXY)

    assert work.steps == (Write(PLACE.unit, UNIT, new=False), RELOAD)


def test_a_unit_of_haproxy_that_was_not_there_yet_is_added() -> None:
    work = installing(PLACE, seen(proxy=None), SERVICE, HAPROXY)

    assert work.steps == (Write(PLACE.proxy, PROXY, new=True), RELOAD)


def test_a_unit_of_the_daemon_that_was_not_there_yet_is_added_and_not_enabled() -> None:
    work = installing(PLACE, seen(daemon=None, daemon_enabled=False), SERVICE, HAPROXY)

    assert work == Work((Write(PLACE.daemon, DAEMON, new=True), RELOAD), (HOW_TO_WATCH,))


def test_a_unit_that_somebody_changed_is_kept_with_a_note() -> None:
    found = seen(unit=CHANGED)

    for work in (installing(PLACE, found, SERVICE, HAPROXY), uninstalling(PLACE, found)):
        assert not {PLACE.unit} & {getattr(step, "path", None) for step in work.steps}
        assert f"{PLACE.unit} was changed by hand and is kept" in work.notes[0]


def test_without_systemd_the_files_are_written_and_a_note_says_the_rest() -> None:
    work = installing(PLACE, Seen(systemd=False), SERVICE, HAPROXY)

    assert {type(step) for step in work.steps} == {Write}
    assert "systemctl enable lvsnat.service" in work.notes[0]
    assert "lvsnat apply --boot" in work.notes[0]


def test_uninstalling_undoes_installing() -> None:
    work = uninstalling(PLACE, seen())

    assert work.steps == (
        Systemctl(("disable", "--now", "lvsnat-daemon.service")),
        STOP,
        Remove(PLACE.unit),
        Remove(PLACE.daemon),
        Remove(PLACE.proxy),
        RELOAD,
        Remove(PLACE.config),
    )


def test_a_configuration_that_says_something_is_kept() -> None:
    work = uninstalling(PLACE, Seen(OLDER, None, None, "mode = 'lvs-nat'", enabled=True))

    assert work.steps == (STOP, Remove(PLACE.unit), RELOAD)
    assert f"{PLACE.config} is kept" in work.notes[0]


def test_a_changed_unit_does_not_start_at_boot_any_more() -> None:
    found = Seen(CHANGED, None, PROXY, STARTER, enabled=True)

    assert uninstalling(PLACE, found).steps == (
        DISABLE,
        Remove(PLACE.proxy),
        RELOAD,
        Remove(PLACE.config),
    )


def test_where_nothing_is_installed_there_is_nothing_to_undo() -> None:
    assert uninstalling(PLACE, Seen()) == Work((), ())


def done(steps: tuple[Step, ...]) -> list[str]:
    said: list[str] = []
    carry_out(steps, lambda step: said.append(step.describe()))
    return said


def test_files_come_and_go_without_a_trace(tmp_path: Path) -> None:
    place = Place.below(tmp_path, Path("/etc/lvsnat/lvsnat.toml"))

    said = done(installing(place, look(place, tmp_path), SERVICE, HAPROXY).steps)

    assert said == [
        f"create {path}" for path in (place.unit, place.daemon, place.proxy, place.config)
    ]
    assert look(place, tmp_path) == Seen(UNIT, DAEMON, PROXY, STARTER, systemd=False)

    done(uninstalling(place, look(place, tmp_path)).steps)

    assert look(place, tmp_path) == Seen(systemd=False)
    assert not place.config.parent.exists()


def test_a_first_step_that_fails_leaves_nothing_behind(tmp_path: Path) -> None:
    (tmp_path / "file").touch()

    with pytest.raises(LvsnatError, match="cannot write") as caught:
        done((Write(tmp_path / "file" / "unit", "", new=True), RELOAD))

    assert caught.value.code is ExitCode.FAILED


def test_a_later_step_that_fails_is_a_part_that_is_done(tmp_path: Path) -> None:
    (tmp_path / "file").touch()
    good, bad = (Write(tmp_path / name, "", new=True) for name in ("unit", "file/unit"))

    with pytest.raises(PartlyAppliedError, match="1 of 2 steps were done") as caught:
        done((good, bad))

    assert "the same command finishes it" in (caught.value.hint or "")
    assert good.path.exists()
