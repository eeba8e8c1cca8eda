# Copyright: community.digicert contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

# Note that this module util is **PRIVATE** to the collection. It can have breaking changes at any time.
# Do not use this from other collections or standalone plugins/modules!

"""Writing files the way Ansible does: atomically, with backup, attributes, check mode and diff."""

from __future__ import annotations

import contextlib
import os
import tempfile
import typing as t

from ansible.module_utils.basic import AnsibleModule
from ansible_collections.community.digicert.plugins.module_utils._certificates import Certificate, read_certificates
from ansible_collections.community.digicert.plugins.module_utils._errors import DigicertError


class FileModule(AnsibleModule):
    """A module whose file operations raise DigicertError where Ansible's own would end the module."""

    _writing = False

    def __init__(self, **arguments: t.Any) -> None:
        """Take what AnsibleModule takes."""
        super().__init__(**arguments)  # type: ignore[no-untyped-call]
        self._ansible: AnsibleModule = self

    def fail_json(self, msg: str, **kwargs: t.Any) -> t.NoReturn:
        """End the module with an error, except while a file is being written."""
        if self._writing:
            raise DigicertError(str(msg))
        super().fail_json(msg, **kwargs)
        raise AssertionError  # the line above does not return

    def put_files(
        self, contents: t.Mapping[str, str], before: t.Mapping[str, str | None], changes: FileChanges
    ) -> None:
        """Make sure that files have their content.

        Args:
            contents: the text of each file, written in this order.
            before: the text that each file has, None where there is none.
            changes: is kept up to date.

        Raises:
            DigicertError: a file cannot be written. It is as it was, and so are those after it.
        """
        for path, text in contents.items():
            if text == before.get(path):
                continue
            if not self.check_mode:
                with self._failing(f"Cannot write {path}"):
                    self._replace(path, text, changes)
            changes.changed = True
            changes.diffs.append(file_diff(path, before.get(path), described(read_certificates(text))))

    def put_attributes(self, paths: t.Iterable[str], changes: FileChanges) -> None:
        """Make sure that the files that exist have the attributes in the module's options; raises DigicertError."""
        for path in paths:
            if os.path.exists(path):
                diff: dict[str, t.Any] = {}
                with self._failing(f"Cannot set the attributes of {path}"):
                    arguments = self._ansible.load_file_common_arguments(self.params, path=path)
                    changed = self._ansible.set_fs_attributes_if_different(arguments, False, diff)
                if changed:
                    changes.changed = True
                    changes.diffs.append({"before_header": path, "after_header": path, **diff})

    def _replace(self, path: str, text: str, changes: FileChanges) -> None:
        descriptor, temporary = tempfile.mkstemp(dir=self.tmpdir)
        self._ansible.add_cleanup_file(temporary)
        with open(descriptor, "wb") as file:
            file.write(text.encode("utf-8"))
        if self.params["backup"] and os.path.exists(path):
            changes.backups.append(self._ansible.backup_local(path))
        self._ansible.atomic_move(temporary, os.path.abspath(path), unsafe_writes=self.params["unsafe_writes"])

    @contextlib.contextmanager
    def _failing(self, what: str) -> t.Iterator[None]:
        """Turn the failure of a file operation into a DigicertError, a sentence that begins with `what`."""
        self._writing = True
        try:
            yield
        except Exception as exc:  # noqa: BLE001 (Ansible's file operations raise plain Exception)
            raise DigicertError(f"{what}: {_reason(exc)}") from None
        finally:
            self._writing = False


class FileChanges:
    """What happened to files: whether any changed, a diff for each, and the backups made."""

    def __init__(self) -> None:
        """Nothing happened yet."""
        self.changed = False
        self.diffs: list[dict[str, t.Any]] = []
        self.backups: list[str] = []


def file_diff(path: str, before: str | None, after: dict[str, t.Any]) -> dict[str, t.Any]:
    """Return a diff of a file: what its text, None when there is none, says of certificates, and what it will say."""
    try:
        said = {} if before is None else described(read_certificates(before))
    except DigicertError:
        said = described([])
    return {"before_header": path, "after_header": path, "before": said, "after": after}


def described(certificates: t.Iterable[Certificate]) -> dict[str, t.Any]:
    """Return what a diff shows of certificates."""
    return {
        "certificates": [
            {
                "subject": certificate.subject,
                "dns_names": sorted(certificate.names),
                "serial_number": certificate.serial_number,
                "not_before": certificate.not_before.isoformat(),
                "not_after": certificate.not_after.isoformat(),
            }
            for certificate in certificates
        ]
    }


def _reason(exc: BaseException) -> str:
    """Return the operating system's words, which Ansible's errors carry as their cause."""
    cause: BaseException | None = exc
    while cause is not None:
        if isinstance(cause, OSError) and cause.strerror:
            return f"{cause.strerror}."
        cause = cause.__cause__ or cause.__context__
    return " ".join(str(exc).split()).rstrip(".") + "."
