"""Proxies, plain http, clocks."""

from __future__ import annotations

import email.utils
import threading
import time
from pathlib import Path

import httpx
import pytest

from cloudtui.services.errors import Offline, Refused, Retry
from cloudtui.services.network import Network, ServerClock, is_loopback, map_transport


def network(**environ: str) -> Network:
    return Network(environ=environ)


def test_loopback_is_never_proxied() -> None:
    chosen = network(ALL_PROXY="http://proxy:1", HTTP_PROXY="http://proxy:2")
    assert chosen.proxy_for("http://127.0.0.1:8000/x") is None
    assert chosen.proxy_for("http://[::1]:8000/x") is None
    assert chosen.proxy_for("https://localhost/x") is None


def test_the_proxy_follows_the_scheme_then_all_proxy_minus_no_proxy() -> None:
    chosen = network(HTTPS_PROXY="proxy:1", all_proxy="http://proxy:2", NO_PROXY="skip.example,.in")
    assert chosen.proxy_for("https://api.example/x") == "http://proxy:1"
    assert chosen.proxy_for("http://api.example/x") == "http://proxy:2"
    assert chosen.proxy_for("https://skip.example/x") is None
    assert chosen.proxy_for("https://host.in/x") is None
    assert network().proxy_for("https://api.example/") is None


@pytest.mark.parametrize(
    ("url", "base", "allowed"),
    [
        ("https://cdn.example/x", "https://api.example", True),
        ("http://127.0.0.1:1/x", "http://127.0.0.1:2", True),
        ("http://127.0.0.1:1/x", "https://api.example", False),
        ("http://cdn.example/x", "http://127.0.0.1:2", False),
        ("ftp://cdn.example/x", "https://api.example", False),
    ],
)
def test_plain_http_is_for_this_machine_only(url: str, base: str, *, allowed: bool) -> None:
    if allowed:
        network().require_safe(url, base)
        assert url
    else:
        with pytest.raises(Refused):
            network().require_safe(url, base)


def test_a_server_that_is_ahead_is_believed_about_its_time() -> None:
    clock = ServerClock()
    clock.note("a", email.utils.formatdate(time.time() + 3600, usegmt=True))
    clock.note("b", "nonsense")
    assert clock.now("a") - time.time() == pytest.approx(3600, abs=2)
    assert clock.now("b") == pytest.approx(time.time(), abs=2)


def test_only_a_lost_answer_needs_a_look_before_the_next_try() -> None:
    request = httpx.Request("GET", "https://x")
    assert map_transport(httpx.ConnectError("no", request=request), "PikPak").retry is Retry.SOON
    lost = map_transport(httpx.ReadTimeout("no", request=request), "PikPak")
    assert lost.retry is Retry.RECONCILE
    assert isinstance(lost, Offline)
    assert "PikPak" in str(lost)


def test_what_counts_as_this_machine() -> None:
    assert is_loopback("127.8.9.1")
    assert is_loopback("::1")
    assert not is_loopback("127.0.0.1.example")
    assert not is_loopback("10.0.0.1")


async def test_an_unreadable_ca_file_is_told() -> None:
    with pytest.raises(Refused):
        _ = Network(ca_file="/nonexistent").ssl_context


async def test_the_demonstration_reaches_no_other_machine() -> None:
    chosen = network(CLOUDTUI_LOOPBACK_ONLY="1")
    async with chosen.client() as client:
        with pytest.raises(Refused):
            await client.get("https://api.example/x")
    with pytest.raises(Refused):
        chosen.require_safe("https://cdn.example/x", "http://127.0.0.1:1")
    chosen.require_safe("http://127.0.0.1:2/x", "http://127.0.0.1:1")


def test_certificates_are_read_beside_other_work() -> None:
    network = Network(environ={})
    network.prepare()
    for thread in threading.enumerate():
        if thread.name == "certificates":
            thread.join(30)
    built = network._context
    assert built is not None
    network.prepare()
    assert network.ssl_context is built


def test_certificates_that_cannot_be_read_are_told_to_who_connects(tmp_path: Path) -> None:
    network = Network(environ={}, ca_file=str(tmp_path / "none"))
    network.prepare()
    with pytest.raises(Refused, match="CLOUDTUI_CA_FILE"):
        _ = network.ssl_context
