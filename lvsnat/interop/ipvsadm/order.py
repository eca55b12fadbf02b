"""The order in which ipvsadm lists services and servers.

It compares by the difference of two unsigned numbers, taken as a signed one. So 192.0.2.1 comes
before 10.0.0.1, and of three addresses each may come before the next, in a circle: what then comes
out depends on how the C library sorts. That is a merge sort, repeated here step by step.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import TypeVar

from lvsnat.ipvs.resources import IpvsServer, IpvsService
from lvsnat.model.endpoint import Endpoint, Family, KernelListener, MarkListener, Protocol

_PROTOCOLS = {Protocol.TCP: 6, Protocol.UDP: 17, Protocol.SCTP: 132}
_WORD = 0xFFFFFFFF
_SIGN = 0x80000000

T = TypeVar("T")
Numbers = tuple[int, ...]


def in_ipvsadms_order(
    services: Sequence[IpvsService],
) -> list[IpvsService]:
    return _sort([(_service_numbers(service.listen), service) for service in services])


def servers_in_ipvsadms_order(servers: Sequence[IpvsServer]) -> list[IpvsServer]:
    return _sort([(_endpoint_numbers(server.endpoint), server) for server in servers])


def _service_numbers(listen: KernelListener) -> Numbers:
    if isinstance(listen, MarkListener):
        return (listen.mark, listen.family)
    protocol = _PROTOCOLS[listen.protocol]
    return (0, listen.family, protocol, *_endpoint_numbers(listen.endpoint))


def _endpoint_numbers(endpoint: Endpoint) -> Numbers:
    value = int(endpoint.address)
    shifts = (0,) if endpoint.family is Family.IPV4 else (96, 64, 32, 0)
    return (*(value >> shift & _WORD for shift in shifts), endpoint.port)


def _sort(items: list[tuple[Numbers, T]]) -> list[T]:
    return [value for _, value in _merge_sort(items, lambda a, b: _compare(a[0], b[0]))]


def _compare(one: Numbers, other: Numbers) -> int:
    for a, b in zip(one, other, strict=False):
        if a != b:
            return -1 if (a - b) & _SIGN else 1
    return 0


def _merge_sort(items: list[T], compare: Callable[[T, T], int]) -> list[T]:
    if len(items) < 2:  # noqa: PLR2004 - nothing to sort
        return items
    half = len(items) // 2
    left, right = _merge_sort(items[:half], compare), _merge_sort(items[half:], compare)
    merged: list[T] = []
    i = j = 0
    while i < len(left) and j < len(right):
        if compare(left[i], right[j]) <= 0:
            merged.append(left[i])
            i += 1
        else:
            merged.append(right[j])
            j += 1
    return merged + left[i:] + right[j:]
