"""HAProxy's instance, services and servers as values. No I/O here.

The value of each is the very text of haproxy.cfg that it stands for, so that what is rendered,
what is read back and what is restored after a failure are the same, and ``==`` is the drift test.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from typing import ClassVar, Final

from lvsnat.haproxy.schedulers import MAX_WEIGHT
from lvsnat.model.endpoint import Endpoint, Listener
from lvsnat.model.resource import Key, Stage, Standalone, Weighted
from lvsnat.model.service import VirtualService

INSTANCE_KIND: Final = "haproxy"
SERVICE_KIND: Final = "proxied service"
SERVER_KIND: Final = "proxied server"
INSTANCE_KEY: Final = Key(INSTANCE_KIND, "lvsnat")


@dataclass(frozen=True, slots=True)
class HaproxyInstance(Standalone):
    """The running process, and the part of its configuration that is of no one service."""

    stage: ClassVar[Stage] = Stage.PROXY
    shared: ClassVar[bool] = False

    lines: tuple[str, ...]
    """The sections ``global`` and ``defaults``."""
    current: bool = True
    """Whether what runs has read the file as it is now."""

    @property
    def key(self) -> Key:
        return INSTANCE_KEY

    def describe(self) -> str:
        return "haproxy"

    def settings(self) -> Mapping[str, str]:
        return {
            "configuration": "\n".join(self.lines),
            "runs": "this configuration" if self.current else "another configuration",
        }


@dataclass(frozen=True, slots=True)
class ProxiedService(Standalone):
    """A virtual service as HAProxy serves it: its frontend and its backends, without servers."""

    stage: ClassVar[Stage] = Stage.PROXY
    shared: ClassVar[bool] = False

    listen: Listener
    lines: tuple[str, ...]
    """Its sections; where servers belong, nothing."""
    service: VirtualService | None = field(default=None, compare=False, repr=False)
    """What the sections were made of, without servers: for showing."""

    @property
    def key(self) -> Key:
        return Key(SERVICE_KIND, str(self.listen))

    def describe(self) -> str:
        return f"proxied service {self.listen}"

    def settings(self) -> Mapping[str, str]:
        return {"configuration": "\n".join(self.lines)}


@dataclass(frozen=True, slots=True)
class ProxiedServer(Weighted):
    """A real server of such a service."""

    stage: ClassVar[Stage] = Stage.PROXY
    shared: ClassVar[bool] = False
    lives_by: ClassVar[Key | None] = INSTANCE_KEY

    listen: Listener
    """The service that it belongs to."""
    endpoint: Endpoint
    weight: int = 1
    """HAProxy's own, 0 to 256."""
    words: tuple[str, ...] = ()
    """What follows the weight on its line: check, maxconn, backup."""
    place: Key | None = field(default=None, compare=False, repr=False)
    """Its key in lvs-nat, where that is not its own name: with a list of ports."""
    wish: int | None = field(default=None, compare=False, repr=False)
    """The weight in the configuration's own scale; None where it is not known."""

    @property
    def key(self) -> Key:
        return Key(SERVER_KIND, f"{self.listen} {self.endpoint}")

    @property
    def owner(self) -> Key:
        return Key(SERVICE_KIND, str(self.listen))

    @property
    def seat(self) -> Key:
        return self.place or Key("server", f"{self.listen} {self.endpoint}")

    def with_weight(self, weight: int) -> ProxiedServer:
        return replace(self, weight=weight)

    def with_share(self, weight: int) -> ProxiedServer:
        if not (weight and self.wish):
            return self.with_weight(min(weight, MAX_WEIGHT))
        return self.with_weight(min(MAX_WEIGHT, max(1, round(self.weight * weight / self.wish))))

    def describe(self) -> str:
        return f"proxied server {self.endpoint} of {self.listen}"

    def settings(self) -> Mapping[str, str]:
        return {"weight": str(self.weight), "options": " ".join(self.words) or "none"}
