"""One request to EC2's query API, and what is in moto's store behind it."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any, Final

from moto.ec2.models import ec2_backends

ACCOUNT: Final = "123456789012"
"""moto's own."""


class RefusedError(Exception):
    """EC2's answer to what it does not do."""

    def __init__(self, code: str, message: str, status: int = 400) -> None:
        super().__init__(code, message)
        self.code = code
        self.message = message
        self.status = status


@dataclass(frozen=True)
class Call:
    """A request as EC2 reads it: an action and flat parameters."""

    action: str
    form: Mapping[str, str]
    region: str
    backend: Any = field(repr=False, compare=False)

    @classmethod
    def of(cls, form: Mapping[str, str], region: str) -> Call:
        return cls(form.get("Action", ""), form, region, ec2_backends[ACCOUNT][region])

    def get(self, name: str) -> str | None:
        return self.form.get(name) or None

    def many(self, name: str) -> list[str]:
        """The values of ``Name.1``, ``Name.2`` and so on."""
        keys = sorted(
            (int(key.removeprefix(f"{name}.")), value)
            for key, value in self.form.items()
            if key.removeprefix(f"{name}.").isdigit() and key != name
        )
        return [value for _, value in keys]

    def true(self, name: str) -> bool:
        return (self.get(name) or "").lower() == "true"

    @property
    def looks(self) -> bool:
        return self.action.startswith(("Describe", "Get"))

    def eni(self, name: str | None) -> Any:  # noqa: ANN401 - moto's model
        found = self.backend.enis.get(name)
        if found is None:
            raise RefusedError(
                "InvalidNetworkInterfaceID.NotFound",
                f"The networkInterface ID '{name}' does not exist",
            )
        return found

    def table(self) -> Any:  # noqa: ANN401 - moto's model
        name = self.get("RouteTableId")
        found = self.backend.route_tables.get(name)
        if found is None:
            raise RefusedError(
                "InvalidRouteTableID.NotFound", f"The routeTable ID '{name}' does not exist"
            )
        return found

    def alive(self, name: str | None) -> bool:
        """Whether an interface is there and on a running instance."""
        eni = self.backend.enis.get(name)
        return eni is not None and eni.instance is not None and eni.instance.state == "running"
