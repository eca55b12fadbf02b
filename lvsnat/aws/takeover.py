"""Take VIP, Elastic IP and routes from the peer, all at once, and look until they are ours.

Nothing is disassociated but an IPv6 VIP, which EC2 moves no other way, and nothing is put back:
half a takeover is nearer to service than none.
Each call says how it should be, so making it again, here or by a second run, does no harm.
"""

from __future__ import annotations

import threading
from collections.abc import Callable, Iterable, Mapping
from concurrent.futures import Future, ThreadPoolExecutor
from concurrent.futures import TimeoutError as FutureTimeoutError
from dataclasses import dataclass
from ipaddress import IPv6Address
from typing import Any, Final, TypeVar

from lvsnat.aws import look
from lvsnat.aws.calls import Call, Place, call_for
from lvsnat.aws.client import Ec2
from lvsnat.aws.errors import is_passing
from lvsnat.aws.handover import Handover
from lvsnat.aws.outcome import Taken
from lvsnat.aws.refusals import AwsError
from lvsnat.aws.resources import ElasticMapping, SecondaryAddress, TableRoute
from lvsnat.aws.seen import mapping_of, route_of
from lvsnat.plan.change import Change, Delete, Update, subject
from lvsnat.system import Clock

T = TypeVar("T")

WORKERS: Final = 16
"""Calls at a time: many more would only be throttled."""
FIRST_WAIT: Final = 0.2
LONGEST_WAIT: Final = 1.0
"""Seconds between two looks, or two attempts."""
_ASSIGNED: Final = frozenset({"InvalidParameterValue", "InvalidIPAddress.InUse"})


@dataclass(frozen=True, slots=True)
class Deadline:
    """When to give up. A call that is under way then is still waited for."""

    clock: Clock
    end: float
    """By the clock's monotonic time, in seconds."""

    @classmethod
    def within(cls, clock: Clock, seconds: float) -> Deadline:
        return cls(clock, clock.monotonic() + seconds)

    @property
    def left(self) -> float:
        """Seconds; never less than 0."""
        return max(0.0, self.end - self.clock.monotonic())

    def until_answered(
        self, call: Callable[[], T], passes: Callable[[AwsError], bool] = is_passing
    ) -> T:
        """Try once at least, and again what may pass: throttling, faults of EC2, no answer."""
        wait = FIRST_WAIT
        while True:
            try:
                return call()
            except AwsError as error:
                if not passes(error) or not self.left:
                    raise
            self.clock.sleep(min(wait, self.left))
            wait = min(wait * 2, LONGEST_WAIT)

    def bounded(self, read: Callable[[], T]) -> T:
        """Read, and leave the reading behind where it is not done in time. Raises AwsError."""
        outcome: Future[T] = Future()

        def work() -> None:
            try:
                outcome.set_result(self.until_answered(read))
            except BaseException as error:  # noqa: BLE001 - it is raised again by whoever waits
                outcome.set_exception(error)

        # A daemon: the end of the program does not wait for it, as it would for a pool's.
        threading.Thread(target=work, daemon=True).start()
        try:
            return outcome.result(self.left)
        except FutureTimeoutError as error:
            raise AwsError(
                "the time was over before EC2 had told what there is; nothing was taken",
                "see that this machine reaches the EC2 API quickly, or give it --timeout",
            ) from error


@dataclass
class _Step:
    change: Change
    call: float | None = None
    seen: float | None = None
    error: AwsError | None = None

    def taken(self) -> Taken:
        if self.error is None or self.seen is not None:
            return Taken(self.change, self.call, self.seen)
        return Taken(self.change, self.call, None, self.error.message, self.error.hint)


@dataclass
class Takeover:
    """One run. ``tell`` hears of each step once it is seen to be ours."""

    ec2: Ec2
    deadline: Deadline
    tell: Callable[[Taken], None]

    def run(self, work: Handover) -> list[Taken]:
        """Take everything, in the order of the changes; those without ``seen`` are not ours."""
        began = self.deadline.clock.monotonic()
        director, vpc = work.scene.around.director.id, work.scene.picture.vpc
        steps = [_Step(change) for change in work.changes]
        with ThreadPoolExecutor(WORKERS) as pool:
            jobs = [pool.submit(self._addresses, steps, director, vpc)]
            jobs += [pool.submit(self._move, one, vpc) for one in steps if _is_ipv6(one)]
            jobs += [pool.submit(self._send, one, vpc) for one in steps if _is_route(one)]
            self._watch(steps, jobs, director, began)
        return [step.taken() for step in steps]

    def _move(self, step: _Step, vpc: str) -> None:
        """An IPv6 address: EC2 reassigns none, so it leaves its interface first.

        https://docs.aws.amazon.com/AWSEC2/latest/APIReference/API_AssignIpv6Addresses.html
        """
        began = self.deadline.clock.monotonic()
        before = step.change.before if isinstance(step.change, Update) else None
        if isinstance(before, SecondaryAddress):
            try:
                self._let_go(before)
            except AwsError as error:
                step.error = error
                return
        self._send(step, vpc, passes=is_passing if before is None else _may_be_free_soon)
        if step.error is not None and before is not None:
            address = subject(step.change).describe()
            message = f"{step.error.message}; {address} was let go, and may be on no interface now"
            step.error = AwsError(message, step.error.hint, reason=step.error.reason)
        if step.call is not None:
            step.call = self.deadline.clock.monotonic() - began

    def _let_go(self, held: SecondaryAddress) -> None:
        call = call_for(Delete(held), Place("", {}, {}))
        try:
            self.deadline.until_answered(lambda: self._call(call, call.parameters))
        except AwsError:
            # Whoever let it go: what counts is that it is free.
            if self._holds(held):
                raise
        wait = FIRST_WAIT
        while self._holds(held) and self.deadline.left:
            self.deadline.clock.sleep(min(wait, self.deadline.left))
            wait = min(wait * 2, LONGEST_WAIT)

    def _holds(self, held: SecondaryAddress) -> bool:
        try:
            found = look.interfaces_by_id(self.ec2, [held.interface])
        except AwsError as error:
            return not error.gone
        return any(one.holds(held.address) for one in found)

    def _call(self, call: Call, parameters: Mapping[str, Any]) -> None:
        with self.ec2.asking(call.operation, call.about):
            getattr(self.ec2.api, call.method)(**parameters)

    def _send(
        self, step: _Step, vpc: str, *, passes: Callable[[AwsError], bool] = is_passing
    ) -> None:
        """Make one call; what EC2 says against it is kept in the step."""
        call = call_for(step.change, Place(vpc, {}, {}))
        parameters: dict[str, Any] = dict(call.parameters)
        if call.operation == "AssignPrivateIpAddresses":
            parameters["AllowReassignment"] = True
        if call.operation == "AssociateAddress":
            parameters["AllowReassociation"] = True
        began = self.deadline.clock.monotonic()
        try:
            self.deadline.until_answered(lambda: self._call(call, parameters), passes)
        except AwsError as error:
            step.error = error
        else:
            step.call = self.deadline.clock.monotonic() - began

    def _addresses(self, steps: list[_Step], director: str, vpc: str) -> None:
        """The IPv4 VIPs, and then each Elastic IP that has not followed its VIP."""
        vips = [one for one in steps if _is_vip(one) and not _is_ipv6(one)]
        elastic = [one for one in steps if isinstance(subject(one.change), ElasticMapping)]
        for step in vips:
            self._send(step, vpc)
        if not elastic:
            return
        wait = FIRST_WAIT
        while not (here := self._seen([*vips, *elastic], director)).issuperset(map(id, vips)):
            if not self.deadline.left or any(one.error for one in vips):
                break
            self.deadline.clock.sleep(min(wait, self.deadline.left))
            wait = min(wait * 2, LONGEST_WAIT)
        for step in elastic:
            if not here.issuperset(map(id, vips)):
                step.error = AwsError("it waits for its VIP, which is not here")
            elif id(step) not in here:
                self._send(step, vpc)

    def _watch(
        self, steps: list[_Step], jobs: list[Future[None]], director: str, began: float
    ) -> None:
        """Look until everything is ours, nothing more can come, or the time is over."""
        wait = FIRST_WAIT
        while open_steps := [one for one in steps if one.seen is None]:
            over = not self.deadline.left
            done = all(job.done() for job in jobs)
            here = self._seen(open_steps, director)
            for step in open_steps:
                if id(step) in here:
                    step.seen = self.deadline.clock.monotonic() - began
                    self.tell(step.taken())
            hopeless = done and all(one.error for one in open_steps if id(one) not in here)
            if hopeless or (over and done):
                break
            self.deadline.clock.sleep(wait if over else min(wait, self.deadline.left))
            wait = min(wait * 2, LONGEST_WAIT)
        for job in jobs:
            job.result()

    def _seen(self, steps: Iterable[_Step], director: str) -> set[int]:
        """Which steps are ours by what EC2 shows; none where it does not answer."""
        wanted = [(id(one), subject(one.change)) for one in steps]
        tables = {one.table for _, one in wanted if isinstance(one, TableRoute)}
        vips = any(isinstance(one, SecondaryAddress) for _, one in wanted)
        elastic = any(isinstance(one, ElasticMapping) for _, one in wanted)
        try:
            known = {one.id: one for one in look.tables_by_id(self.ec2, sorted(tables))}
            home = look.interfaces_by_id(self.ec2, [director]) if vips else ()
            eips = {one.allocation: one for one in look.elastic_ips(self.ec2)} if elastic else {}
        except AwsError:
            # What is not seen does not count as ours, and the calls under way go on.
            return set()
        found: set[int] = set()
        for key, one in wanted:
            match one:
                case TableRoute():
                    ours = route_of(known.get(one.table), one.destination) == one
                case SecondaryAddress():
                    ours = any(interface.holds(one.address) for interface in home)
                case ElasticMapping():
                    ours = mapping_of(eips.get(one.allocation)) == one
                case _:
                    raise AssertionError(one)  # Nothing else is ever taken.
            if ours:
                found.add(key)
        return found


def _is_route(step: _Step) -> bool:
    return isinstance(subject(step.change), TableRoute)


def _is_vip(step: _Step) -> bool:
    return isinstance(subject(step.change), SecondaryAddress)


def _is_ipv6(step: _Step) -> bool:
    vip = subject(step.change)
    return isinstance(vip, SecondaryAddress) and isinstance(vip.address, IPv6Address)


def _may_be_free_soon(error: AwsError) -> bool:
    """EC2 calls an address assigned for a while after it was let go."""
    return is_passing(error) or error.reason in _ASSIGNED
