"""From options to a scene: open the API, find the director's interface, look, find the rest."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from lvsnat.aws.client import Ec2, Patience, connect
from lvsnat.aws.find import choose_interface, find, vips_of
from lvsnat.aws.look import look
from lvsnat.aws.metadata import Metadata
from lvsnat.aws.wishes import Scene
from lvsnat.model.aws import AwsOptions
from lvsnat.model.service import VirtualService


@dataclass(frozen=True, slots=True)
class Opened:
    """A scene, and the API that it was seen through."""

    ec2: Ec2
    scene: Scene


def open_scene(
    options: AwsOptions,
    services: Sequence[VirtualService],
    environment: Mapping[str, str],
    patience: Patience | None = None,
) -> Opened:
    """See what is there. Raises AwsError, and UsageError where it is not clear what is meant."""
    metadata = Metadata(environment)
    ec2 = connect(options, metadata.region, patience)
    instance = metadata.instance() if options.eni is None else None
    eni = choose_interface(options, vips_of(options, services), instance)
    picture = look(ec2, eni)
    around = find(options, services, picture, eni)
    return Opened(ec2, Scene(options, tuple(services), picture, around))
