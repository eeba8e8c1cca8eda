# Copyright: community.digicert contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

# Note that this module util is **PRIVATE** to the collection. It can have breaking changes at any time.
# Do not use this from other collections or standalone plugins/modules!

"""Write files so that a crash or a power loss never leaves half a file, and other users never see private content."""

from __future__ import annotations

import contextlib
import errno
import os
import typing as t

from ansible_collections.community.digicert.plugins.module_utils._certcentral.errors import DigicertError, printable
from ansible_collections.community.digicert.plugins.module_utils._files.paths import Place, file_error, open_place

ADVICE = "Make the directory writable, or free disk space, and run the task again."
# Errors of a file system that cannot flush on demand.
_NO_SYNC = (errno.EINVAL, errno.EROFS, errno.EOPNOTSUPP, errno.ENOSYS, errno.EBADF, errno.EACCES, errno.EPERM)
_NEW = os.O_WRONLY | os.O_CREAT | os.O_EXCL | os.O_NOFOLLOW | os.O_CLOEXEC


class Permissions(t.NamedTuple):
    """The permissions of a new file.

    Attributes:
        mode: permissions.
        uid: its owner, None for the task's user.
        gid: its group, None for the one that the system gives.
        extended: extended attributes, set as far as the task's user may set them.
    """

    mode: int
    uid: int | None = None
    gid: int | None = None
    extended: t.Mapping[str, bytes] | None = None


def replace_file(path: str, content: bytes, *, mode: int, uid: int | None = None, gid: int | None = None) -> None:
    """Write a file, atomically and durably; only the task's user can read it until it is complete.

    Args:
        path: of the file; links are followed as `resolve_target` does.
        content: all of it.
        mode: see `Permissions`.
        uid: see `Permissions`.
        gid: see `Permissions`.

    Raises:
        DigicertError: it cannot be written; its cause is the OSError. The old file is unchanged.
    """
    with open_place(path) as place:
        replace_place(place, content, Permissions(mode, uid, gid))


def replace_place(place: Place, content: bytes, permissions: Permissions) -> None:
    """Like `replace_file`, for a place with an open folder."""
    folder = existing_folder(place)
    temporary = temporary_name()
    try:
        create_file(folder, temporary, content, permissions)
        try:
            os.rename(temporary, place.name, src_dir_fd=folder, dst_dir_fd=folder)
        except BaseException:
            os.unlink(temporary, dir_fd=folder)
            raise
        sync_descriptor(folder)
    except OSError as exc:
        raise file_error("Cannot write", place.path, exc, ADVICE) from exc


def create_file(folder: int, name: str, content: bytes, permissions: Permissions) -> None:
    """Create and flush a new file in an open folder; raises OSError, also if it exists, and leaves no new file then."""
    descriptor = os.open(name, _NEW, 0o600, dir_fd=folder)
    try:
        write_all(descriptor, content)
        set_permissions(descriptor, permissions)
        sync_file(descriptor)
    except BaseException:
        os.unlink(name, dir_fd=folder)
        raise
    finally:
        os.close(descriptor)


def set_permissions(descriptor: int, permissions: Permissions) -> None:
    """Give an open file its owner and permissions; raises OSError."""
    mode, uid, gid, extended = permissions
    if uid is not None or gid is not None:
        os.fchown(descriptor, -1 if uid is None else uid, -1 if gid is None else gid)
    for attribute, value in (extended or {}).items():
        with contextlib.suppress(OSError):
            os.setxattr(descriptor, attribute, value)
    # Last, because changing the owner clears bits, and an access control list changes those of the group.
    os.fchmod(descriptor, mode)


def overwrite(descriptor: int, content: bytes) -> None:
    """Overwrite a file that cannot be replaced, such as a mount; a crash leaves half of it. Raises OSError."""
    os.ftruncate(descriptor, 0)
    os.lseek(descriptor, 0, os.SEEK_SET)
    write_all(descriptor, content)
    sync_file(descriptor)


def write_all(descriptor: int, content: bytes) -> None:
    """Write all bytes, even if the system writes a part at a time; raises OSError."""
    rest = memoryview(content)
    while rest:
        rest = rest[os.write(descriptor, rest) :]


def extended_attributes(descriptor: int) -> dict[str, bytes]:
    """Return an open file's extended attributes: access control list, SELinux context, and those of users."""
    found = {}
    with contextlib.suppress(OSError, AttributeError):  # not supported here
        for name in os.listxattr(descriptor):
            found[name] = os.getxattr(descriptor, name)
    return found


def remove_place(place: Place) -> bool:
    """Remove a file durably; return whether there was one. Raises DigicertError."""
    if place.folder is None:
        return False
    try:
        os.unlink(place.name, dir_fd=place.folder)
        sync_descriptor(place.folder)
    except FileNotFoundError:
        return False
    except OSError as exc:
        raise file_error("Cannot remove", place.path, exc, ADVICE) from None
    return True


def sync_folder(path: str) -> None:
    """Make changes in a folder durable, even in case of a power loss; raises DigicertError."""
    try:
        descriptor = os.open(path, os.O_RDONLY | os.O_DIRECTORY | os.O_CLOEXEC)
    except OSError as exc:
        if exc.errno not in _NO_SYNC:
            raise file_error("Cannot flush the directory", path, exc) from None
        return
    try:
        sync_file(descriptor)
    except OSError as exc:
        raise file_error("Cannot flush the directory", path, exc) from None
    finally:
        os.close(descriptor)


def sync_descriptor(folder: int) -> None:
    """Like `sync_folder`, for an open folder; raises OSError."""
    try:
        # A descriptor for passing through cannot be flushed.
        descriptor = os.open(".", os.O_RDONLY | os.O_DIRECTORY | os.O_CLOEXEC, dir_fd=folder)
    except OSError as exc:
        if exc.errno not in _NO_SYNC:
            raise
        return
    try:
        sync_file(descriptor)
    finally:
        os.close(descriptor)


def sync_file(descriptor: int) -> None:
    """Flush an open file or folder to the disk, if the file system supports that; raises OSError."""
    try:
        os.fsync(descriptor)
    except OSError as exc:
        if exc.errno not in _NO_SYNC:
            raise


def temporary_name() -> str:
    """Return an unguessable name that is short enough for every file system."""
    return f".digicert-{os.urandom(8).hex()}"


def existing_folder(place: Place) -> int:
    """Return the open folder of a place; raises DigicertError if it does not exist."""
    if place.folder is None:
        raise DigicertError(f"The directory of {printable(place.path, 500)} does not exist. Create it first.")
    return place.folder
