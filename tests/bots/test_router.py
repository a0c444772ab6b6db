"""Which handler a path leads to."""

from __future__ import annotations

import pytest

from offhook.bots.router import Router
from offhook.errors import UsageError


def router(*paths: str | None) -> Router[str]:
    made: Router[str] = Router()
    for path in paths:
        made.add(path, path or "default")
    return made


@pytest.mark.parametrize(
    ("path", "found"),
    [
        ("/sales", "/sales"),
        ("/sales/", "/sales"),
        ("/api/v1/audiohook/ws/sales", "/sales"),
        ("/api/v1/audiohook/ws/vip/sales", "/vip/sales"),
        ("/presales", "default"),
        ("/sales/extra", "default"),
        ("/", "default"),
    ],
)
def test_the_longest_path_that_fits_takes_it(path: str, found: str) -> None:
    assert router(None, "/sales", "/vip/sales", "/service/").find(path) == found


def test_what_nobody_takes() -> None:
    assert not router()
    assert router("/sales").find("/other") is None


@pytest.mark.parametrize(
    ("paths", "says"),
    [
        ((None, None), "two handlers without a path"),
        (("/a", "/a"), "two handlers for '/a'"),
        (("/a", "/a/"), "two handlers for '/a'"),
        (("sales",), "begins with a slash"),
    ],
)
def test_mistakes(paths: tuple[str | None, ...], says: str) -> None:
    with pytest.raises(UsageError, match=says):
        router(*paths)
