# Copyright: community.digicert contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

# Note that this module util is **PRIVATE** to the collection. It can have breaking changes at any time.
# Do not use this from other collections or standalone plugins/modules!

"""The file that proves control of a domain over HTTP, in a web server's folder that may belong to any user.

Only the webroot itself may be a link; links below it are not followed. The file can belong to somebody else, and other
hosts can write to it. A value becomes the first line, and other lines stay. The last line of the file notes what was
created here, so the run on any host that removes the last value removes exactly that. For the place of the file, see
section 3 of the API page.
"""

from __future__ import annotations

import contextlib
import os
import re
import stat
import time
import typing as t

from ansible_collections.community.digicert.plugins.module_utils._certcentral.errors import DigicertError, printable
from ansible_collections.community.digicert.plugins.module_utils._files.locks import FileLock
from ansible_collections.community.digicert.plugins.module_utils._files.paths import Place, file_error
from ansible_collections.community.digicert.plugins.module_utils._files.reading import open_regular, read_descriptor
from ansible_collections.community.digicert.plugins.module_utils._files.replacing import (
    ADVICE,
    Permissions,
    extended_attributes,
    overwrite,
    remove_place,
    replace_place,
)

FOLDERS = (".well-known", "pki-validation")
NAME = "fileauth.txt"
LARGEST_FILE = 1024 * 1024  # bytes
PATIENCE = 60.0  # seconds to wait for other hosts that write to the same file

_VALUE = re.compile(r"[!-~]{1,255}")
_NOTE = "# Made by community.digicert:"
_WAY = os.O_RDONLY | os.O_DIRECTORY | os.O_CLOEXEC


class Owner(t.NamedTuple):
    """The owner of created files; None for that of the webroot, as far as the task's user may set it."""

    uid: int | None = None
    gid: int | None = None


def publish(webroot: str, value: str, owner: Owner, *, check_mode: bool = False) -> bool:
    """Make sure that the file shows a value.

    Args:
        webroot: folder that the web server serves as `/`.
        value: request token or random value.
        owner: of what is created.
        check_mode: change nothing.

    Returns:
        Whether something changed, or would.

    Raises:
        DigicertError: the value cannot be published.
    """
    line = _checked_value(value)
    give_up = time.monotonic() + PATIENCE
    while True:
        with _Way(webroot, owner) as way:
            if line in _lines(way.read()):
                return False
            if check_mode:
                return True
            try:
                way.make()
                with way.locked(give_up):
                    return way.insert(line)
            except _FolderGone:
                # Another host removed its value and the folders.
                if time.monotonic() >= give_up:
                    raise _busy_error(way.path) from None


def unpublish(webroot: str, value: str, *, check_mode: bool = False) -> bool:
    """Make sure that the file does not show a value; arguments and errors are those of `publish`."""
    line = _checked_value(value)
    try:
        with _Way(webroot, Owner()) as way:
            if line not in _lines(way.read()):
                return False
            if check_mode:
                return True
            with way.locked(time.monotonic() + PATIENCE):
                made = way.take_out(line)
            way.remove_folders(made)
    except (_NoWebrootError, _FolderGone):
        return False
    return True


def file_path(webroot: str) -> str:
    """Return the path of the file below a webroot."""
    return os.path.join(webroot, *FOLDERS, NAME)


class _NoWebrootError(DigicertError):
    """The webroot does not exist, or is not a directory."""


class _FolderGone(Exception):  # noqa: N818 (caught here, and no error)
    """Another process removed a folder in the path."""


class _Way:
    """The path from the webroot to the file, as far as it exists, with open folders."""

    def __init__(self, webroot: str, owner: Owner) -> None:
        self.path = file_path(webroot)
        self._webroot = webroot
        self._owner = owner
        self._folders: list[int] = []
        self._made: list[str] = []

    def __enter__(self) -> _Way:
        try:
            self._folders.append(os.open(self._webroot, _WAY))
        except FileNotFoundError:
            raise _NoWebrootError(
                f"The webroot {printable(self._webroot, 500)} does not exist. Create it, or correct its path."
            ) from None
        except NotADirectoryError:
            raise _NoWebrootError(
                f"The webroot {printable(self._webroot, 500)} is not a directory. Correct its path."
            ) from None
        except (OSError, ValueError) as exc:
            raise file_error("Cannot open the webroot", self._webroot, exc, "Correct its path.") from None
        try:
            while len(self._folders) <= len(FOLDERS) and self._step():
                pass
        except BaseException:
            self.__exit__()
            raise
        return self

    def __exit__(self, *_ignored: object) -> None:
        while self._folders:
            os.close(self._folders.pop())

    def read(self) -> bytes:
        """Return the content of the file, empty if it does not exist; raises DigicertError."""
        descriptor = self._open()
        if descriptor is None:
            return b""
        try:
            return self._content(descriptor)
        finally:
            os.close(descriptor)

    def make(self) -> None:
        """Create the missing folders; raises DigicertError."""
        while len(self._folders) <= len(FOLDERS):
            name, path = self._next()
            old = os.umask(0)
            try:
                os.mkdir(name, 0o755, dir_fd=self._folders[-1])
            except FileExistsError:
                made = False
            except FileNotFoundError:
                raise _FolderGone from None
            except OSError as exc:
                raise file_error("Cannot create the directory", path, exc, ADVICE) from None
            else:
                made = True
            finally:
                os.umask(old)
            if not self._step():
                raise _FolderGone
            if made:
                self._give_away(path)
                self._made.append(name)

    @contextlib.contextmanager
    def locked(self, give_up: float) -> t.Iterator[None]:
        """Keep other runs and hosts from writing to the file; raises DigicertError."""
        folder = self._place(f".{NAME}.lock")
        lock = FileLock(folder.path, folder)
        try:
            got = lock.acquire(max(0.0, give_up - time.monotonic()))
        except DigicertError:
            if os.fstat(self._folders[-1]).st_nlink == 0:
                raise _FolderGone from None
            raise
        if not got:
            raise _busy_error(self.path)
        try:
            yield
        finally:
            lock.release()

    def insert(self, line: bytes) -> bool:
        """Write a value as the first line; return whether it was missing. Raises DigicertError."""
        descriptor = self._open()
        if descriptor is None:
            uid, gid = self._new_owner()
            note = " ".join([_NOTE, *self._made, NAME]).encode()
            self._replace(line + b"\n" + note + b"\n", Permissions(0o644, uid, gid))
            return True
        try:
            content = self._content(descriptor)
            if line in _lines(content):
                return False
            self._rewrite(descriptor, line + b"\n" + _with_note(content, self._made))
        finally:
            os.close(descriptor)
        return True

    def take_out(self, line: bytes) -> list[str]:
        """Remove the line of a value, and the file if it was created for values; return the folders that were too.

        Raises DigicertError.
        """
        descriptor = self._open()
        if descriptor is None:
            return []
        try:
            lines = self._content(descriptor).splitlines(keepends=True)
            rest = [other for other in lines if other.rstrip(b"\r\n") != line]
            if len(rest) == 1 and _noted(rest[0]) is not None:
                remove_place(self._place(NAME))
                return _noted(rest[0]) or []
            if len(rest) < len(lines):
                self._rewrite(descriptor, b"".join(rest))
        finally:
            os.close(descriptor)
        return []

    def remove_folders(self, made: t.Container[str]) -> None:
        """Remove the folders that were created for values, if they are empty."""
        for number, name in reversed(list(enumerate(FOLDERS))):
            if name not in made:
                return
            try:
                os.rmdir(name, dir_fd=self._folders[number])
            except OSError:
                return  # the folder is in use, which is not a failure

    def _next(self) -> tuple[str, str]:
        """Return name and path of the folder to open next."""
        number = len(self._folders) - 1
        return FOLDERS[number], os.path.join(self._webroot, *FOLDERS[: number + 1])

    def _step(self) -> bool:
        """Open the next folder; return False if it does not exist. Raises DigicertError."""
        name, path = self._next()
        try:
            if stat.S_ISLNK(os.stat(name, dir_fd=self._folders[-1], follow_symlinks=False).st_mode):
                raise DigicertError(
                    f"{printable(path, 500)} is a link, and the owner of the webroot could point it anywhere. Replace "
                    "it with a directory, or use its target as the webroot."
                )
            self._folders.append(os.open(name, _WAY | os.O_NOFOLLOW, dir_fd=self._folders[-1]))
        except FileNotFoundError:
            return False
        except OSError as exc:
            advice = "Make it a directory, or use another webroot."
            raise file_error("Cannot open the directory", path, exc, advice) from None
        return True

    def _give_away(self, path: str) -> None:
        """Set the owner of a folder that was just created; raises DigicertError."""
        folder = self._folders[-1]
        uid, gid = self._new_owner()
        try:
            # The owner of the webroot may have put another folder there, so change the owner of an empty folder only.
            if os.fstat(folder).st_uid == os.geteuid() and not os.listdir(folder):
                os.fchown(folder, -1 if uid is None else uid, -1 if gid is None else gid)
        except OSError as exc:
            advice = "Run the task as the owner of the webroot."
            raise file_error("Cannot set the owner of", path, exc, advice) from None

    def _new_owner(self) -> Owner:
        if os.geteuid() != 0:
            return self._owner
        webroot = os.fstat(self._folders[0])
        uid, gid = self._owner
        return Owner(webroot.st_uid if uid is None else uid, webroot.st_gid if gid is None else gid)

    def _place(self, name: str) -> Place:
        complete = len(self._folders) > len(FOLDERS)
        path = os.path.join(os.path.dirname(self.path), name)
        return Place(path, name, self._folders[-1] if complete else None, is_safe=False)

    def _open(self) -> int | None:
        return open_regular(self._place(NAME))

    def _content(self, descriptor: int) -> bytes:
        if os.fstat(descriptor).st_nlink > 1:
            raise DigicertError(f"{printable(self.path, 500)} is a hard link to another file. Remove it.")
        return read_descriptor(descriptor, self.path, LARGEST_FILE)

    def _rewrite(self, descriptor: int, content: bytes) -> None:
        """Change the content of a file, and keep its owner and permissions; raises DigicertError."""
        status = os.fstat(descriptor)
        is_root = os.geteuid() == 0
        if not is_root and status.st_uid != os.geteuid():
            self._overwrite(content)
            return
        uid, gid = (status.st_uid, status.st_gid) if is_root else (None, None)
        permissions = Permissions(stat.S_IMODE(status.st_mode) & 0o777, uid, gid, extended_attributes(descriptor))
        self._replace(content, permissions)

    def _replace(self, content: bytes, permissions: Permissions) -> None:
        try:
            replace_place(self._place(NAME), content, permissions)
        except DigicertError:
            if os.fstat(self._folders[-1]).st_nlink == 0:
                raise _FolderGone from None
            raise

    def _overwrite(self, content: bytes) -> None:
        """Overwrite another user's file, because replacing it would change its owner."""
        descriptor = open_regular(self._place(NAME), os.O_WRONLY)
        if descriptor is None:
            raise _FolderGone
        try:
            overwrite(descriptor, content)
        except OSError as exc:
            raise file_error("Cannot write", self.path, exc, ADVICE) from None
        finally:
            os.close(descriptor)


def _checked_value(value: str) -> bytes:
    if not _VALUE.fullmatch(value) or value.startswith("#"):
        raise DigicertError("value must be a request token or a random value: one line of ASCII without spaces.")
    return value.encode()


def _lines(content: bytes) -> list[bytes]:
    return content.splitlines()


def _noted(line: bytes) -> list[str] | None:
    """Return the created folders from a note, None for a line that is not a note."""
    text = line.decode("ascii", "replace").rstrip("\r\n")
    if not text.startswith(_NOTE):
        return None
    made = text[len(_NOTE) :].split()
    return [name for name in FOLDERS if name in made] if NAME in made else None


def _with_note(content: bytes, made: t.Sequence[str]) -> bytes:
    """Add folders to the note of a file that another run created, if it has one."""
    lines = content.splitlines(keepends=True)
    noted = _noted(lines[-1]) if lines else None
    if noted is None or not made:
        return content
    names = [name for name in FOLDERS if name in noted or name in made]
    lines[-1] = " ".join([_NOTE, *names, NAME]).encode() + b"\n"
    return b"".join(lines)


def _busy_error(path: str) -> DigicertError:
    return DigicertError(
        f"Other runs or hosts are writing to {printable(path, 500)} and did not finish within {PATIENCE:g} "
        "seconds. Run the task again."
    )
