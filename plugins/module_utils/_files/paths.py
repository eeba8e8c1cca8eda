# Copyright: community.digicert contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

# Note that this module util is **PRIVATE** to the collection. It can have breaking changes at any time.
# Do not use this from other collections or standalone plugins/modules!

"""Resolve a path by a walk from the root that follows a link only if no other user can have created it.

The walk opens each folder relative to the previous one and never lets the kernel follow a link. If somebody replaces a
folder with a link between two steps, the walk ends instead of going elsewhere. This file does not import Ansible.
"""

from __future__ import annotations

import contextlib
import errno
import grp
import os
import pwd
import stat
import typing as t
import unicodedata

from ansible_collections.community.digicert.plugins.module_utils._certcentral.errors import DigicertError, printable

# With this flag, a walk through a folder does not need permission to list it.
_PASS = getattr(os, "O_PATH", os.O_RDONLY) | os.O_DIRECTORY | os.O_NOFOLLOW | os.O_CLOEXEC
_MOST_LINKS = 40  # as many as Linux follows, see path_resolution(7)
_ACL = "system.posix_acl_access"


class Place(t.NamedTuple):
    """The place of a file that may not exist yet.

    Attributes:
        path: its absolute path without links, `.` and `..`.
        name: the last part of it.
        folder: descriptor of its folder, None if that does not exist.
        is_safe: every folder in the path belongs to a trusted user, and nobody else can replace its entries; entries
            of a folder with the sticky bit are safe when a trusted user owns them.
    """

    path: str
    name: str
    folder: int | None
    is_safe: bool


def resolve_target(path: str) -> str:
    """Return the absolute path of the file that is read or written for `path`, without links, `.` and `..`.

    Links are followed only if the link and every folder in its path belong to root or the task's user, and nobody else
    can write there. A file or folder that does not exist is fine.

    Raises:
        DigicertError: a link must not be followed, or a part of the path is invalid.
    """
    with open_place(path) as place:
        return place.path


@contextlib.contextmanager
def open_place(path: str, owner: int | None = None, *, may_be_link: bool = True) -> t.Iterator[Place]:
    """Open the folder of a file, and keep it open.

    Args:
        path: of the file; relative paths and `~` are allowed.
        owner: id of another trusted user besides root and the task's user.
        may_be_link: whether the file itself may be a link to another one.

    Raises:
        DigicertError: see `resolve_target`.
    """
    if not path:
        raise DigicertError("The path of a file is empty. Set it.")
    walk = _Walk(path, {0, os.geteuid()} | (set() if owner is None else {owner}), may_be_link)
    try:
        yield walk.place()
    finally:
        walk.close()


def same_file(one: str, other: str) -> bool:
    """Return whether two paths lead to the same file.

    Existing files are compared by inode. Otherwise, the spelling decides. Because the file system may ignore case,
    paths that differ only in case count as the same.
    """
    found = []
    for path in (one, other):
        try:
            found.append(os.stat(os.path.expanduser(path)))
        except (OSError, ValueError):
            continue
    if len(found) == 2:
        return os.path.samestat(found[0], found[1])
    spelled = [os.path.realpath(os.path.expanduser(path)) for path in (one, other)]
    if found:
        return spelled[0] == spelled[1]
    return len({unicodedata.normalize("NFC", path).casefold() for path in spelled}) == 1


def file_error(what: str, path: str, exc: OSError | ValueError, advice: str = "") -> DigicertError:
    """Return the error for a failed file operation.

    Args:
        what: begins the sentence, as in "Cannot read".
        path: of the file.
        exc: what the system raised.
        advice: what to do, unless another user could do it.
    """
    reason = exc.strerror if isinstance(exc, OSError) else None
    if isinstance(exc, PermissionError) and os.geteuid() != 0:
        advice = "Run the task as a user who has access, for example with become: true."
    return DigicertError(f"{what} {printable(path, 500)}: {reason or 'the path is not valid'}. {advice}".strip())


class _Walk:
    """One walk; `place` returns where it ended."""

    def __init__(self, path: str, trusted: set[int], may_be_link: bool) -> None:
        self._given = path
        self._may_be_link = may_be_link
        self._trusted = trusted
        self._links = 0
        self._followed_last = False  # the file itself was a link
        self._safe = True
        self._resolved: list[str] = []
        self._folder: int | None = None
        self._status: os.stat_result | None = None
        self._name = ""
        try:
            self._rest = _parts(os.path.join(os.getcwd(), os.path.expanduser(path)))
            self._enter("/", None)
            self._run()
        except (OSError, ValueError) as exc:
            self.close()
            raise file_error("Cannot follow the path", self._given, exc, "Correct the path.") from None
        except BaseException:
            self.close()
            raise

    def place(self) -> Place:
        """Return where the walk ended; raises DigicertError."""
        if not self._name:
            raise DigicertError(f"{printable(self._given, 500)} is a directory. Use the path of a file.")
        path = "/" + "/".join([*self._resolved, self._name])
        return Place(path, self._name, self._folder, self._safe)

    def close(self) -> None:
        """Close the folder."""
        if self._folder is not None:
            os.close(self._folder)
            self._folder = None

    def _run(self) -> None:
        while self._rest:
            part = self._rest.pop(0)
            if part == "..":
                self._enter("..", None)
                self._resolved = self._resolved[:-1]
                continue
            try:
                status = os.stat(part, dir_fd=self._folder, follow_symlinks=False)
            except FileNotFoundError:
                status = None
            self._safe = self._safe and self._is_safe_step(status)
            if status is not None and stat.S_ISLNK(status.st_mode):
                self._follow(part, status)
            elif not self._rest:
                self._finish(part, status)
            elif status is None:
                self._leave(part)
            else:
                self._enter(part, status)
                self._resolved.append(part)

    def _enter(self, part: str, status: os.stat_result | None) -> None:
        if status is not None and not stat.S_ISDIR(status.st_mode):
            raise NotADirectoryError(errno.ENOTDIR, f"{part!r} is not a directory")
        folder = os.open(part, _PASS, dir_fd=self._folder)
        self.close()
        self._folder = folder
        self._status = os.fstat(folder)

    def _follow(self, part: str, status: os.stat_result) -> None:
        """Replace a link with its target; raises DigicertError if another user can change it."""
        link = "/" + "/".join([*self._resolved, part])
        if not self._rest and not self._may_be_link:
            raise DigicertError(f"{printable(link, 500)} must not be a link. Remove it.")
        if not self._safe or status.st_uid not in self._trusted or self._writable_by_others():
            raise self._link_error(link)
        self._links += 1
        if self._links > _MOST_LINKS:
            raise OSError(errno.ELOOP, "Too many links")
        self._followed_last = self._followed_last or not self._rest
        target = os.readlink(part, dir_fd=self._folder)
        self._rest = [*_parts(target), *self._rest]
        if target.startswith("/"):
            self._enter("/", None)
            self._resolved = []

    def _finish(self, part: str, status: os.stat_result | None) -> None:
        self._name = part
        if status is not None and stat.S_ISDIR(status.st_mode):
            raise DigicertError(f"{printable(self._given, 500)} is a directory. Use the path of a file.")
        if self._followed_last and (not self._safe or self._writable_by_others()):
            raise self._link_error(self._given)

    def _leave(self, part: str) -> None:
        """Normalize the rest of a path whose folder does not exist."""
        rest = os.path.normpath("/".join(["", *self._resolved, part, *self._rest]))
        *self._resolved, self._name = _parts(rest)
        self._rest = []
        self.close()

    def _is_safe_step(self, entry: os.stat_result | None) -> bool:
        """Return whether only trusted users can replace an entry of the folder, or add a missing one (None)."""
        status = t.cast(os.stat_result, self._status)
        if status.st_uid not in self._trusted:
            return False
        if not self._writable_by_others():
            return True
        return status.st_mode & stat.S_ISVTX != 0 and (entry is None or entry.st_uid in self._trusted)

    def _writable_by_others(self) -> bool:
        status = t.cast(os.stat_result, self._status)
        if status.st_mode & stat.S_IWOTH:
            return True
        if not status.st_mode & stat.S_IWGRP:
            return False
        return _has_acl(t.cast(int, self._folder)) or not _is_private_group(status.st_uid, status.st_gid)

    def _link_error(self, link: str) -> DigicertError:
        return DigicertError(
            f"{printable(link, 500)} is a link, and other users can change the link or its target. Use the path "
            "without links, or let the link and all directories in its path belong to root only."
        )


def _parts(path: str) -> list[str]:
    return [part for part in path.split("/") if part not in ("", ".")]


def _is_private_group(uid: int, gid: int) -> bool:
    """Return whether a group is the user's private group, which has no other members."""
    try:
        user, group = pwd.getpwuid(uid), grp.getgrgid(gid)
    except KeyError:
        return False
    return user.pw_gid == gid and group.gr_name == user.pw_name and set(group.gr_mem) <= {user.pw_name}


def _has_acl(folder: int) -> bool:
    """Return whether a folder has an access control list, whose mask is shown as the group's permissions."""
    try:
        return bool(os.getxattr(f"/proc/self/fd/{folder}", _ACL))
    except AttributeError:  # not on this system
        return False
    except OSError as exc:
        return exc.errno not in (errno.ENODATA, errno.EOPNOTSUPP)
