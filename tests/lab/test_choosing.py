"""Which kernel is taken, what it needs, and what of the outside a command inside gets to know."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import pytest
from labkit import packages, qemu, uml
from labkit.debian import version_key
from labkit.errors import LabError
from labkit.job import Job, Output, environment
from labkit.processor import idle_times
from labkit.providers import Machine, Provider, choose, kvm_works


def test_a_kernel_that_is_there_is_preferred() -> None:
    machine = Machine(root=True, ip_vs=True, architecture="x86_64", gcc=True)

    assert choose(machine) is Provider.HOST


def test_an_ordinary_user_gets_user_mode_linux() -> None:
    machine = Machine(root=False, ip_vs=True, architecture="x86_64", gcc=True)

    assert choose(machine) is Provider.UML


def test_without_a_debian_archive_root_is_asked_for_the_running_kernel() -> None:
    ubuntu = Machine(
        root=False, ip_vs=True, architecture="x86_64", gcc=True, archive=False, sudo=True
    )

    assert choose(ubuntu) is Provider.HOST
    assert choose(replace(ubuntu, sudo=False)) is Provider.UML
    assert choose(replace(ubuntu, ip_vs=False)) is Provider.UML


@pytest.mark.parametrize(("architecture", "gcc"), [("aarch64", True), ("x86_64", False)])
def test_what_can_not_build_emulates(architecture: str, gcc: bool) -> None:  # noqa: FBT001
    machine = Machine(root=True, ip_vs=False, architecture=architecture, gcc=gcc)

    assert choose(machine) is Provider.QEMU


@pytest.mark.parametrize(
    ("flags", "works"), [("fpu vmx sse", True), ("svm", True), ("fpu vmx_x", False), ("", False)]
)
def test_kvm_is_judged_by_the_processors_flags(flags: str, works: bool) -> None:  # noqa: FBT001
    assert kvm_works(f"processor\t: 0\nflags\t\t: {flags}\n") is works


@pytest.mark.parametrize("provider", list(Provider))
def test_every_kernel_names_its_packages(provider: Provider) -> None:
    named = packages.packages(provider)

    assert named == sorted(named)
    assert {"iproute2", "ipvsadm", "nftables"} <= set(named)


def test_a_missing_package_is_told_by_its_file() -> None:
    wanted = {"there": "sh", "lost": "no-such-program", "header": "/no/such/header.h"}

    assert packages.missing(wanted) == ["header", "lost"]


def test_a_stock_kernel_without_its_first_program_is_fetched_anew(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    monkeypatch.setenv("LVSNAT_CACHE_DIR", str(tmp_path))
    monkeypatch.setenv("LVSNAT_DEBIAN_SUITE", "stable")
    for version, program in (("1", "bin/busybox"), ("2", "bin/other")):
        for name in ("boot/vmlinuz-6.1", program):
            path = tmp_path / f"qemu-stable-{version}" / name
            path.parent.mkdir(parents=True)
            path.touch()

    found = qemu.kernel()

    assert found is not None
    assert found.folder.name == "qemu-stable-1"


def test_newer_means_greater_numbers_not_later_letters() -> None:
    names = ["linux-source-7.10", "linux-source-7.9", "linux-source-6.12"]

    assert max(names, key=version_key) == "linux-source-7.10"


@pytest.mark.parametrize(("text", "size"), [("2G", 2 << 30), ("512m", 512 << 20)])
def test_memory_sizes_are_read(text: str, size: int) -> None:
    assert uml.bytes_of(text) == size


@pytest.mark.parametrize("text", ["", "2", "G", "-1G", "2GB"])
def test_other_memory_sizes_are_refused(text: str) -> None:
    with pytest.raises(LabError, match="memory size"):
        uml.bytes_of(text)


def test_idle_time_is_read_for_each_processor() -> None:
    stat = "cpu  9 9 9 9 9\ncpu0 1 0 1 100 20 0\ncpu1 1 0 1 50 5 0\nintr 5\n"

    assert idle_times(stat) == {0: 120, 1: 55}


def test_only_chosen_variables_get_in(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("AWS_SECRET_ACCESS_KEY", "secret")
    monkeypatch.setenv("PYTHONHOME", "/elsewhere")
    monkeypatch.setenv("PYTEST_ADDOPTS", "-q")

    chosen = environment(Provider.UML, "/results")

    assert chosen["PYTEST_ADDOPTS"] == "-q"
    assert chosen["LVSNAT_LAB_KERNEL"] == "uml"
    assert chosen["LVSNAT_RESULTS"] == "/results"
    assert not {"AWS_SECRET_ACCESS_KEY", "PYTHONHOME"} & set(chosen)


def test_the_projects_environment_is_first_on_the_path(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    (tmp_path / "bin").mkdir()
    (tmp_path / "bin/python").touch(mode=0o755)
    monkeypatch.setenv("LVSNAT_VENV", str(tmp_path))

    chosen = environment(Provider.UML, "/results")

    assert chosen["PATH"].split(":")[0] == str(tmp_path / "bin")
    assert chosen["VIRTUAL_ENV"] == str(tmp_path)


def test_a_job_is_read_as_it_was_written(tmp_path: Path) -> None:
    job = Job(
        provider=Provider.QEMU,
        command=("echo", "a b", "ü"),
        environment={"LANG": "C.UTF-8"},
        folder="/",
        control=str(tmp_path),
        results=str(tmp_path / "results"),
        output=Output.FILES,
    )

    job.write()

    assert Job.read(str(tmp_path)) == job


def test_every_wanted_kernel_option_is_asked_for_once() -> None:
    lines = [line for line in uml.FRAGMENT.read_text().splitlines() if line.startswith("CONFIG_")]

    assert len(lines) == len(set(lines))
    assert "CONFIG_IP_VS=y" in lines
