# Copyright: community.digicert contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

# Note that this module util is **PRIVATE** to the collection. It can have breaking changes at any time.
# Do not use this from other collections or standalone plugins/modules!

"""A lock between runs on one host, and between hosts on a shared file system with locks."""

from __future__ import annotations

import contextlib
import errno
import fcntl
import os
import time
import typing as t

from ansible_collections.community.digicert.plugins.module_utils._certcentral.errors import DigicertError, printable
from ansible_collections.community.digicert.plugins.module_utils._files.paths import Place, file_error, open_place
from ansible_collections.community.digicert.plugins.module_utils._files.reading import open_regular

LOOK_AGAIN = 0.2  # seconds between two tries to get the lock
# Another process has it. Some network file systems return EACCES.
_BUSY = (errno.EWOULDBLOCK, errno.EAGAIN, errno.EACCES)
# Errors of a file system without locks, or without locks for this type of file; the work continues without one.
_NO_LOCKS = (errno.ENOLCK, errno.ENOSYS, errno.EOPNOTSUPP, errno.ENOTSUP, errno.EINVAL, errno.EBADF, errno.ENOTTY)


class FileLock:
    """A lock with its own file; the system releases it when the process ends in any way."""

    def __init__(self, path: str, place: Place | None = None) -> None:
        """Set the path of the file; nothing is opened yet.

        Args:
            path: of the file.
            place: the file with its open folder, for a caller that has one; it stays open as long as the lock.
        """
        self.path = path
        self._place = place
        self._descriptor: int | None = None

    def acquire(self, patience: float) -> bool:
        """Get the lock.

        Args:
            patience: seconds to wait for another process to release it.

        Returns:
            Whether it was acquired in time. Also true if the file system does not have locks.

        Raises:
            DigicertError: the file cannot be created or locked, or is not a regular file.
        """
        give_up = time.monotonic() + patience
        while True:
            with self._open_place() as place:
                descriptor = open_regular(place, os.O_RDWR | os.O_CREAT)
                if descriptor is not None:
                    if self._is_locked(descriptor, place):
                        self._descriptor = descriptor
                        return True
                    os.close(descriptor)
                elif place.folder is None or os.fstat(place.folder).st_nlink == 0:
                    path = printable(self.path, 500)
                    raise DigicertError(f"The directory of {path} does not exist. Create it first.")
                else:
                    # As /proc does.
                    raise DigicertError(
                        f"Cannot create {printable(self.path, 500)}: its file system does not allow it."
                    )
            if time.monotonic() >= give_up:
                return False
            time.sleep(LOOK_AGAIN)

    def release(self) -> None:
        """Release the lock and remove its file; does nothing if it is not held."""
        descriptor, self._descriptor = self._descriptor, None
        if descriptor is None:
            return
        with contextlib.suppress(OSError, DigicertError), self._open_place() as place:
            if place.folder is not None and _is_in_place(descriptor, place):
                os.unlink(place.name, dir_fd=place.folder)
        os.close(descriptor)

    def _open_place(self) -> t.ContextManager[Place]:
        # The file is removed in the end, so it must not be a link to somebody else's.
        return open_place(self.path, may_be_link=False) if self._place is None else contextlib.nullcontext(self._place)

    def _is_locked(self, descriptor: int, place: Place) -> bool:
        """Try to lock an open file; if the previous holder removed the file, it does not count as a lock."""
        try:
            return _try_lock(descriptor) and _is_in_place(descriptor, place)
        except OSError as exc:
            os.close(descriptor)
            raise file_error("Cannot lock", self.path, exc, "Check the file system.") from None


def _try_lock(descriptor: int) -> bool:
    """Lock an open file; return False if another process has the lock. Raises OSError."""
    try:
        fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except OSError as exc:
        if exc.errno in _BUSY:
            return False
        if exc.errno not in _NO_LOCKS:
            raise
    return True


def _is_in_place(descriptor: int, place: Place) -> bool:
    """Return whether an open file is still the one at its place; raises OSError."""
    try:
        own = os.fstat(descriptor)
        there = os.stat(place.name, dir_fd=place.folder, follow_symlinks=False)
    except OSError as exc:
        if exc.errno in (errno.ENOENT, errno.ESTALE):
            return False
        raise
    # A network file system may cache a name after another host removed the file, but not the number of links.
    return own.st_nlink > 0 and os.path.samestat(own, there)
