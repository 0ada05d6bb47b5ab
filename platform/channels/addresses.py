"""Which addresses the platform may connect to: the public internet, and what the operator allows beyond it."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from ipaddress import IPv4Address, IPv4Network, IPv6Address, IPv6Network, ip_address, ip_network

from metadata.problems import Invalid, kind

BAD_ALLOWANCE = kind(
    "egress.bad_allowance",
    en="METALOOM_EGRESS_ALLOW holds “{given}”. Write addresses or networks, with a port if only one is meant, "
    "separated by commas: 10.1.0.0/16, 127.0.0.1:8080, [fd00::1]:443; or a port of any public address: :9443.",
    zh="METALOOM_EGRESS_ALLOW 中的“{given}”无效。请填写地址或网段，可带端口，以逗号分隔："
    "10.1.0.0/16, 127.0.0.1:8080, [fd00::1]:443；或公网地址的端口：:9443。",
)

Address = IPv4Address | IPv6Address
Network = IPv4Network | IPv6Network

PORTS = frozenset({80, 443, 8080, 8443})
"""Where programs of other people listen to HTTP. Further ones are the operator's to allow."""

_CLOSED_4 = tuple(
    map(
        IPv4Network,
        (
            "0.0.0.0/8",  # this network; many systems take it for themselves
            "10.0.0.0/8",
            "100.64.0.0/10",  # carriers; metadata of one cloud
            "127.0.0.0/8",
            "168.63.129.16/32",  # a public address by which one cloud reaches its own machines
            "169.254.0.0/16",  # link-local; metadata of most clouds
            "172.16.0.0/12",
            "192.0.0.0/24",  # protocol assignments; metadata of one cloud
            "192.0.2.0/24",
            "192.31.196.0/24",
            "192.52.193.0/24",
            "192.88.99.0/24",
            "192.168.0.0/16",
            "192.175.48.0/24",
            "198.18.0.0/15",
            "198.51.100.0/24",
            "203.0.113.0/24",
            "224.0.0.0/4",
            "240.0.0.0/4",
        ),
    )
)
_OPEN_6 = IPv6Network("2000::/3")
"""All that is given to anybody as public addresses; everything else is closed."""
_CLOSED_6 = tuple(
    map(
        IPv6Network,
        (
            "2001::/23",  # protocol assignments, Teredo among them
            "2001:db8::/32",
            "2002::/16",  # 6to4: holds an address of version 4
            "2620:4f:8000::/48",
            "3fff::/20",
        ),
    )
)
_NAT64 = IPv6Network("64:ff9b::/96")


@dataclass(frozen=True, slots=True)
class Allowance:
    """What the operator allows beyond the public internet. `network` None: any public address."""

    network: Network | None
    port: int | None = None


def allowances(text: str) -> tuple[Allowance, ...]:
    """METALOOM_EGRESS_ALLOW as values. Raises Invalid."""
    return tuple(_allowance(each) for part in text.split(",") if (each := part.strip()))


def _allowance(text: str) -> Allowance:
    host, port = text, ""
    if text.startswith("["):
        host, _, port = text[1:].partition("]")
        port = port.removeprefix(":") if port.startswith(":") else ("x" if port else "")
    elif text.count(":") == 1:
        host, _, port = text.partition(":")
    try:
        number = _port(port)
        if not host:
            if number is None:
                raise ValueError
            return Allowance(None, number)
        return Allowance(ip_network(host), number)
    except ValueError:
        raise Invalid(BAD_ALLOWANCE("METALOOM_EGRESS_ALLOW", given=text)) from None


def _port(text: str) -> int | None:
    if not text:
        return None
    if not (text.isascii() and text.isdigit() and 0 < int(text) < 65536):
        raise ValueError
    return int(text)


def parsed(text: str) -> Address:
    """An address as the system's resolver gives it. Raises ValueError, also for one with a zone."""
    found = ip_address(text)
    if isinstance(found, IPv6Address) and found.scope_id is not None:
        raise ValueError(text)
    return found


def may_reach(address: Address, port: int, allowed: Sequence[Allowance] = ()) -> bool:
    """Whether this address and port may be connected to."""
    plain = _within(address)
    for each in allowed:
        if each.network is not None and each.port in (None, port) and _lies_in(each.network, address, plain):
            return True
    ports = PORTS | {each.port for each in allowed if each.network is None}
    return port in ports and is_public(address)


def _lies_in(network: Network, address: Address, plain: Address) -> bool:
    return any(each.version == network.version and each in network for each in (address, plain))


def is_public(address: Address) -> bool:
    """Whether an address is somewhere on the internet, for everybody and not for this machine or network alone."""
    found = _within(address)
    if isinstance(found, IPv4Address):
        return not any(found in each for each in _CLOSED_4)
    return found in _OPEN_6 and not any(found in each for each in _CLOSED_6)


def _within(address: Address) -> Address:
    """The address of version 4 that one of version 6 is only another spelling of, or is translated to."""
    if isinstance(address, IPv6Address):
        if address.ipv4_mapped is not None:
            return address.ipv4_mapped
        if address in _NAT64:
            return IPv4Address(int(address) & 0xFFFFFFFF)
    return address
