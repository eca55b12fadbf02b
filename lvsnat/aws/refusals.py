"""What EC2's error codes mean to a person, and what to do next. Values and words only.

https://docs.aws.amazon.com/AWSEC2/latest/APIReference/errors-overview.html
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Final

from lvsnat.aws.permissions import statement_for
from lvsnat.errors import LvsnatError

PERMITTED: Final = "DryRunOperation"
"""The answer to a dry run of what is allowed."""
DENIED: Final = frozenset({"UnauthorizedOperation", "AccessDenied", "AccessDeniedException"})
THROTTLED: Final = frozenset(
    {"RequestLimitExceeded", "Throttling", "ThrottlingException", "EC2ThrottledException"}
)
UNAVAILABLE: Final = frozenset(
    {"InternalError", "InternalFailure", "ServiceUnavailable", "Unavailable", "500", "503"}
)


class AwsError(LvsnatError):
    """EC2 refuses, or cannot be asked."""

    def __init__(self, message: str, hint: str | None = None, *, reason: str = "") -> None:
        super().__init__(message, hint)
        self.reason = reason
        """EC2's code; empty where there was no answer."""

    @property
    def denied(self) -> bool:
        return self.reason in DENIED

    @property
    def gone(self) -> bool:
        """Whether what was named is not there (yet)."""
        return self.reason.lower().endswith(".notfound")

    @property
    def throttled(self) -> bool:
        return self.reason in THROTTLED


@dataclass(frozen=True, slots=True)
class Refusal:
    """EC2's answer to one call."""

    operation: str
    """Such as ``ReplaceRoute``."""
    about: str
    """What the call was about, in the words of the field; may be empty."""
    code: str
    message: str

    @property
    def place(self) -> str:
        return f"{self.operation} {self.about}".rstrip()


_NOT_CREDENTIALS = (
    "check the credentials: 'aws sts get-caller-identity' says whose they are; on an instance, give"
    " it a role instead"
)
_RENEW = (
    "renew them: 'aws sso login' for a profile with SSO, new session credentials otherwise; those"
    " of an instance's role renew themselves"
)
_CLOCK = "set this machine's clock: 'timedatectl' shows whether it is synchronised"
_QUOTA = "ask for a higher quota in Service Quotas, or remove what is no longer used"
_AGAIN = "somebody else changed it meanwhile: run 'lvsnat aws plan' again"
_LOOK_AGAIN = (
    "'lvsnat aws show' lists what there is; see that --region and --profile are those of the VPC"
)

_MEANINGS: Final[Mapping[str, tuple[str, str]]] = {
    "AuthFailure": ("AWS does not know these credentials", _NOT_CREDENTIALS),
    "InvalidClientTokenId": ("AWS does not know these credentials", _NOT_CREDENTIALS),
    "UnrecognizedClientException": ("AWS does not know these credentials", _NOT_CREDENTIALS),
    "SignatureDoesNotMatch": ("the secret key does not fit its access key", _NOT_CREDENTIALS),
    "MissingAuthenticationToken": ("the request was not signed", _NOT_CREDENTIALS),
    "ExpiredToken": ("the credentials have expired", _RENEW),
    "ExpiredTokenException": ("the credentials have expired", _RENEW),
    "RequestExpired": ("the credentials or the clock are out of date", f"{_RENEW}; or {_CLOCK}"),
    "OptInRequired": (
        "the account has not enabled this region",
        "enable the region in the account, or name another one with --region",
    ),
    "PendingVerification": ("AWS is still verifying the account", "try again when it has"),
    "Blocked": ("AWS has blocked the account", "ask AWS Support"),
    "RouteAlreadyExists": ("there is a route for this network already", _AGAIN),
    "RouteLimitExceeded": (
        "the route table is full",
        f"name fewer networks with --client, or {_QUOTA}",
    ),
    "InvalidRoute.NotFound": ("there is no such route", _AGAIN),
    "PrivateIpAddressLimitExceeded": (
        "the interface has as many addresses as its type of instance allows",
        "remove a secondary address from it, or take a larger type of instance",
    ),
    "AddressLimitExceeded": (
        "the region has no more Elastic IPs for this account",
        f"name one that is free with --eip-allocation, or {_QUOTA}",
    ),
    "RulesPerSecurityGroupLimitExceeded": (
        "the security group is full",
        f"name fewer networks with --client, or {_QUOTA}",
    ),
    "SecurityGroupsPerInterfaceLimitExceeded": ("the interface has too many groups", _QUOTA),
    "TagLimitExceeded": ("it has as many tags as AWS allows", "remove one"),
    "InvalidPermission.Duplicate": ("the security group has this rule already", _AGAIN),
    "InvalidPermission.NotFound": ("the security group has no such rule", _AGAIN),
    "Resource.AlreadyAssociated": ("it is in use elsewhere", _AGAIN),
    "InvalidIPAddress.InUse": ("another interface has this address", _AGAIN),
    "InvalidInstanceID": (
        "the instance has several interfaces",
        "name the interface, with --eni",
    ),
    "Gateway.NotAttached": (
        "the VPC has no internet gateway, so an Elastic IP cannot work",
        "attach an internet gateway to the VPC",
    ),
    "OperationNotPermitted": (
        "AWS keeps this one itself and lets nobody change it",
        "name another one: this belongs to a service of AWS",
    ),
    "DependencyViolation": ("something else still uses it", _AGAIN),
    "IncorrectState": ("it is being changed", "try again in a moment"),
    "UnsupportedOperation": ("EC2 cannot do this here", "see what EC2 says above"),
}
_PATTERNS: Final = (
    (re.compile(r"\.malformed$", re.IGNORECASE), "the id is not one", _LOOK_AGAIN),
    (re.compile(r"\.notfound$", re.IGNORECASE), "it does not exist here", _LOOK_AGAIN),
    (re.compile(r"LimitExceeded$"), "a quota of the account is reached", _QUOTA),
)

_ACTION = re.compile(r"not authorized to perform: ([\w-]+:\w+)(?: on resource: (\S+))?")
_BOUNDARY = re.compile(r"because (.+?)(?:\. Encoded|\.?$)", re.DOTALL)
_ENCODED = re.compile(r"\s*Encoded authorization failure message:.*", re.DOTALL)


def explain(refusal: Refusal) -> AwsError:
    """Say what an answer of EC2 means and what to do."""
    code = refusal.code
    if code in DENIED:
        return _denied(refusal)
    if code in THROTTLED:
        message = f"{refusal.place}: EC2 takes no more requests for the moment ({code})"
        hint = "try again in a minute; the limit is the account's, so another program uses it up"
        return AwsError(message, hint, reason=code)
    if code in UNAVAILABLE:
        message = f"{refusal.place}: EC2 has a fault of its own ({code})"
        return AwsError(message, "try again; https://health.aws.amazon.com tells", reason=code)
    what, next_step = _meaning(code)
    said = f"{code}: {_ENCODED.sub('', refusal.message)}".rstrip(": ")
    message = f"{refusal.place}: {what} ({said})" if what else f"{refusal.place}: {said}"
    return AwsError(message, next_step, reason=code)


def _meaning(code: str) -> tuple[str, str]:
    known = _MEANINGS.get(code)
    if known is not None:
        return known
    for pattern, what, hint in _PATTERNS:
        if pattern.search(code):
            return what, hint
    return "", "EC2's own words say it; 'lvsnat aws plan' shows what was meant"


def _denied(refusal: Refusal) -> AwsError:
    found = _ACTION.search(refusal.message)
    action = found[1] if found else f"ec2:{refusal.operation}"
    resource = (found[2] if found else None) or refusal.about
    on = f" on {resource.rstrip('.')}" if resource and resource != "*" else ""
    message = f"{action}{on} is not allowed"
    reason = _BOUNDARY.search(refusal.message)
    if reason is not None:
        message += f": {' '.join(reason[1].split())}"
    if reason is not None and "explicit deny" in reason[1]:
        hint = (
            "a policy denies it outright, so allowing it elsewhere changes nothing: ask its owner"
        )
        return AwsError(message, hint, reason=refusal.code)
    return AwsError(message, _missing(action.partition(":")[2]), reason=refusal.code)


def _missing(action: str) -> str:
    """Name the statement of our policies that allows an action."""
    statement = statement_for(action)
    if statement is None:
        return f"allow ec2:{action} in the policy of the user or of the instance's role"
    role = statement.roles[0]
    return (
        f"add the statement {statement.sid!r} to the policy of the user or of the instance's role:"
        f" 'lvsnat aws iam-policy --role {role}' prints it"
    )
