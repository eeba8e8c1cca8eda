# Copyright: community.digicert contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

# Note that this module util is **PRIVATE** to the collection. It can have breaking changes at any time.
# Do not use this from other collections or standalone plugins/modules!

"""New private files, and staged files that take the place of those in use."""

from __future__ import annotations

import contextlib
import errno
import os
import stat

from ansible_collections.community.digicert.plugins.module_utils._certcentral.errors import DigicertError, printable
from ansible_collections.community.digicert.plugins.module_utils._files.paths import Place, file_error, open_place
from ansible_collections.community.digicert.plugins.module_utils._files.reading import open_regular, read_descriptor
from ansible_collections.community.digicert.plugins.module_utils._files.replacing import (
    ADVICE,
    Permissions,
    create_file,
    existing_folder,
    extended_attributes,
    remove_place,
    replace_place,
    set_permissions,
    sync_descriptor,
    sync_file,
    temporary_name,
)

NEXT = ".next"  # ends the name of a staged file

_FOLDER = os.O_RDONLY | os.O_DIRECTORY | os.O_NOFOLLOW | os.O_CLOEXEC
# What a file system says that has no hard links.
_NO_LINKS = (errno.EPERM, errno.EOPNOTSUPP, errno.ENOSYS, errno.EMLINK)


def create_private(path: str, content: bytes, permissions: Permissions) -> bool:
    """Make a private file, durably, that nobody else can read before it has its final owner and permissions.

    Args:
        path: of the file; links are followed as `resolve_target` does.
        content: all of it.
        permissions: of the file. The owner may also own folders on the way.

    Returns:
        Whether it was made; False when there is a file already, which is left as it is.

    Raises:
        DigicertError: it cannot be made, or other users can replace what is in its folder.
    """
    with open_place(path, permissions.uid) as place:
        folder = existing_folder(place)
        check_safe(place)
        aside = temporary_name()
        try:
            os.mkdir(aside, 0o700, dir_fd=folder)
            try:
                return _create_aside(place, folder, aside, content, permissions)
            finally:
                os.rmdir(aside, dir_fd=folder)
        except OSError as exc:
            raise file_error("Cannot write", place.path, exc, ADVICE) from None


def check_safe(place: Place) -> None:
    """Raise DigicertError when other users can replace what is in the folder of a private file."""
    if not place.is_safe:
        raise DigicertError(
            f"Other users can change the folder of {printable(place.path, 500)} or one of its parents, so they "
            "could replace the private key. Let these folders belong to root or the key's owner, and make them "
            "writable by nobody else."
        )


def is_staged(path: str) -> bool:
    """Return whether there is a staged file for `path`; raises DigicertError when it is not a regular file."""
    with open_place(path + NEXT) as staged:
        descriptor = open_regular(staged)
        if descriptor is not None:
            os.close(descriptor)
        return descriptor is not None


def activate(path: str, mode: int | None, uid: int | None, gid: int | None) -> bool:
    """Put the staged file for `path` in the place of the one in use, at once and durably.

    Args:
        path: of the file in use; links are followed as `resolve_target` does.
        mode: permissions; None for those of the file in use, or else of the staged one.
        uid: owner, likewise.
        gid: group, likewise.

    Returns:
        Whether there was a staged file.

    Raises:
        DigicertError: it cannot be activated. The file in use is as it was.
    """
    with open_place(path + NEXT) as staged, open_place(path) as final:
        descriptor = open_regular(staged)
        if descriptor is None:
            return False
        try:
            if os.fstat(descriptor).st_nlink > 1 and not staged.is_safe:
                raise DigicertError(f"{printable(staged.path, 500)} is a hard link to another file. Remove it.")
            permissions = _permissions(descriptor, final, mode, uid, gid)
            if os.path.dirname(staged.path) == os.path.dirname(final.path):
                set_permissions(descriptor, permissions)
                sync_file(descriptor)
                os.rename(staged.name, final.name, src_dir_fd=staged.folder, dst_dir_fd=final.folder)
                sync_descriptor(existing_folder(final))
            else:  # a link leads to another folder, perhaps on another disk
                replace_place(final, read_descriptor(descriptor, staged.path), permissions)
                remove_place(staged)
        except OSError as exc:
            raise file_error("Cannot activate", staged.path, exc, ADVICE) from None
        finally:
            os.close(descriptor)
    return True


def _create_aside(place: Place, folder: int, aside: str, content: bytes, permissions: Permissions) -> bool:
    """Make a file in a folder that nobody else can enter, and move it where there is none yet; raises OSError."""
    inner = os.open(aside, _FOLDER, dir_fd=folder)
    try:
        create_file(inner, place.name, content, permissions)
        try:
            moved = _move_new(place.name, inner, folder)
        finally:
            with contextlib.suppress(FileNotFoundError):
                os.unlink(place.name, dir_fd=inner)
        sync_descriptor(folder)
        return moved
    finally:
        os.close(inner)


def _move_new(name: str, source: int, target: int) -> bool:
    """Give a file its place in another folder, but never that of another file; raises OSError."""
    try:
        os.link(name, name, src_dir_fd=source, dst_dir_fd=target, follow_symlinks=False)
    except FileExistsError:
        return False
    except OSError as exc:
        if exc.errno not in _NO_LINKS:
            raise
        with contextlib.suppress(FileNotFoundError):
            os.stat(name, dir_fd=target, follow_symlinks=False)
            return False
        os.rename(name, name, src_dir_fd=source, dst_dir_fd=target)
    return True


def _permissions(staged: int, final: Place, mode: int | None, uid: int | None, gid: int | None) -> Permissions:
    """Return what is asked for, filled up with what the file in use has, or else the staged one."""
    descriptor = open_regular(final)
    try:
        status = os.fstat(staged if descriptor is None else descriptor)
        # In a folder of somebody else, so may be the access control list of the file there.
        extended = extended_attributes(descriptor) if descriptor is not None and final.is_safe else None
    finally:
        if descriptor is not None:
            os.close(descriptor)
    if os.geteuid() == 0:
        uid = status.st_uid if uid is None else uid
        gid = status.st_gid if gid is None else gid
    return Permissions(stat.S_IMODE(status.st_mode) & 0o777 if mode is None else mode, uid, gid, extended)
