# Copyright: community.digicert contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

# Note that this module util is **PRIVATE** to the collection. It can have breaking changes at any time.
# Do not use this from other collections or standalone plugins/modules!

"""Writes files the way Ansible does, with backup, attributes, check mode, and diff, but durably and without links.

Ansible's own functions work on paths. In another user's folder, a path can change its target between two system calls,
so this file sets owner, group, and mode on the open file.
"""

from __future__ import annotations

import contextlib
import errno
import grp
import os
import pwd
import stat
import time
import typing as t

from ansible.module_utils.basic import AnsibleModule
from ansible_collections.community.digicert.plugins.module_utils._certcentral.errors import DigicertError, printable
from ansible_collections.community.digicert.plugins.module_utils._files.paths import Place, file_error, open_place
from ansible_collections.community.digicert.plugins.module_utils._files.reading import open_regular, read_descriptor
from ansible_collections.community.digicert.plugins.module_utils._files.replacing import (
    Permissions,
    create_file,
    existing_folder,
    extended_attributes,
    overwrite,
    replace_place,
    sync_descriptor,
)

# With these errors, a file cannot be replaced, but maybe overwritten: a mount, or a read-only folder.
_NOT_REPLACEABLE = (errno.EBUSY, errno.EXDEV, errno.EPERM, errno.EACCES, errno.EROFS)


class FileChanges:
    """What happened to files: whether any changed, a diff for each, and the paths of backups."""

    def __init__(self) -> None:
        """Start without changes."""
        self.changed = False
        self.diffs: list[dict[str, t.Any]] = []
        self.backups: list[str] = []


class Attributes(t.NamedTuple):
    """Permissions (number or text), owner and group (name or number); None keeps the old value."""

    mode: int | str | None = None
    owner: str | None = None
    group: str | None = None


class FileWriter:
    """Writes files for a module; every failure is a DigicertError, so the module can say what it did before."""

    def __init__(self, module: AnsibleModule, describe: t.Callable[[t.Any], t.Any] | None = None) -> None:
        """Read the module's options.

        Args:
            module: with the options of `add_file_common_args`, and `backup` if it has that option.
            describe: returns what a diff shows of a file's content, None for a missing file. It must not contain
                secrets.
        """
        self._module = module
        self._describe = describe or (lambda text: "" if text is None else "(content not shown)\n")
        self.default_attributes = Attributes(*(module.params.get(name) for name in ("mode", "owner", "group")))

    def put_files(
        self,
        contents: t.Mapping[str, str | bytes],
        before: t.Mapping[str, str | bytes | None],
        changes: FileChanges,
        attributes: Attributes | None = None,
        *,
        backup: bool | None = None,
        new_mode: int | None = None,
    ) -> None:
        """Make sure that files have the given content.

        Args:
            contents: text or bytes of each file, written in this order.
            before: the current content of each file, None if it does not exist.
            changes: is kept up to date.
            attributes: of files that are written; None for the module's options. Other attributes stay.
            backup: whether to keep copies; None for the module's option.
            new_mode: permissions of a new file if no option sets them; None for those that umask allows.

        Raises:
            DigicertError: a file cannot be written. It is unchanged, and so are the files after it.
        """
        for path, text in contents.items():
            if text == before.get(path):
                continue
            if not self._module.check_mode:
                if self._module.params.get("backup") if backup is None else backup:
                    self.back_up(path, changes)
                with open_place(path) as place:
                    self._replace(place, _encoded(text), attributes or self.default_attributes, new_mode)
            changes.changed = True
            shown = (self._describe(before.get(path)), self._describe(text))
            changes.diffs.append({"before_header": path, "after_header": path, "before": shown[0], "after": shown[1]})

    def put_attributes(
        self, paths: t.Iterable[str], changes: FileChanges, attributes: Attributes | None = None
    ) -> None:
        """Make sure that the files that exist have their attributes.

        Args:
            paths: of the files.
            changes: is kept up to date.
            attributes: None for the module's options, among them those for SELinux and file system flags.

        Raises:
            DigicertError: they cannot be set.
        """
        for path in paths:
            diff: dict[str, t.Any] = {"before": {}, "after": {}}
            with open_place(path) as place:
                descriptor = open_regular(place)
                if descriptor is None:
                    continue
                try:
                    changed = self._set_attributes(place, descriptor, attributes or self.default_attributes, diff)
                finally:
                    os.close(descriptor)
                if attributes is None:
                    changed = self._set_others(place, diff) or changed
            if changed:
                changes.changed = True
                changes.diffs.append({"before_header": path, "after_header": path, **diff})

    def back_up(self, path: str, changes: FileChanges) -> None:
        """Keep a copy of a file, if there is one, with its owner and permissions; raises DigicertError."""
        with open_place(path) as place:
            descriptor = open_regular(place)
            if descriptor is not None:
                try:
                    self._back_up(place, descriptor, changes)
                finally:
                    os.close(descriptor)

    def mode_number(self, path: str, mode: int | str, current: int) -> int:
        """Return permissions as a number; a change such as `u+x` starts from `current`; raises DigicertError."""
        return self._mode(path, None, mode, current)

    def _replace(self, place: Place, content: bytes, attributes: Attributes, new_mode: int | None) -> None:
        """Write one file, with its attributes from the start."""
        descriptor = open_regular(place)
        try:
            permissions = self._permissions(place, descriptor, attributes, new_mode)
        finally:
            if descriptor is not None:
                os.close(descriptor)
        try:
            replace_place(place, content, permissions)
        except DigicertError as error:
            cause = error.__cause__
            if not (isinstance(cause, OSError) and cause.errno in _NOT_REPLACEABLE):
                raise
            if not (self._module.params.get("unsafe_writes") and _overwrite(place, content)):
                raise

    def _permissions(
        self, place: Place, descriptor: int | None, attributes: Attributes, new_mode: int | None
    ) -> Permissions:
        """Return permissions, owner, and group for a file that replaces an open one, if there is one."""
        status = None if descriptor is None else os.fstat(descriptor)
        mode = self._mode(place.path, status, attributes.mode, new_mode)
        uid, gid = user_id(attributes.owner), group_id(attributes.group)
        if status is None or descriptor is None:
            return Permissions(mode, uid, gid)
        # Ansible keeps the attributes of the old file as far as the system allows.
        if os.geteuid() == 0:
            uid = status.st_uid if uid is None else uid
            gid = status.st_gid if gid is None else gid
        elif gid is None and status.st_gid in (os.getegid(), *os.getgroups()):
            gid = status.st_gid
        # In another user's folder, that user may have set the file's access control list.
        return Permissions(mode, uid, gid, extended_attributes(descriptor) if place.is_safe else None)

    def _mode(
        self, path: str, status: os.stat_result | None, wanted: int | str | None, new_mode: int | None = None
    ) -> int:
        """Return permissions as a number; without the option, those of the old file without setuid bits."""
        if status is not None:
            current = stat.S_IMODE(status.st_mode) & 0o777
        else:
            current = 0o666 & ~_umask() if new_mode is None else new_mode
        if wanted is None:
            return current
        # Python treats a boolean as an int, but it is not a mode.
        is_number = isinstance(wanted, int) and not isinstance(wanted, bool)
        mode = t.cast(int, wanted) if is_number else self._mode_of_text(wanted, current)
        if mode is None or not 0 <= mode <= 0o7777:
            raise DigicertError(
                f"Cannot set the mode of {printable(path, 500)}: {printable(str(wanted), 40)!r} is not a mode. "
                "Set it to a string such as '0640'."
            )
        return mode

    def _mode_of_text(self, wanted: t.Any, current: int) -> int | None:
        """Return permissions that are given as text, None if the text is not a mode."""
        if not isinstance(wanted, str):
            return None
        with contextlib.suppress(ValueError):
            return int(wanted, 8)
        try:
            # It only reads the permissions and whether this is a directory.
            fields = os.stat_result((stat.S_IFREG | current, *[0] * 9))
            return int(self._module._symbolic_mode_to_octal(fields, wanted))
        except Exception:  # noqa: BLE001 (Ansible raises whatever a wrong mode leads to)
            return None

    def _back_up(self, place: Place, descriptor: int, changes: FileChanges) -> None:
        status = os.fstat(descriptor)
        content = read_descriptor(descriptor, place.path)
        # Ansible's file name, for which users have patterns.
        when = time.strftime("%Y-%m-%d@%H:%M:%S~", time.localtime(time.time()))
        name = f"{place.name}.{os.getpid()}.{when}"
        folder = existing_folder(place)
        mode, is_root = stat.S_IMODE(status.st_mode) & 0o777, os.geteuid() == 0
        uid, gid = (status.st_uid, status.st_gid) if is_root else (None, None)
        permissions = Permissions(mode, uid, gid, extended_attributes(descriptor) if place.is_safe else None)
        try:
            create_file(folder, name, content, permissions)
            sync_descriptor(folder)
        except OSError as exc:
            raise file_error("Cannot make a backup of", place.path, exc) from None
        changes.backups.append(os.path.join(os.path.dirname(place.path), name))

    def _set_attributes(
        self, place: Place, descriptor: int, attributes: Attributes, diff: dict[str, dict[str, t.Any]]
    ) -> bool:
        """Set permissions, owner, and group of an open file; return whether that changed one of them."""
        status = os.fstat(descriptor)
        uid, gid = user_id(attributes.owner), group_id(attributes.group)
        mode = stat.S_IMODE(status.st_mode)
        if attributes.mode is not None:
            mode = self._mode(place.path, status, attributes.mode)
        pairs = {
            "owner": (status.st_uid, status.st_uid if uid is None else uid),
            "group": (status.st_gid, status.st_gid if gid is None else gid),
            "mode": (f"0{stat.S_IMODE(status.st_mode):03o}", f"0{mode:03o}"),
        }
        differing = {name: pair for name, pair in pairs.items() if pair[0] != pair[1]}
        if not differing:
            return False
        if status.st_nlink > 1 and not place.is_safe:
            raise DigicertError(
                f"Cannot set the attributes of {printable(place.path, 500)}: it is a hard link in a directory that "
                "other users can change. Remove it."
            )
        for name, (old, new) in differing.items():
            diff["before"][name], diff["after"][name] = old, new
        if not self._module.check_mode:
            try:
                os.fchown(descriptor, -1 if uid is None else uid, -1 if gid is None else gid)
                os.fchmod(descriptor, mode)
            except OSError as exc:
                raise file_error("Cannot set the attributes of", place.path, exc) from None
        return True

    def _set_others(self, place: Place, diff: dict[str, t.Any]) -> bool:
        """Set SELinux context and file system flags with Ansible's functions; return whether that changed them."""
        params = self._module.params
        if params.get("attributes") is not None and not place.is_safe:
            raise DigicertError(
                f"Cannot set attributes={params['attributes']} for {printable(place.path, 500)}: other users can "
                "change its directory. Omit the option, or let the directory belong to root only."
            )
        with _raising(self._module, f"Cannot set the attributes of {printable(place.path, 500)}"):
            arguments = self._module.load_file_common_arguments(params, path=place.path)
            for name in ("mode", "owner", "group"):
                arguments[name] = None
            return bool(self._module.set_fs_attributes_if_different(arguments, False, diff))


@contextlib.contextmanager
def _raising(module: AnsibleModule, what: str) -> t.Iterator[None]:
    """Convert every failure of Ansible's file functions to a DigicertError; some of them would end the module."""

    def fail(msg: object, **_ignored: t.Any) -> t.NoReturn:
        raise DigicertError(f"{what}: {printable(str(msg)).rstrip('.')}.")

    module.fail_json = fail  # type: ignore[method-assign]
    try:
        yield
    except DigicertError:
        raise
    except Exception as exc:  # noqa: BLE001 (Ansible's file functions raise plain Exception)
        raise DigicertError(f"{what}: {printable(str(exc)).rstrip('.')}.") from None
    finally:
        del module.fail_json  # the class has its own


def _overwrite(place: Place, content: bytes) -> bool:
    """Overwrite a file that cannot be replaced; return False if it does not exist. Raises DigicertError."""
    descriptor = open_regular(place, os.O_WRONLY)
    if descriptor is None:
        return False
    try:
        overwrite(descriptor, content)
    except OSError as exc:
        raise file_error("Cannot write over", place.path, exc) from None
    finally:
        os.close(descriptor)
    return True


def _encoded(content: str | bytes) -> bytes:
    return content.encode("utf-8") if isinstance(content, str) else content


def _umask() -> int:
    umask = os.umask(0)
    os.umask(umask)
    return umask


def _is_id(text: str) -> bool:
    # The largest number means "no change" to the system.
    return text.isascii() and text.isdigit() and len(text) <= 10 and int(text) < 2**32 - 1


def user_id(owner: str | None) -> int | None:
    """Return the id of a user, given by name or id; raises DigicertError."""
    if owner is None or _is_id(str(owner)):
        return None if owner is None else int(owner)
    try:
        return pwd.getpwnam(owner).pw_uid
    except (KeyError, ValueError):
        raise DigicertError(
            f"The user {printable(str(owner), 40)!r} does not exist on this host. Create it first."
        ) from None


def group_id(group: str | None) -> int | None:
    """Return the id of a group, given by name or id; raises DigicertError."""
    if group is None or _is_id(str(group)):
        return None if group is None else int(group)
    try:
        return grp.getgrnam(group).gr_gid
    except (KeyError, ValueError):
        raise DigicertError(
            f"The group {printable(str(group), 40)!r} does not exist on this host. Create it first."
        ) from None
