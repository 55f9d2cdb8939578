"""Which addresses are public, so that ``--deny-private`` allows connections to them.

The tables are copied from IANA's registries of special-purpose addresses (RFC 6890), because the tables in Python's
``ipaddress`` change between patch releases. This module knows no host names, no sockets and no proxies.
"""

from __future__ import annotations

from functools import lru_cache
from ipaddress import IPv4Address, IPv4Network, IPv6Address, IPv6Network, ip_address

_IPV4: tuple[tuple[IPv4Network, str], ...] = tuple(
    (IPv4Network(network), what)
    for network, what in (
        ("0.0.0.0/8", "this machine"),  # RFC 1122 section 3.2.1.3
        ("10.0.0.0/8", "a private network"),  # RFC 1918
        ("100.64.0.0/10", "a provider's shared network"),  # RFC 6598; a cloud's metadata service is at 100.100.100.200
        ("127.0.0.0/8", "this machine"),  # RFC 1122 section 3.2.1.3
        ("168.63.129.16/32", "a cloud's own services"),  # Azure has it on all of its machines
        ("169.254.0.0/16", "link-local"),  # RFC 3927; clouds' metadata services are at 169.254.169.254
        ("172.16.0.0/12", "a private network"),  # RFC 1918
        ("192.0.0.0/24", "reserved"),  # RFC 6890 section 2.1; a cloud's metadata service is at 192.0.0.192
        ("192.0.2.0/24", "for documentation"),  # RFC 5737
        ("192.88.99.0/24", "reserved"),  # RFC 7526
        ("192.168.0.0/16", "a private network"),  # RFC 1918
        ("198.18.0.0/15", "for benchmarks"),  # RFC 2544
        ("198.51.100.0/24", "for documentation"),  # RFC 5737
        ("203.0.113.0/24", "for documentation"),  # RFC 5737
        ("224.0.0.0/4", "multicast"),  # RFC 5771
        ("240.0.0.0/4", "reserved"),  # RFC 1112 section 4, RFC 919 section 7
    )
)

_GLOBAL_IPV6 = IPv6Network("2000::/3")
"""The addresses that are assigned for use on the internet (RFC 4291 section 2.4)."""

_IPV6: tuple[tuple[IPv6Network, str], ...] = tuple(
    (IPv6Network(network), what)
    for network, what in (
        ("::/128", "this machine"),  # RFC 4291 section 2.5.2
        ("::1/128", "this machine"),  # RFC 4291 section 2.5.3
        ("64:ff9b:1::/48", "a network's own NAT64"),  # RFC 8215
        ("2001::/23", "reserved"),  # RFC 2928, with Teredo, which leads to any IPv4 address
        ("2001:db8::/32", "for documentation"),  # RFC 3849
        ("3fff::/20", "for documentation"),  # RFC 9637
        ("fc00::/7", "a private network"),  # RFC 4193; a cloud's metadata service is at fd00:ec2::254
        ("fe80::/10", "link-local"),  # RFC 4291 section 2.5.6
        ("fec0::/10", "a private network"),  # RFC 3879
        ("ff00::/8", "multicast"),  # RFC 4291 section 2.7
    )
)

_WITH_IPV4: tuple[tuple[IPv6Network, int], ...] = (
    (IPv6Network("::ffff:0:0/96"), 0),  # IPv4-mapped, RFC 4291 section 2.5.5.2
    (IPv6Network("64:ff9b::/96"), 0),  # NAT64, RFC 6052 section 2.1
    (IPv6Network("2002::/16"), 80),  # 6to4, RFC 3056 section 2
)
"""Networks whose addresses contain an IPv4 address that they lead to, and the number of bits after it."""


@lru_cache(maxsize=4096)
def why_not_public(ip: str) -> str | None:
    """Return what kind of address this is, in a few words, if it is not public; None if it is public.

    ip: an address in the form that getaddrinfo returns; an IPv6 address may have a zone. Raises ValueError for others.
    """
    address = ip_address(ip)
    return _ipv4(address) if isinstance(address, IPv4Address) else _ipv6(IPv6Address(int(address)))


def _ipv4(address: IPv4Address) -> str | None:
    return next((what for network, what in _IPV4 if address in network), None)


def _ipv6(address: IPv6Address) -> str | None:
    for network, after in _WITH_IPV4:
        if address in network:
            within = IPv4Address(int(address) >> after & 0xFFFF_FFFF)
            what = _ipv4(within)
            return None if what is None else f"{what}, {within}"
    what = next((what for network, what in _IPV6 if address in network), None)
    return what or (None if address in _GLOBAL_IPV6 else "reserved")
