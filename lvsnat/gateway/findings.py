"""Whether replies go back through the director, and what keeps them from it. No I/O here."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from enum import StrEnum

from lvsnat.gateway.codes import Code
from lvsnat.gateway.redirects import redirect_settings, setting
from lvsnat.gateway.seen import MAIN, TABLES, UNICAST, NeighbourState, Place, SeenRule
from lvsnat.gateway.view import Asked, View, command
from lvsnat.gateway.ways import Hop
from lvsnat.gateway.wish import GatewayWish
from lvsnat.model.endpoint import Family

AMAZON = 10_000
"""Rules and tables of amazon-ec2-net-utils have this number, or a greater one."""
_STRICT = "1"


class Standing(StrEnum):
    """How much there is to a finding."""

    HOLDS = "holds"
    AT_RISK = "at risk"
    """It holds now, and something may end that."""
    FAILS = "fails"


@dataclass(frozen=True, slots=True)
class Finding:
    """One part of the way back: what is seen, what should be, and what to do."""

    code: Code
    subject: str
    standing: Standing
    seen: str
    expected: str
    remedy: str = ""
    """Empty where it holds."""


def findings(view: View) -> Iterator[Finding]:
    """Every part of a way back that is wished for, in the order of a reply's path."""
    if view.wish is None:
        return
    if view.place is None:
        yield from _misplaced(view)
        return
    for asked in view.asked:
        yield _way(asked, view.wish, view.place)
    yield from _rules(view)
    if not view.wish.reply_ports:
        yield from _bypasses(view, view.wish)
    yield from _redirected(view)
    yield from _redirects(view, view.place)
    yield from _neighbour(view, view.place)
    yield from _reverse_path(view, view.place)
    yield from _managers(view, view.wish)


def _misplaced(view: View) -> Iterator[Finding]:
    if view.wish is not None and view.problem is not None:
        yield Finding(
            Code.RS_VIA,
            f"the director {view.wish.via}",
            Standing.FAILS,
            view.problem.message,
            "a neighbour of this server",
            view.problem.hint or "",
        )


def _way(asked: Asked, wish: GatewayWish, place: Place) -> Finding:
    expected = Hop(wish.via, place.interface)
    subject = f"replies of {asked.reply}"
    seen = str(asked.answer)
    if asked.answer.hop == expected:
        return Finding(Code.RS_GATEWAY, subject, Standing.HOLDS, seen, str(expected))
    if any(asked.reply.client in network for network in place.networks):
        ports = ",".join(map(str, wish.reply_ports)) or "tcp/PORT"
        again = f"lvsnat gateway set {wish.via} --reply-only {ports} --local-clients"
        code, remedy = Code.RS_LOCAL_CLIENT, f"'{again}' sends replies to neighbours there, too"
    else:
        code, remedy = Code.RS_GATEWAY, f"'{command(wish)}' makes it so"
    return Finding(code, subject, Standing.FAILS, seen, str(expected), remedy)


def _rules(view: View) -> Iterator[Finding]:
    """Rules of others that send the replies elsewhere, by the kernel's own answers."""
    wish = view.wish
    if wish is None:
        return
    astray = [one for one in view.asked if one.answer.table not in (0, MAIN, wish.table)]
    for rule in view.ground.rules:
        hit = [one for one in astray if _sends(rule, one)]
        if hit:
            maker = " (amazon-ec2-net-utils makes such rules, again and again)"
            yield Finding(
                Code.RS_RULES,
                f"routing rule {rule}",
                Standing.FAILS,
                f"{hit[0].reply.source} is sent to the table"
                f" {TABLES.get(rule.table, rule.table)}"
                + (maker if min(rule.priority, rule.table) >= AMAZON else ""),
                "no rule before that takes these replies",
                _rule_remedy(rule, wish),
            )


def _sends(rule: SeenRule, asked: Asked) -> bool:
    return rule.table == asked.answer.table and rule.takes(asked.reply.source)


def _rule_remedy(rule: SeenRule, wish: GatewayWish) -> str:
    ports = ",".join(map(str, wish.reply_ports)) or "tcp/PORT"
    again = f"lvsnat gateway set {wish.via} --reply-only {ports}"
    if rule.priority > wish.priority:
        return f"'{again}' makes rules that are asked before (priority {wish.priority})"
    if rule.priority == 1:
        return "no rule can be asked before: 'ip rule del pref 1', if nobody needs it"
    return f"'{again} --priority {rule.priority - 1}' makes rules that are asked before"


def _bypasses(view: View, wish: GatewayWish) -> Iterator[Finding]:
    for route in view.ground.routes:
        past = route.way.via not in (None, wish.via)
        network = route.network
        if route.table != MAIN or route.kind != UNICAST or network is None or not past:
            continue
        if network.is_link_local:
            continue
        yield Finding(
            Code.RS_BYPASS,
            f"replies to {network}",
            Standing.AT_RISK,
            str(route.way.hop),
            f"via {wish.via}, if clients are there",
            "--reply-only asks its own table first; or 'ip route del' it, if nobody needs it",
        )


def _redirected(view: View) -> Iterator[Finding]:
    for asked in view.asked:
        if asked.answer.redirected:
            yield Finding(
                Code.RS_REDIRECTED,
                f"replies of {asked.reply}",
                Standing.FAILS,
                f"a redirect leads them {asked.answer}",
                "no redirect",
                f"'ip -{'4' if view.family is Family.IPV4 else '6'} route flush cache' forgets it",
            )


def _redirects(view: View, place: Place) -> Iterator[Finding]:
    settings = view.ground.settings
    names = redirect_settings(view.family, place.interface)
    values = {name: settings[name] for name in names if name in settings}
    forwarding = setting(Family.IPV4, place.interface, "forwarding")
    # linux/inetdevice.h, IN_DEV_RX_REDIRECTS: a host heeds either, a router only both.
    both = settings.get(forwarding, "0") != "0"
    accepted = [value != "0" for value in values.values()]
    heeded = all(accepted) if view.family is Family.IPV4 and both else any(accepted)
    yield Finding(
        Code.RS_REDIRECTS,
        f"ICMP redirects on {place.interface}",
        Standing.AT_RISK if accepted and heeded else Standing.HOLDS,
        ", ".join(f"{name.split('.')[-2]} {value}" for name, value in values.items()) or "none",
        "not accepted",
        f"'sysctl -w {' '.join(f'{name}=0' for name in values)}'; 'lvsnat gateway set' does so"
        if accepted and heeded
        else "",
    )


def _neighbour(view: View, place: Place) -> Iterator[Finding]:
    if view.neighbour is None or view.wish is None:
        return
    dead = view.neighbour.state in (NeighbourState.FAILED, NeighbourState.INCOMPLETE)
    yield Finding(
        Code.RS_ARP,
        f"neighbour {view.wish.via} on {place.interface}",
        Standing.FAILS if dead else Standing.HOLDS,
        str(view.neighbour),
        "the link address (MAC) of the active director",
        f"nobody answers for it: is the VIP on a director? 'ip neigh show {view.wish.via}'"
        if dead
        else "",
    )


def _reverse_path(view: View, place: Place) -> Iterator[Finding]:
    """A strict filter drops requests whose replies would leave by another interface."""
    own = setting(Family.IPV4, place.interface, "rp_filter")
    values = (own, setting(Family.IPV4, "all", "rp_filter"))
    strict = max(view.ground.settings.get(name, "0") for name in values) == _STRICT
    if view.family is not Family.IPV4 or not strict:
        return
    for asked in view.asked:
        hop = asked.answer.hop
        if hop is not None and hop.interface != place.interface:
            yield Finding(
                Code.RS_RP_FILTER,
                f"requests of {asked.reply.client} on {place.interface}",
                Standing.FAILS,
                f"rp_filter 1 drops them: the way to the client is {asked.answer}",
                "rp_filter 2 (loose), or 0",
                f"'sysctl -w {own}=2'",
            )
            return


def _managers(view: View, wish: GatewayWish) -> Iterator[Finding]:
    for manager in view.managers:
        yield Finding(
            Code.RS_MANAGER,
            f"{manager.name} ({manager.evidence})",
            Standing.AT_RISK,
            "it puts its own routes back, when it is restarted and at every boot",
            "it knows this way back",
            f"'lvsnat gateway render {wish.via} --format {manager.form}' writes what it reads",
        )
