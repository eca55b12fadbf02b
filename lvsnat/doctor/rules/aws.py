"""The VPC around the director. No I/O here.

What ``lvsnat aws verify`` says is in ``verified``, whom a route leads away in ``astray``: both are
loaded only where there is a VPC.
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import TYPE_CHECKING, Final

from lvsnat.doctor.facts import Facts, Sample
from lvsnat.doctor.finding import Finding, Severity
from lvsnat.doctor.names import Code
from lvsnat.doctor.vpc import VpcFacts
from lvsnat.doctor.vpc_words import WHY
from lvsnat.model.aws import Layout

if TYPE_CHECKING:
    from lvsnat.aws.wishes import Scene

_TRACKED: Final = "conntrack_allowance_exceeded"


def findings(facts: Facts) -> Iterator[Finding]:
    yield from _allowances(facts)
    if facts.vpc is not None:
        yield from _silent(facts, facts.vpc)
        yield from _unclear(facts.vpc)
        if facts.vpc.scene is not None:
            yield from _seen(facts.vpc.scene, facts.vpc)


def _seen(scene: Scene, vpc: VpcFacts) -> Iterator[Finding]:
    from lvsnat.doctor.rules import astray, verified

    yield from verified.findings(scene)
    yield from _managed(scene, vpc)
    if scene.around.layout is Layout.DUAL_SUBNET:
        yield from astray.findings(scene, vpc.clients)


def _allowances(facts: Facts) -> Iterator[Finding]:
    """What EC2 has dropped meanwhile; how much it ever has says nothing of now."""
    if facts.samples is None:
        return
    first, second = facts.samples
    for name, count in second.allowances.items():
        more = count - first.allowances.get(name, count)
        if more > 0:
            yield _allowance(name, more, second, first)


def _allowance(name: str, more: int, second: Sample, first: Sample) -> Finding:
    tracked = name.endswith(_TRACKED)
    remedy = (
        "let the security groups track nothing: one rule in and one out that let everything"
        " through, and nft for the rest; or take a larger type of instance"
    )
    return Finding(
        Code.EC2_ALLOWANCE,
        Severity.BROKEN if tracked else Severity.RISK,
        name,
        f"{more} packets in {second.at - first.at:.1f} s",
        "none",
        WHY[Code.EC2_ALLOWANCE],
        remedy if tracked else "take a larger type of instance, or a second director",
    )


def _silent(facts: Facts, vpc: VpcFacts) -> Iterator[Finding]:
    """Whoever is one of two directors must be able to call EC2, at any time."""
    options = None if facts.config is None else facts.config.aws
    if vpc.silent is not None and options is not None and options.peer_eni is not None:
        yield Finding(
            Code.API_REACH, Severity.RISK, "this host to the EC2 API", vpc.silent, "an answer",
            WHY[Code.API_REACH],
            "give the interface a public address of its own, or the VPC an interface endpoint"
            " (com.amazonaws.REGION.ec2)",
        )  # fmt: skip


def _unclear(vpc: VpcFacts) -> Iterator[Finding]:
    for one in vpc.unclear:
        if one.code is not None:
            code = Code(one.code)
            yield Finding(
                code, Severity.BROKEN, "the VIP", one.message, "a private address of the VPC",
                WHY[code], one.hint,
            )  # fmt: skip


def _managed(scene: Scene, vpc: VpcFacts) -> Iterator[Finding]:
    """Only where a VIP is to move: as long as it stays, both want the same."""
    for vip in scene.around.vips if scene.around.peer is not None else ():
        if vip in vpc.aliases:
            yield Finding(
                Code.VIP_MANAGED, Severity.RISK, f"VIP {vip}",
                "added and removed by amazon-ec2-net-utils", "by lvsnat alone",
                WHY[Code.VIP_MANAGED],
                "'systemctl disable --now refresh-policy-routes@INTERFACE.timer', with the name of"
                " the interface",
            )  # fmt: skip
