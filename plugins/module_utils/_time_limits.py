# Copyright: community.digicert contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

# Note that this module util is **PRIVATE** to the collection. It can have breaking changes at any time.
# Do not use this from other collections or standalone plugins/modules!

"""A time limit for a whole HTTP exchange, and for the thread that is left behind when it is over."""

from __future__ import annotations

import threading
import time
import typing as t

from ansible_collections.community.digicert.plugins.module_utils._http_errors import (
    REQUESTS_IMPORT_ERROR,
    OverdueError,
)

if REQUESTS_IMPORT_ERROR is None:
    import requests

T = t.TypeVar("T")

GRACE = 0.25  # seconds that the socket's own time limit, which knows more, has to speak first


def within(seconds: float, call: t.Callable[[], T]) -> T:
    """Return what `call` returns, or raise what it raises, or `OverdueError` when that takes longer than `seconds`.

    A socket's time limit starts anew with each byte and does not cover name look-up; a thread that is left behind does.
    """
    results: list[T] = []
    failures: list[BaseException] = []

    def run() -> None:
        try:
            results.append(call())
        except BaseException as exc:  # noqa: BLE001 (handed to the waiting thread)
            failures.append(exc)

    thread = threading.Thread(target=run, daemon=True)
    thread.start()
    thread.join(seconds + GRACE)
    if failures:
        raise failures[0]
    if not results:
        raise OverdueError
    return results[0]


def timely_adapter() -> requests.adapters.HTTPAdapter:
    """Return an adapter whose connections are not used when making them took longer than their time limit.

    A thread that was left behind in name look-up or while connecting would otherwise send its request later, when its
    sender has given it up and looked whether it was carried out.
    """

    class Adapter(requests.adapters.HTTPAdapter):
        def init_poolmanager(self, *args: t.Any, **options: t.Any) -> None:
            super().init_poolmanager(*args, **options)
            _make_timely(self.poolmanager)

        def proxy_manager_for(self, *args: t.Any, **options: t.Any) -> t.Any:
            return _make_timely(super().proxy_manager_for(*args, **options))

    return Adapter()


def _make_timely(manager: t.Any) -> t.Any:
    """Return an urllib3 PoolManager, of whatever kind, whose connections give up late."""
    pools = manager.pool_classes_by_scheme
    manager.pool_classes_by_scheme = {scheme: _timely_pool(pool) for scheme, pool in pools.items()}
    return manager


def _timely_pool(pool: type) -> type:
    connection: t.Any = pool.ConnectionCls  # type: ignore[attr-defined]

    def connect(self: t.Any) -> None:
        end = time.monotonic() + self.timeout
        connection.connect(self)
        if time.monotonic() > end:
            self.close()
            raise OverdueError

    timely = type(connection.__name__, (connection,), {"connect": connect})
    return type(pool.__name__, (pool,), {"ConnectionCls": timely})
