"""From options to a scene: open the API, find the director's interface, look, find the rest."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace

from lvsnat.aws.client import Ec2, Patience, connect
from lvsnat.aws.details import details
from lvsnat.aws.find import choose_interface, find, vips_of
from lvsnat.aws.look import look
from lvsnat.aws.metadata import Metadata
from lvsnat.aws.picture import Picture
from lvsnat.aws.wishes import Scene
from lvsnat.model.aws import AwsOptions
from lvsnat.model.service import VirtualService


@dataclass(frozen=True, slots=True)
class Survey:
    """A VPC as it was seen from a director's interface."""

    ec2: Ec2
    picture: Picture
    director: str
    """The interface."""


@dataclass(frozen=True, slots=True)
class Opened:
    """A scene, and the API that it was seen through."""

    ec2: Ec2
    scene: Scene


def survey(
    options: AwsOptions,
    services: Sequence[VirtualService],
    environment: Mapping[str, str],
    patience: Patience | None = None,
) -> Survey:
    """See what is there. Raises AwsError, and UsageError where the interface is not clear."""
    metadata = Metadata(environment)
    ec2 = connect(options, metadata.region, patience)
    instance = metadata.instance() if options.eni is None else None
    eni = choose_interface(options, vips_of(options, services), instance)
    return Survey(ec2, look(ec2, eni), eni)


def open_scene(
    options: AwsOptions,
    services: Sequence[VirtualService],
    environment: Mapping[str, str],
    patience: Patience | None = None,
) -> Opened:
    """See what is there. Raises AwsError, and UsageError where it is not clear what is meant."""
    seen = survey(options, services, environment, patience)
    around = find(options, services, seen.picture, seen.director)
    return Opened(seen.ec2, Scene(options, tuple(services), seen.picture, around))


def looked_into(opened: Opened) -> Opened:
    """The same, with what only a thorough look sees. Raises AwsError."""
    scene, around = opened.scene, opened.scene.around
    directors = [one for one in (around.director, around.peer) if one is not None]
    instances = [one.instance for one in directors if one.instance is not None]
    found = details(opened.ec2, scene.picture.vpc, instances)
    return Opened(opened.ec2, replace(scene, picture=replace(scene.picture, details=found)))
