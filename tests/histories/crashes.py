# Copyright: community.digicert contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Crashes between any two writes, and full disks: each call that changes a file can be the last one."""

from __future__ import annotations

import contextlib
import errno
import os
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import Any

CHANGING = ("write", "fsync", "replace", "rename", "unlink", "link", "ftruncate", "fchmod", "fchown", "chmod", "mkdir")
REAL = {name: getattr(os, name) for name in (*CHANGING, "open", "close")}  # runs nest, and each has its own disk


class Crash(BaseException):
    """The process was killed."""


def check_no_disk_is_left() -> None:
    """Raise AssertionError if a run did not restore the operating system's calls."""
    assert all(getattr(os, name) is real for name, real in REAL.items()), "a run left its disk in place"


class Disk:
    """The calls of the operating system that change files, for one run."""

    def __init__(
        self, crash_at: int | None = None, full_at: int | None = None, at_lock: Callable[[], None] = lambda: None
    ) -> None:
        self.calls = 0
        self._at_lock = at_lock
        self.dead = False
        self._crash_at = crash_at
        self._full_at = full_at
        self._descriptors: dict[int, os.stat_result] = {}

    def step(self, name: str) -> None:
        """Count a call; raise Crash or OSError instead of the chosen one, and Crash for every later one."""
        if self.dead:
            raise Crash
        self.calls += 1
        if self.calls == self._crash_at:
            self.die()
        if self._full_at is not None and self.calls >= self._full_at and name in ("write", "fsync", "open"):
            raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC))

    def die(self) -> None:
        """End the process here."""
        self.dead = True
        raise Crash

    @contextmanager
    def at_work(self) -> Iterator[None]:
        """Intercept the run's calls, and close files that it left open."""
        before = {name: getattr(os, name) for name in REAL}
        own: dict[str, Callable[..., Any]] = {name: self._counted(name, REAL[name]) for name in CHANGING}
        own.update(open=self._open, close=self._close)
        try:
            for name, function in own.items():
                setattr(os, name, function)
            yield
        finally:
            for name, function in before.items():
                setattr(os, name, function)
            self._close_what_is_left()

    def _close_what_is_left(self) -> None:
        for descriptor, opened in self._descriptors.items():
            # `open` closed its descriptors elsewhere, and their numbers may belong to other files now.
            with contextlib.suppress(OSError):
                if os.path.samestat(os.fstat(descriptor), opened):
                    REAL["close"](descriptor)

    def _counted(self, name: str, real: Callable[..., Any]) -> Callable[..., Any]:
        def call(*args: Any, **options: Any) -> Any:
            self.step(name)
            return real(*args, **options)

        return call

    def _open(self, path: Any, flags: int, *args: Any, **options: Any) -> int:
        if str(path).endswith(".lock"):
            self._at_lock()
        if flags & (os.O_CREAT | os.O_WRONLY | os.O_RDWR):
            self.step("open")
        elif self.dead:
            raise Crash
        descriptor: int = REAL["open"](path, flags, *args, **options)
        self._descriptors[descriptor] = os.fstat(descriptor)
        return descriptor

    def _close(self, descriptor: int) -> None:
        self._descriptors.pop(descriptor, None)
        REAL["close"](descriptor)
