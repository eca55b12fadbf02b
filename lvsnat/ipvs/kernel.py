"""The kernel's IPVS as typed operations over one netlink session."""

from __future__ import annotations

import errno
from collections.abc import Callable, Iterator, Sequence
from typing import TypeVar

from lvsnat.errors import LvsnatError
from lvsnat.ipvs import codec, controls
from lvsnat.ipvs.codec import ServerEntry, ServiceEntry
from lvsnat.ipvs.controls import KernelInfo, SyncDaemon, SyncRole, Timeouts
from lvsnat.ipvs.netlink import (
    KernelRefusalError,
    Message,
    Session,
    Transport,
    table_keeps_changing,
)
from lvsnat.ipvs.refusal import no_permission
from lvsnat.ipvs.uapi import HEADERS, Command
from lvsnat.model.endpoint import KernelListener

_READ_ATTEMPTS = 5
_GET_SERVICES = HEADERS[Command.GET_SERVICE]

# The netlink, generic netlink and nesting headers' worth of bytes before a service's attributes,
# and those that hold its key.
_BODY = 8
_KEY = 44

T = TypeVar("T")


class Kernel:
    """Reads and writes IPVS. Raises LvsnatError; refused writes of a batch are returned."""

    def __init__(self, transport: Transport) -> None:
        self._session = Session(transport)

    def close(self) -> None:
        self._session.close()

    def submit(self, payloads: Sequence[bytes]) -> list[int]:
        """Carry out one batch of writes; the error number of each, 0 for done."""
        return self._session.submit(payloads)

    def table(self) -> Iterator[ServiceEntry | ServerEntry]:
        """Every service, its servers after it, in the kernel's order.

        The kernel numbers a dump's entries as it goes and does not say when they moved: a service
        taken away meanwhile hides another. So the list of services must be the same after the
        servers are read as before, or all is read again.
        """
        for _ in range(_READ_ATTEMPTS):
            services = self._dump(_GET_SERVICES)
            entries = self._entries(services)
            if _keys(services) == _keys(self._dump(_GET_SERVICES)):
                return iter(entries)
        raise table_keeps_changing()

    def zero(self, listen: KernelListener | None = None) -> None:
        """Set the counters of a service and its servers to zero, or those of everything."""
        if listen is None:
            self._write(HEADERS[Command.ZERO], "zero the counters")
        else:
            self._write(codec.encode_key(Command.ZERO, listen), f"zero the counters of {listen}")

    def info(self) -> KernelInfo:
        return self._get(Command.GET_INFO, controls.decode_info)

    def timeouts(self) -> Timeouts:
        return self._get(Command.GET_CONFIG, controls.decode_timeouts)

    def set_timeouts(self, timeouts: Timeouts) -> None:
        self._write(controls.encode_timeouts(timeouts), "set the timeouts")

    def daemons(self) -> list[SyncDaemon]:
        """The sync daemons that run."""
        return [
            controls.decode_daemon(*message) for message in self._dump(HEADERS[Command.GET_DAEMON])
        ]

    def start_daemon(self, daemon: SyncDaemon) -> None:
        self._write(
            controls.encode_daemon(Command.NEW_DAEMON, daemon),
            f"start the {daemon.role.label} sync daemon on {daemon.interface}",
        )

    def stop_daemon(self, role: SyncRole) -> None:
        """Stop a sync daemon; none of that role running is fine.

        A daemon stopped before its thread has run ends with EINTR, which netlink answers with
        silence. So a harmless question follows at once, whose answer always comes.
        """
        stop = controls.encode_daemon(Command.DEL_DAEMON, SyncDaemon(role, ""))
        number, _ = self.submit([stop, HEADERS[Command.GET_CONFIG]])
        if number not in (0, errno.ESRCH):
            raise _failed(f"stop the {role.label} sync daemon", KernelRefusalError(number))

    def _entries(self, services: list[Message]) -> list[ServiceEntry | ServerEntry]:
        entries: list[ServiceEntry | ServerEntry] = []
        for message in services:
            entry = codec.decode_service(*message)
            if entry is None:
                continue
            entries.append(entry)
            service = entry.service
            entries += [
                codec.decode_server(*reply, service)
                for reply in self._dump(codec.encode_key(Command.GET_DEST, service.listen))
            ]
        return entries

    def _dump(self, payload: bytes) -> list[Message]:
        try:
            return self._session.dump(payload)
        except KernelRefusalError as error:
            raise _failed("read IPVS", error) from None

    def _get(self, command: Command, decode: Callable[[bytes, int, int], T]) -> T:
        try:
            message = self._session.call(HEADERS[command])
        except KernelRefusalError as error:
            raise _failed("read IPVS", error) from None
        if message is None:
            raise LvsnatError(f"the kernel confirmed {command.name} and gave no answer")
        return decode(*message)

    def _write(self, payload: bytes, what: str) -> None:
        try:
            self._session.call(payload)
        except KernelRefusalError as error:
            raise _failed(what, error) from None


def _keys(services: list[Message]) -> list[bytes]:
    return [data[start + _BODY : start + _BODY + _KEY] for data, start, _ in services]


_HINTS = {
    errno.ENODEV: "there is no such interface, or it is down or has no address",
    errno.EEXIST: "it runs already: stop it first",
    errno.ESRCH: "it does not exist: 'lvsnat status' shows what does",
    errno.EINVAL: "the kernel's log ('dmesg') may say more",
}


def _failed(what: str, error: KernelRefusalError) -> LvsnatError:
    if error.errno == errno.EPERM:
        return no_permission(what)
    return LvsnatError(f"cannot {what}: {error}", _HINTS.get(error.errno))
