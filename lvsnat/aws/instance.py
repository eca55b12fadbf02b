"""What an instance on EC2 knows of itself. Values only."""

from __future__ import annotations

from dataclasses import dataclass

from lvsnat.model.endpoint import IPAddress


@dataclass(frozen=True, slots=True)
class Nic:
    """An interface as the instance knows it."""

    mac: str
    eni: str
    subnet: str
    addresses: tuple[IPAddress, ...] = ()
    """Primary, secondary and IPv6 ones, as far as EC2 has made them known to the instance."""
    number: int = 0
    """0 is the interface that the instance was launched with."""


@dataclass(frozen=True, slots=True)
class Instance:
    """This machine."""

    id: str
    region: str
    nics: tuple[Nic, ...] = ()
