# Copyright: community.digicert contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

# Note that this module util is **PRIVATE** to the collection. It can have breaking changes at any time.
# Do not use this from other collections or standalone plugins/modules!

"""Create private files, and activate staged files."""

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
# Errors of a file system without hard links.
_NO_LINKS = (errno.EPERM, errno.EOPNOTSUPP, errno.ENOSYS, errno.EMLINK)


def create_private(path: str, content: bytes, permissions: Permissions) -> bool:
    """Create a private file, durably, that nobody else can read before it has its final owner and permissions.

    Args:
        path: of the file; links are followed as `resolve_target` does.
        content: all of it.
        permissions: of the file. The owner may also own folders in its path.

    Returns:
        Whether it was created; False if the file already exists, which then stays unchanged.

    Raises:
        DigicertError: it cannot be created, or other users can replace files in its folder.
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
    """Raise DigicertError if other users can replace files in the folder of a private file."""
    if not place.is_safe:
        raise DigicertError(
            f"Other users can change the directory of {printable(place.path, 500)} or one of its parents, so they "
            "could replace the private key. Let these directories belong to root or the key's owner, and make them "
            "writable by nobody else."
        )


def is_staged(path: str) -> bool:
    """Return whether there is a staged file for `path`; raises DigicertError if it is not a regular file."""
    with open_place(path + NEXT) as staged:
        descriptor = open_regular(staged)
        if descriptor is not None:
            os.close(descriptor)
        return descriptor is not None


def activate(path: str, mode: int | None, uid: int | None, gid: int | None) -> bool:
    """Replace the file in use with the staged file for `path`, atomically and durably.

    Args:
        path: of the file in use; links are followed as `resolve_target` does.
        mode: permissions; None for those of the file in use, or else of the staged one.
        uid: owner, likewise.
        gid: group, likewise.

    Returns:
        Whether there was a staged file.

    Raises:
        DigicertError: it cannot be activated. The file in use is unchanged.
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
    """Create a file in a folder that nobody else can enter, and move it to its new path; raises OSError."""
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
    """Move a file to another folder without replacing a file there; raises OSError."""
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
    """Return the requested attributes; the file in use, or else the staged one, supplies the others."""
    descriptor = open_regular(final)
    try:
        status = os.fstat(staged if descriptor is None else descriptor)
        # In another user's folder, that user may have set the file's access control list.
        extended = extended_attributes(descriptor) if descriptor is not None and final.is_safe else None
    finally:
        if descriptor is not None:
            os.close(descriptor)
    if os.geteuid() == 0:
        uid = status.st_uid if uid is None else uid
        gid = status.st_gid if gid is None else gid
    return Permissions(stat.S_IMODE(status.st_mode) & 0o777 if mode is None else mode, uid, gid, extended)
