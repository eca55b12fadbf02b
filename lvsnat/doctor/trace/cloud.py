"""What a VPC's route tables do with a real server's reply. No I/O here."""

from __future__ import annotations

from typing import Final

from lvsnat.doctor.names import Code
from lvsnat.doctor.trace.leg import Leg
from lvsnat.doctor.trace.step import Place, Step, Verdict
from lvsnat.doctor.vpc import WayBack
from lvsnat.model.aws import Layout

_WHY: Final = "the reply does not come to this host, and the client waits"
_REMEDY: Final = "'lvsnat aws plan' shows what is to be changed"


def vpc(leg: Leg) -> Step | None:
    """The route for the client in the server's table; None where this is no VPC."""
    known = leg.journey.facts.vpc
    if known is None or known.scene is None:
        return None
    server = leg.endpoint.address
    if leg.journey.is_local:
        return _fine("HAProxy asks it from an address of this host")
    if known.scene.around.layout is Layout.SINGLE_SUBNET or known.beside(server, leg.client):
        return _fine("within one subnet no route table is asked")
    way = known.way_back(server, leg.client)
    if way is None:
        return Step(Place.VPC, Verdict.UNKNOWN, f"the route table of {server} is not known")
    return _by_table(leg, way)


def _fine(seen: str) -> Step:
    return Step(Place.VPC, Verdict.OK, seen)


def _by_table(leg: Leg, way: WayBack) -> Step:
    if way.here and not way.blackhole:
        return _fine(f"{way.table} sends what is for {way.network} to this host: {way.target}")
    if way.network is None:
        seen, code = f"{way.table} has no route for {leg.client}", Code.ROUTE_MISSING
    elif way.blackhole:
        seen = f"{way.table} sends what is for {way.network} to {way.target}, which is gone"
        code = Code.ROUTE_BLACKHOLE
    else:
        seen = f"{way.table} sends what is for {way.network} to {way.target}"
        code = Code.CLIENT_LOCAL if way.target == "local" else Code.CLIENT_BYPASS
    return Step(Place.VPC, Verdict.FAILS, seen, _WHY, _REMEDY, code)
