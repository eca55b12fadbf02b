"""botocore's exceptions as errors that a person can act on. Nothing secret is ever repeated."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from typing import Final

from botocore import exceptions as boto
from botocore.parsers import ResponseParserError

from lvsnat.aws.refusals import UNAVAILABLE, AwsError, Refusal, explain

_CREDENTIALS = (
    "on an instance, give it a role (IAM instance profile); elsewhere name a profile with"
    " --profile, or set AWS_PROFILE, or AWS_ACCESS_KEY_ID and AWS_SECRET_ACCESS_KEY"
)
_LOGIN = "log in again: 'aws sso login', with --profile if it is not the usual one"
_ENDPOINT = (
    "see that this machine has a way to the EC2 API: a NAT gateway or a public address, or an"
    " interface endpoint (com.amazonaws.REGION.ec2); --endpoint-url names another place"
)
_SCHEME = "write it with its scheme, such as https://ec2.eu-west-1.amazonaws.com"
REGION_HINT: Final = (
    "name it with --region, or set region in [aws] of the configuration, or AWS_REGION"
)

# The first that fits is taken: the special ones stand before the general ones.
_MEANINGS: Final[tuple[tuple[tuple[type[Exception], ...], str, str], ...]] = (
    ((boto.NoCredentialsError,), "there are no AWS credentials", _CREDENTIALS),
    ((boto.PartialCredentialsError,), "the AWS credentials are incomplete", _CREDENTIALS),
    (
        (
            boto.UnauthorizedSSOTokenError,
            boto.SSOTokenLoadError,
            boto.SSOError,
            boto.TokenRetrievalError,
            boto.NoAuthTokenError,
            boto.LoginError,
        ),
        "the login of AWS SSO has ended, or there was none",
        _LOGIN,
    ),
    (
        (boto.CredentialRetrievalError, boto.RefreshWithMFAUnsupportedError),
        "AWS credentials could not be had",
        _CREDENTIALS,
    ),
    (
        (boto.ProfileNotFound,),
        "the profile is not in AWS's configuration",
        "'aws configure list-profiles' names those that are",
    ),
    (
        (boto.ConfigParseError, boto.ConfigNotFound, boto.InfiniteLoopConfigError),
        "AWS's own configuration cannot be read",
        "correct ~/.aws/config, ~/.aws/credentials or what AWS_CONFIG_FILE names",
    ),
    ((boto.NoRegionError,), "it is not known which region is meant", REGION_HINT),
    (
        (boto.InvalidRegionError, boto.UnknownRegionError),
        "the region is not one",
        "write one such as eu-west-1",
    ),
    (
        (boto.ConnectTimeoutError, boto.ReadTimeoutError),
        "the EC2 API does not answer in time",
        _ENDPOINT,
    ),
    (
        (boto.SSLError,),
        "the EC2 API's certificate cannot be trusted",
        "see the clock, and the endpoint's name; AWS_CA_BUNDLE names the certificates of a proxy",
    ),
    (
        (boto.ProxyConnectionError,),
        "the proxy does not answer",
        "see HTTPS_PROXY; NO_PROXY leaves it out",
    ),
    (
        (boto.EndpointConnectionError, boto.ConnectionClosedError, boto.HTTPClientError),
        "the EC2 API cannot be reached",
        _ENDPOINT,
    ),
    ((boto.EndpointProviderError, boto.UnknownEndpointError), "the endpoint is not one", _SCHEME),
)


@contextmanager
def asking(operation: str, about: str = "", *, where: str = "") -> Iterator[None]:
    """Turn what goes wrong in a call into an AwsError that names it.

    ``about`` is what the call changes or asks for; ``where``, the region or endpoint.
    """
    try:
        yield
    except boto.ClientError as error:
        raise explain(refusal_of(error, operation, about)) from error
    except (boto.BotoCoreError, ResponseParserError) as error:
        raise translate(error, f"{operation} {about}".rstrip(), where) from error


@contextmanager
def opening() -> Iterator[None]:
    """Turn what is wrong with AWS's configuration, or ours, into an AwsError."""
    try:
        with asking("AWS configuration"):
            yield
    except ValueError as error:
        # botocore's own words for an endpoint that is not a URL; ours are checked before.
        raise AwsError(f"AWS configuration: {_first_line(error)}", _SCHEME) from error


def refusal_of(error: boto.ClientError, operation: str, about: str = "") -> Refusal:
    said = error.response.get("Error", {})
    return Refusal(operation, about, str(said.get("Code", "")), str(said.get("Message", "")))


def translate(error: Exception, place: str, where: str = "") -> AwsError:
    """Say what kept a call from being answered at all."""
    for kinds, what, hint in _MEANINGS:
        if isinstance(error, kinds):
            return AwsError(f"{place}: {what}{_detail(error, where)}", hint)
    if isinstance(error, boto.ParamValidationError):
        return AwsError(f"{place}: {_first_line(error)}", "see the ids that were given")
    hint = "see that what answers there is the EC2 API; --endpoint-url names another place"
    return AwsError(f"{place}: the answer is not EC2's ({_first_line(error)})", hint)


def is_passing(error: AwsError) -> bool:
    """Whether the same call may succeed in a moment."""
    unreachable = boto.HTTPClientError, boto.ConnectionError
    busy = error.throttled or error.reason in UNAVAILABLE
    return busy or isinstance(error.__cause__, unreachable)


def _detail(error: Exception, where: str) -> str:
    """What of an exception helps: never its text, which may hold what a person typed."""
    if isinstance(error, boto.ProfileNotFound):
        return f": {error.kwargs.get('profile')}"
    if isinstance(error, boto.PartialCredentialsError):
        return f": {error.kwargs.get('cred_var')} is missing"
    if isinstance(error, boto.CredentialRetrievalError):
        return f" from {error.kwargs.get('provider')}"
    unreachable = boto.HTTPClientError, boto.ConnectionError
    return f" ({where})" if where and isinstance(error, unreachable) else ""


def _first_line(error: Exception) -> str:
    lines = [line.strip() for line in str(error).splitlines() if line.strip()]
    return " ".join(lines[:2])[:200]
