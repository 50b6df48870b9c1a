"""Which peers are believed: by their address, however it is written, and what proxies add to a request."""

from __future__ import annotations

import pytest

from verwerkingenlogging import ConfigurationError
from verwerkingenlogging.requests.peers import FORWARDING_HEADERS, THIS_MACHINE, trust


@pytest.mark.parametrize(
    ("peers", "address", "trusted"),
    [
        (["10.1.0.0/16"], "10.1.2.3", True),
        (["10.1.2.3"], "10.1.2.3", True),
        (["10.1.0.0/16"], "10.2.2.3", False),
        (["2001:db8::/32"], "2001:db8::1", True),
        (["2001:db8::/32"], "10.1.2.3", False),
        (["testclient"], "testclient", True),
        ([], "127.0.0.1", False),
        (THIS_MACHINE, "127.0.0.1", True),
        (THIS_MACHINE, "::1", True),
        (THIS_MACHINE, "", False),
        (THIS_MACHINE, "unix:/run/app.sock", False),
        # An IPv4 address in its IPv6 form, as servers that listen on both give it, is that IPv4 address.
        (["10.1.0.0/16"], "::ffff:10.1.2.3", True),
        (["10.1.0.0/16"], "::FFFF:0A01:0203", True),
        (["10.1.0.0/16"], "0:0:0:0:0:ffff:a01:203", True),
        (["10.1.0.0/16"], "::ffff:10.2.2.3", False),
        (["::ffff:10.1.2.3"], "10.1.2.3", True),
        (["::ffff:10.1.2.3"], "::ffff:10.1.2.3", True),
        (["::ffff:10.1.0.0/112"], "10.1.2.3", True),
        (["::ffff:10.1.0.0/112"], "10.2.2.3", False),
        (["::ffff:0:0/96"], "192.0.2.1", True),
        (["::/0"], "192.0.2.1", False),
        (["::/0"], "2001:db8::1", True),
        (THIS_MACHINE, "::ffff:127.0.0.1", True),
        # Other IPv6 forms of an IPv4 address can be made by anybody, or do not stand for private ones.
        (["10.1.0.0/16"], "64:ff9b::10.1.2.3", False),
        (["64:ff9b::/96"], "64:ff9b::10.1.2.3", True),
        (["10.1.0.0/16"], "2002:a01:203::1", False),
        (["10.1.0.0/16"], "::10.1.2.3", False),
        (["10.1.0.0/16"], "010.001.002.003", False),
        (["10.1.0.0/16"], "10.1.2.3:1234", False),
        # A zone.
        (["fe80::1%eth0"], "fe80::1%eth0", True),
        (["fe80::1%eth0"], "fe80::1%eth1", False),
        (["fe80::1%eth0"], "fe80::1", False),
        (["fe80::1"], "fe80::1%eth0", True),
        (["fe80::/10"], "fe80::1%eth0", True),
        # A Unix socket.
        (["unix"], "", True),
        (["unix"], "unix:/run/app.sock", True),
        (["unix"], "/run/app.sock", True),
        (["unix"], "127.0.0.1", False),
        (["unix"], "unix", True),
        (["testclient"], "", False),
    ],
)
def test_an_address_is_trusted_or_not(peers: list[str], address: str, trusted: bool) -> None:
    assert trust(peers, where="peers")(address) is trusted


@pytest.mark.parametrize("peer", ["10.1.0.0/99", "not/an/address", "10.1.2.3/16", "fe80::/10%eth0", "10.1.2.3%eth0", ""])
def test_a_peer_that_is_no_address_is_named_where_it_was_given(peer: str) -> None:
    with pytest.raises(ConfigurationError, match=f'^here: trusted_peers: "{peer}" is not an address or network; write it as 10.1.0.0/16$'):
        trust([peer], where="here: trusted_peers")


def test_a_text_is_no_list_of_peers() -> None:
    with pytest.raises(ConfigurationError, match=r"^peers: must be a list"):
        trust("10.1.0.0/16", where="peers")
    with pytest.raises(ConfigurationError, match=r"^proxies: must be a list"):
        trust([], proxies="unix", where="peers", where_proxies="proxies")


HERE = ["127.0.0.1", "127.0.0.9", "::1", "::ffff:127.0.0.1", "", "unix:/run/app.sock"]


@pytest.mark.parametrize("address", HERE)
@pytest.mark.parametrize("name", sorted(FORWARDING_HEADERS))
def test_this_machine_is_not_believed_for_what_a_proxy_passed_on(address: str, name: bytes) -> None:
    trusts = trust([*THIS_MACHINE, "unix"], where="peers")
    assert trusts(address, [(b"accept", b"*/*")])
    assert not trusts(address, [(b"accept", b"*/*"), (name, b"10.1.2.3")])
    assert not trusts(address, [(name.title(), b"")])


@pytest.mark.parametrize("address", HERE)
def test_a_proxy_on_this_machine_is_believed_when_that_is_said(address: str) -> None:
    passed_on = [(b"x-forwarded-for", b"192.0.2.1")]
    assert trust([], proxies=["127.0.0.0/8", "::1", "unix"], where="peers")(address, passed_on)
    assert not trust(["127.0.0.0/8", "::1", "unix"], proxies=["10.1.0.9"], where="peers")(address, passed_on)


def test_an_address_that_was_restored_counts_whatever_the_proxy_adds() -> None:
    trusts = trust(["10.1.0.0/16"], where="peers")
    assert trusts("10.1.2.3", [(b"x-forwarded-for", b"10.1.2.3"), (b"via", b"1.1 proxy")])
    assert trusts.doubt("192.0.2.1", [(b"x-forwarded-for", b"10.1.2.3")]) == "untrusted peer"
