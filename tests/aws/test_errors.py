"""Every way in which EC2 or the road to it fails is one clear error with a next step."""

from __future__ import annotations

from typing import TYPE_CHECKING

import boto3
import pytest
from aws.vpcs import REGION
from botocore import exceptions as boto
from botocore.parsers import ResponseParserError
from botocore.stub import Stubber

from lvsnat.aws.client import Ec2, dry_run
from lvsnat.aws.errors import asking, opening
from lvsnat.aws.refusals import AwsError

if TYPE_CHECKING:
    from mypy_boto3_ec2 import EC2Client

TABLE = "rtb-0a1b2c3d4e5f67890"
NOT_ALLOWED = (
    "You are not authorized to perform this operation. User: arn:aws:sts::123456789012:assumed-role"
    "/director/i-0a1b2c3d is not authorized to perform: ec2:ReplaceRoute on resource:"
    " arn:aws:ec2:eu-west-1:123456789012:route-table/rtb-0a1b2c3d4e5f67890 because {}."
    " Encoded authorization failure message: c2VjcmV0IHN0dWZm"
)


@pytest.fixture
def client(monkeypatch: pytest.MonkeyPatch) -> EC2Client:
    monkeypatch.setenv("AWS_ACCESS_KEY_ID", "AKIAEXAMPLE")
    monkeypatch.setenv("AWS_SECRET_ACCESS_KEY", "not-a-secret")
    return boto3.client("ec2", region_name=REGION)


def replace_route(client: EC2Client) -> None:
    with asking("ReplaceRoute", TABLE, where="https://ec2.example"):
        client.replace_route(RouteTableId=TABLE, DestinationCidrBlock="0.0.0.0/0")


def try_deletion(client: EC2Client) -> AwsError | None:
    def call() -> None:
        client.delete_route(RouteTableId=TABLE, DryRun=True)

    return dry_run(Ec2(client, REGION, "aws", "https://ec2.example"), "DeleteRoute", TABLE, call)


def answered(client: EC2Client, code: str, message: str, status: int = 400) -> AwsError:
    """The error that a ReplaceRoute with this answer becomes."""
    with Stubber(client) as stub:
        stub.add_client_error("replace_route", code, message, status)
        with pytest.raises(AwsError) as caught:
            replace_route(client)
    return caught.value


@pytest.mark.parametrize(
    ("code", "message", "hint"),
    [
        ("AuthFailure", "AWS does not know these credentials", "aws sts get-caller-identity"),
        ("InvalidClientTokenId", "AWS does not know these credentials", "get-caller-identity"),
        ("SignatureDoesNotMatch", "the secret key does not fit", "get-caller-identity"),
        ("ExpiredToken", "the credentials have expired", "aws sso login"),
        ("RequestExpired", "the credentials or the clock are out of date", "timedatectl"),
        ("OptInRequired", "the account has not enabled this region", "--region"),
        ("RouteAlreadyExists", "there is a route for this network already", "lvsnat aws plan"),
        ("RouteLimitExceeded", "the route table is full", "Service Quotas"),
        ("InvalidRoute.NotFound", "there is no such route", "lvsnat aws plan"),
        ("PrivateIpAddressLimitExceeded", "as many addresses as its type", "larger type"),
        ("AddressLimitExceeded", "no more Elastic IPs", "--eip-allocation"),
        ("InvalidPermission.Duplicate", "has this rule already", "lvsnat aws plan"),
        ("Resource.AlreadyAssociated", "it is in use elsewhere", "lvsnat aws plan"),
        ("InvalidInstanceID", "the instance has several interfaces", "--eni"),
        ("Gateway.NotAttached", "the VPC has no internet gateway", "internet gateway"),
        ("OperationNotPermitted", "AWS keeps this one itself", "another"),
        ("InvalidRouteTableID.NotFound", "it does not exist here", "lvsnat aws show"),
        ("InvalidRouteTableId.NotFound", "it does not exist here", "lvsnat aws show"),
        ("InvalidNetworkInterfaceID.NotFound", "it does not exist here", "lvsnat aws show"),
        ("InvalidSubnetID.Malformed", "the id is not one", "lvsnat aws show"),
        ("VpcLimitExceeded", "a quota of the account is reached", "Service Quotas"),
        ("InvalidParameterValue", "InvalidParameterValue: as EC2 says", "own words"),
    ],
)
def test_each_code_has_its_meaning_and_a_next_step(
    client: EC2Client, code: str, message: str, hint: str
) -> None:
    error = answered(client, code, "as EC2 says")

    assert error.message.startswith(f"ReplaceRoute {TABLE}: ")
    assert message in error.message
    assert "as EC2 says" in error.message
    assert hint in (error.hint or "")
    assert error.reason == code


def test_a_denial_names_action_resource_and_the_missing_statement(client: EC2Client) -> None:
    text = NOT_ALLOWED.format("no identity-based policy allows the ec2:ReplaceRoute action")

    error = answered(client, "UnauthorizedOperation", text, 403)

    assert error.denied
    assert error.message == (
        "ec2:ReplaceRoute on arn:aws:ec2:eu-west-1:123456789012:route-table/rtb-0a1b2c3d4e5f67890"
        " is not allowed: no identity-based policy allows the ec2:ReplaceRoute action"
    )
    assert error.hint == (
        "add the statement 'Routes' to the policy of the user or of the instance's role:"
        " 'lvsnat aws iam-policy --role failover' prints it"
    )


def test_an_explicit_denial_is_not_cured_by_allowing_more(client: EC2Client) -> None:
    text = NOT_ALLOWED.format("of an explicit deny in a service control policy")

    error = answered(client, "UnauthorizedOperation", text, 403)

    assert "an explicit deny in a service control policy" in error.message
    assert "ask its owner" in (error.hint or "")


def test_a_denial_without_words_names_what_was_called(client: EC2Client) -> None:
    error = answered(client, "UnauthorizedOperation", "You are not authorized.", 403)

    assert error.message == f"ec2:ReplaceRoute on {TABLE} is not allowed"


def test_what_aws_encodes_is_never_repeated(client: EC2Client) -> None:
    for code in ("UnauthorizedOperation", "InvalidParameterValue"):
        error = answered(client, code, NOT_ALLOWED.format("of this"))

        assert "c2VjcmV0" not in f"{error.message} {error.hint}"


@pytest.mark.parametrize("code", ["RequestLimitExceeded", "Throttling", "EC2ThrottledException"])
def test_throttling_is_the_accounts(client: EC2Client, code: str) -> None:
    error = answered(client, code, "Request limit exceeded.", 503)

    assert error.throttled
    assert "takes no more requests" in error.message
    assert "another program" in (error.hint or "")


@pytest.mark.parametrize("code", ["InternalError", "Unavailable"])
def test_a_fault_of_ec2_is_called_one(client: EC2Client, code: str) -> None:
    assert "EC2 has a fault of its own" in answered(client, code, "oops", 500).message


@pytest.mark.parametrize(
    ("raised", "message", "hint"),
    [
        (boto.NoCredentialsError(), "there are no AWS credentials", "--profile"),
        (
            boto.PartialCredentialsError(provider="env", cred_var="AWS_SECRET_ACCESS_KEY"),
            "incomplete: AWS_SECRET_ACCESS_KEY is missing",
            "--profile",
        ),
        (
            boto.CredentialRetrievalError(provider="sso", error_msg="secret-token"),
            "AWS credentials could not be had from sso",
            "IAM instance profile",
        ),
        (boto.UnauthorizedSSOTokenError(), "the login of AWS SSO has ended", "aws sso login"),
        (
            boto.ProfileNotFound(profile="prod"),
            "the profile is not in AWS's configuration: prod",
            "list-profiles",
        ),
        (boto.ConfigParseError(path="/x"), "configuration cannot be read", "~/.aws/config"),
        (boto.NoRegionError(), "it is not known which region is meant", "--region"),
        (boto.InvalidRegionError(region_name="eu west"), "the region is not one", "eu-west-1"),
        (
            boto.ConnectTimeoutError(endpoint_url="x"),
            "the EC2 API does not answer in time (https://ec2.example)",
            "interface endpoint",
        ),
        (
            boto.ReadTimeoutError(endpoint_url="x"),
            "the EC2 API does not answer in time (https://ec2.example)",
            "NAT gateway",
        ),
        (
            boto.EndpointConnectionError(endpoint_url="x"),
            "the EC2 API cannot be reached (https://ec2.example)",
            "--endpoint-url",
        ),
        (
            boto.SSLError(endpoint_url="x", error=OSError("bad")),
            "certificate cannot be trusted",
            "AWS_CA_BUNDLE",
        ),
        (
            boto.ProxyConnectionError(proxy_url="http://user:secret@proxy"),
            "the proxy does not answer",
            "NO_PROXY",
        ),
        (
            boto.ParamValidationError(report="Invalid length for x"),
            "Invalid length for x",
            "the ids that were given",
        ),
    ],
)
def test_what_keeps_a_call_from_ec2_is_told(raised: Exception, message: str, hint: str) -> None:
    with (
        pytest.raises(AwsError) as caught,
        asking("DescribeVpcs", where="https://ec2.example"),
    ):
        raise raised

    assert caught.value.message.startswith("DescribeVpcs: ")
    assert message in caught.value.message
    assert hint in (caught.value.hint or "")
    assert "secret" not in f"{caught.value.message} {caught.value.hint}".replace("SECRET", "")


def test_an_answer_that_is_not_ec2s_is_called_so() -> None:
    with pytest.raises(AwsError) as caught, asking("DescribeVpcs"):
        raise ResponseParserError("Unable to parse response (not well-formed)")

    assert "the answer is not EC2's" in caught.value.message
    assert "--endpoint-url" in (caught.value.hint or "")


def test_an_endpoint_that_is_no_url_is_refused() -> None:
    with pytest.raises(AwsError) as caught, opening():
        raise ValueError("Invalid endpoint: nonsense")

    assert caught.value.message == "AWS configuration: Invalid endpoint: nonsense"


def test_our_own_mistakes_are_not_disguised() -> None:
    with pytest.raises(KeyError), asking("DescribeVpcs"):
        raise KeyError("x")


def test_a_dry_run_says_what_is_allowed(client: EC2Client) -> None:
    with Stubber(client) as stub:
        stub.add_client_error("delete_route", "DryRunOperation", "x", 412)
        assert try_deletion(client) is None


def test_a_dry_run_says_what_is_denied(client: EC2Client) -> None:
    with Stubber(client) as stub:
        stub.add_client_error("delete_route", "UnauthorizedOperation", "x", 403)
        denial = try_deletion(client)

    assert denial is not None
    assert denial.message == f"ec2:DeleteRoute on {TABLE} is not allowed"


def test_a_dry_run_of_something_that_is_gone_fails(client: EC2Client) -> None:
    with Stubber(client) as stub:
        stub.add_client_error("delete_route", "InvalidRouteTableID.NotFound", "x")
        with pytest.raises(AwsError) as caught:
            try_deletion(client)

    assert caught.value.gone
