"""Which endpoint comes first: what is near, what was never measured, what has just failed."""

from __future__ import annotations

from offhook.connector.endpoints import Endpoints
from offhook.connector.integrations import Endpoint, Integration

THREE = Integration(
    name="x", uri="wss://a.example/", endpoints=(Endpoint("wss://b.example/"), Endpoint("wss://c.example/"))
)


def order(endpoints: Endpoints) -> str:
    return "".join(place.uri[6] for place in endpoints.order(THREE))


def test_order():
    now = [0.0]
    endpoints = Endpoints(lambda: now[0], left_for=30.0)
    assert order(endpoints) == "abc"
    endpoints.measured("wss://c.example/", 0.05)
    assert order(endpoints) == "cab"
    endpoints.measured("wss://b.example/", 0.02)
    assert order(endpoints) == "bca"
    endpoints.failed("wss://b.example/")
    assert order(endpoints) == "cab"
    now[0] = 31.0
    assert order(endpoints) == "bca"
    endpoints.failed("wss://b.example/")
    endpoints.worked("wss://b.example/")
    assert order(endpoints) == "bca"
    for _ in range(20):
        endpoints.measured("wss://b.example/", 0.5)
    assert order(endpoints) == "cba"
    assert 0.4 < endpoints.round_trip("wss://b.example/") <= 0.5
