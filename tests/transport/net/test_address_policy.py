"""Tests which addresses are public."""

from __future__ import annotations

from ipaddress import IPv4Address, IPv6Address

import pytest
from hypothesis import given
from hypothesis import strategies as st

from scrapepool.transport.net.address_policy import why_not_public

PUBLIC = [
    "1.1.1.1",
    "9.255.255.255",
    "11.0.0.0",
    "100.63.255.255",
    "100.128.0.0",
    "172.15.255.255",
    "172.32.0.0",
    "192.169.0.0",
    "198.17.255.255",
    "198.20.0.0",
    "223.255.255.255",
    "2606:4700::1111",
    "2001:4860:4860::8888",
    "::ffff:1.1.1.1",
    "64:ff9b::1.1.1.1",
    "2002:101:101::1",
]

NOT_PUBLIC = [
    "0.0.0.0",
    "0.1.2.3",
    "10.0.0.1",
    "100.64.0.1",
    "100.100.100.200",
    "127.0.0.1",
    "127.255.255.254",
    "168.63.129.16",
    "169.254.169.254",
    "172.16.0.1",
    "172.31.255.255",
    "192.0.0.192",
    "192.0.2.1",
    "192.168.1.1",
    "198.18.0.1",
    "198.51.100.1",
    "203.0.113.1",
    "224.0.0.1",
    "240.0.0.1",
    "255.255.255.255",
    "::",
    "::1",
    "::127.0.0.1",
    "::ffff:127.0.0.1",
    "::ffff:169.254.169.254",
    "::ffff:0:127.0.0.1",
    "64:ff9b::10.0.0.1",
    "64:ff9b::169.254.169.254",
    "64:ff9b:1::1.1.1.1",
    "100::1",
    "2001::1",
    "2001:db8::1",
    "2002:7f00:1::1",
    "2002:a9fe:a9fe::",
    "3fff::1",
    "5f00::1",
    "fc00::1",
    "fd00:ec2::254",
    "fe80::1",
    "fe80::1%2",
    "fec0::1",
    "ff02::1",
]


@pytest.mark.parametrize("ip", PUBLIC)
def test_what_the_internet_uses_is_public(ip: str) -> None:
    """This holds next to a range that is not public, and for an IPv4 address inside an IPv6 address."""
    assert why_not_public(ip) is None


@pytest.mark.parametrize("ip", NOT_PUBLIC)
def test_what_leads_to_this_machine_or_its_network_is_not(ip: str) -> None:
    """This holds for each spelling, and for the addresses of clouds' metadata services."""
    assert why_not_public(ip)


@given(st.ip_addresses(v=4))
def test_python_knows_no_private_address_that_is_public_here(address: IPv4Address) -> None:
    """The table is at least as strict as the interpreter's."""
    if not address.is_global:
        assert why_not_public(str(address))


@given(st.ip_addresses(v=6))
def test_python_knows_no_private_ipv6_address_that_is_public_here(address: IPv6Address) -> None:
    """The exceptions are IPv6 addresses that lead to a public IPv4 address."""
    if not address.is_global and why_not_public(str(address)) is None:
        assert address.ipv4_mapped or address.sixtofour or str(address).startswith("64:ff9b::")


@given(st.ip_addresses(v=4))
def test_an_ipv4_address_has_one_result_in_every_form(address: IPv4Address) -> None:
    """This holds for IPv4-mapped addresses, NAT64 and 6to4."""
    number = int(address)
    plain = why_not_public(str(address))
    for within in (0xFFFF << 32 | number, 0x64FF9B << 96 | number, 0x2002 << 112 | number << 80):
        assert (why_not_public(str(IPv6Address(within))) is None) is (plain is None)
