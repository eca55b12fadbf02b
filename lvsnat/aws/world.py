"""One resource of a VPC at a time: read it, change it, wait until the change is seen."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any, Final

from lvsnat.aws import look, reading
from lvsnat.aws.calls import Call, Place, both, call_for
from lvsnat.aws.client import SEEN_WITHIN, Ec2, dry_run, until_seen
from lvsnat.aws.network import ElasticIp, Interface, RouteTable
from lvsnat.aws.refusals import AwsError
from lvsnat.aws.resources import (
    AwsResource,
    ElasticAddress,
    ElasticMapping,
    GroupRule,
    SecondaryAddress,
    SourceDestCheck,
    TableRoute,
    UndoTag,
)
from lvsnat.aws.seen import VIP_TAG, allocated_for, check_of, mapping_of, route_of, rule_of, tag_of
from lvsnat.plan.change import Change
from lvsnat.system import Clock

if TYPE_CHECKING:
    from mypy_boto3_ec2.type_defs import FilterTypeDef

_THERE_ALREADY: Final = frozenset({"RouteAlreadyExists", "InvalidPermission.Duplicate"})


@dataclass
class World:
    """The EC2 API as the place where resources are."""

    ec2: Ec2
    vpc: str
    clock: Clock
    seen_within: float = SEEN_WITHIN
    """Seconds."""
    allocations: dict[str, str] = field(default_factory=dict)
    """Of each VIP, the Elastic IP that was allocated for it."""

    def read(self, resource: AwsResource) -> AwsResource | None:
        """The resource of this key as it is now; None if there is none. Raises AwsError."""
        try:
            return self._read(resource)
        except AwsError as error:
            if error.gone:
                return None
            raise

    def make(self, change: Change) -> None:
        """Make one change, by one call. Raises AwsError.

        EC2 may say that a route exists which it does not show yet: what counts is what is there.
        """
        call = self.call(change)
        try:
            self._send(call)
        except AwsError as error:
            if call.done_already(error.reason):
                return
            _, after = both(change)
            there = error.reason in _THERE_ALREADY and after is not None
            if not (there and after is not None and self.read(after) == after):
                raise

    def wait(self, resource: AwsResource, wanted: AwsResource | None) -> None:
        """Wait until a resource is seen as it should be. Raises AwsError."""
        until_seen(
            lambda: True if self.read(resource) == wanted else None,
            resource.describe(),
            self.clock,
            self.seen_within,
        )

    def call(self, change: Change) -> Call:
        """The call that would make a change."""
        return call_for(change, self._place(change))

    def denial(self, call: Call) -> AwsError | None:
        """EC2's denial of a call, which is not made; None if it is allowed. Raises AwsError."""
        method = getattr(self.ec2.api, call.method)
        return dry_run(
            self.ec2, call.operation, call.about, lambda: method(**call.parameters, DryRun=True)
        )

    def _send(self, call: Call) -> None:
        method = getattr(self.ec2.api, call.method)
        with self.ec2.asking(call.operation, call.about):
            answer: dict[str, Any] = method(**call.parameters)
        if call.operation == "AllocateAddress":
            tag = call.parameters["TagSpecifications"][0]["Tags"][0]["Value"]
            self.allocations[tag.rpartition("/")[2]] = answer["AllocationId"]

    def _place(self, change: Change) -> Place:
        before, after = both(change)
        associations: dict[str, str] = {}
        for one in (before, after):
            if isinstance(one, ElasticMapping) and not associations:
                found = self._elastic_ip(one.allocation)
                if found is not None and found.association is not None:
                    associations[one.allocation] = found.association
        return Place(self.vpc, associations, self.allocations)

    def _read(self, resource: AwsResource) -> AwsResource | None:
        found: AwsResource | None
        match resource:
            case SourceDestCheck():
                found = check_of(self._interface(resource.interface))
            case SecondaryAddress():
                holder = self._interface(resource.interface)
                found = resource if holder and holder.holds(resource.address) else None
            case TableRoute():
                found = route_of(self._table(resource.table), resource.destination)
            case UndoTag():
                found = tag_of(self._table(resource.table), resource.destination)
            case ElasticMapping():
                found = mapping_of(self._elastic_ip(resource.allocation))
            case ElasticAddress():
                tagged = self._elastic_ips([{"Name": "tag-key", "Values": [VIP_TAG]}])
                ours = allocated_for(tagged, self.vpc, resource)
                found = None if ours is None else resource
            case GroupRule():
                found = self._rule(resource)
        return found

    def _table(self, table: str) -> RouteTable | None:
        return next(iter(look.tables_by_id(self.ec2, [table])), None)

    def _interface(self, eni: str) -> Interface | None:
        return next(iter(look.interfaces_by_id(self.ec2, [eni])), None)

    def _elastic_ip(self, allocation: str) -> ElasticIp | None:
        found = self._elastic_ips([{"Name": "allocation-id", "Values": [allocation]}])
        return next(iter(found), None)

    def _elastic_ips(self, filters: list[FilterTypeDef]) -> tuple[ElasticIp, ...]:
        with self.ec2.asking("DescribeAddresses", filters[0].get("Values", [""])[0]):
            answer = self.ec2.api.describe_addresses(Filters=filters)
        return tuple(reading.elastic_ips(answer["Addresses"]))

    def _rule(self, resource: GroupRule) -> GroupRule | None:
        with self.ec2.asking("DescribeSecurityGroups", resource.group):
            answer = self.ec2.api.describe_security_groups(GroupIds=[resource.group])
        for raw in answer["SecurityGroups"]:
            return rule_of(reading.security_group(raw), resource)
        return None
