"""Others who make what lvsnat makes: programs, files, what was there before. No I/O here."""

from __future__ import annotations

from collections.abc import Iterator

from lvsnat.doctor.beside import Listens
from lvsnat.doctor.facts import Facts
from lvsnat.doctor.finding import Finding, Severity
from lvsnat.doctor.names import Code
from lvsnat.doctor.rules.services import name_of
from lvsnat.model.endpoint import MarkListener
from lvsnat.model.proxied import ipvs_services
from lvsnat.model.service import VirtualService
from lvsnat.model.status import Sync


def findings(facts: Facts) -> Iterator[Finding]:
    if facts.config is None:
        return
    if facts.host is not None:
        for rival in facts.host.rivals:
            program = rival.program
            for service in ipvs_services(facts.config):
                if _has(rival.listens, service):
                    yield Finding(
                        Code.RIVAL,
                        Severity.RISK,
                        f"{service.name} {service.listen}",
                        f"{program.name} (process {program.pid}, {program.config}) has it, too",
                        "one program that writes it",
                        "each undoes what the other does",
                        f"take it out of {program.config} and reload {program.name}, then 'lvsnat"
                        " apply --adopt'",
                        scope=(service.name,),
                    )
        if facts.host.restoring is not None and ipvs_services(facts.config):
            yield _restoring(facts.host.restoring)
    for one in () if facts.status is None else facts.status.services:
        if one.sync is Sync.UNMANAGED and one.wanted is not None:
            yield Finding(
                Code.MADE_BY_OTHERS,
                Severity.RISK,
                f"{name_of(one)} {one.listen}",
                "in the kernel, and not made by lvsnat",
                "made by lvsnat",
                "lvsnat leaves it as it is, whatever the configuration says",
                "'lvsnat apply --adopt' takes it over: it is then as the configuration says",
                scope=(name_of(one),),
            )


def _has(listens: Listens, service: VirtualService) -> bool:
    listen = service.listen
    if isinstance(listen, MarkListener):
        return listen.mark in listens.marks
    return any(
        place.address == listen.address
        and any(ports.first <= place.port <= ports.last for ports in listen.ports)
        for place in listens.places
    )


def _restoring(path: str) -> Finding:
    debian = "/default/" in path
    return Finding(
        Code.RESTORE_AT_BOOT,
        Severity.RISK,
        path,
        'AUTO="true"' if debian else "a table, and ipvsadm.service is enabled",
        "one program that fills the table at boot",
        "ipvsadm empties the table and fills it with what was saved once",
        f"'sed -i s/^AUTO=.*/AUTO=false/ {path}'" if debian else "'systemctl disable ipvsadm'",
    )
