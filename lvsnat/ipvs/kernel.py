"""The kernel's IPVS as typed operations over one netlink session."""

from __future__ import annotations

import errno
from collections.abc import Callable, Iterator, Sequence
from typing import TypeVar

from lvsnat.errors import LvsnatError
from lvsnat.ipvs import codec, controls
from lvsnat.ipvs.codec import ServerEntry, ServiceEntry
from lvsnat.ipvs.controls import KernelInfo, SyncDaemon, SyncRole
from lvsnat.ipvs.netlink import (
    KernelRefusalError,
    Message,
    Session,
    Transport,
    table_keeps_changing,
)
from lvsnat.ipvs.refusal import no_permission
from lvsnat.ipvs.uapi import HEADERS, Command
from lvsnat.model.config import Timeouts
from lvsnat.model.endpoint import KernelListener

_DUMP_ATTEMPTS = 20
_GET_SERVICES = HEADERS[Command.GET_SERVICE]

# Where the attributes of a service or a server begin after its generic netlink and nesting headers,
# and how many bytes of them are sure to hold its key.
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
        """Every service, its servers after it, in the kernel's order."""
        for message in self._steady(_GET_SERVICES):
            entry = codec.decode_service(*message)
            if entry is None:
                continue
            yield entry
            service = entry.service
            for reply in self._steady(codec.encode_key(Command.GET_DEST, service.listen)):
                yield codec.decode_server(*reply, service)

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

    def _steady(self, payload: bytes) -> list[Message]:
        """A dump that nothing disturbed.

        Between the datagrams of a dump the kernel goes on by counting entries, and it does not say
        when they have moved: what is removed or rehashed meanwhile makes it miss some and repeat
        others. So a dump of several datagrams counts only when the next one agrees.
        """
        last = self._dump(payload)
        if not last or last[0].data is last[-1].data:
            return last
        for _ in range(_DUMP_ATTEMPTS):
            this = self._dump(payload)
            if _keys(this) == _keys(last):
                return this
            last = this
        raise table_keeps_changing()

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


def _keys(messages: list[Message]) -> list[bytes]:
    return [data[start + _BODY : start + _BODY + _KEY] for data, start, _ in messages]


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
