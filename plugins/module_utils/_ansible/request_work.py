# Copyright: community.digicert contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

# Note that this module util is **PRIVATE** to the collection. It can have breaking changes at any time.
# Do not use this from other collections or standalone plugins/modules!

"""The work of digicert_certificate_request: create a private key and a CSR on this host, and activate staged files."""

from __future__ import annotations

import contextlib
import os
import typing as t

from ansible.module_utils.basic import AnsibleModule
from ansible_collections.community.digicert.plugins.module_utils._ansible.file_writer import (
    Attributes,
    FileChanges,
    FileWriter,
    group_id,
    user_id,
)
from ansible_collections.community.digicert.plugins.module_utils._certcentral.errors import DigicertError, printable
from ansible_collections.community.digicert.plugins.module_utils._files.locks import FileLock
from ansible_collections.community.digicert.plugins.module_utils._files.paths import (
    open_place,
    same_file,
)
from ansible_collections.community.digicert.plugins.module_utils._files.private_files import (
    NEXT,
    activate,
    check_safe,
    create_private,
    is_staged,
)
from ansible_collections.community.digicert.plugins.module_utils._files.reading import (
    contains_private_key,
    open_regular,
    read_regular,
)
from ansible_collections.community.digicert.plugins.module_utils._files.replacing import Permissions, existing_folder
from ansible_collections.community.digicert.plugins.module_utils._x509 import private_keys
from ansible_collections.community.digicert.plugins.module_utils._x509.certificates import read_certificates
from ansible_collections.community.digicert.plugins.module_utils._x509.csr import ascii_name, read_csr

NEW_KEY_MODE = 0o600
NEW_CSR_MODE = 0o644
PATIENCE = 60.0  # seconds to wait for another run with the same files


class RequestWork:
    """One run of the module; `failure_details` returns what was done before a failure."""

    def __init__(self, module: AnsibleModule) -> None:
        """Read the module's options."""
        self._module = module
        self._params = module.params
        self._writer = FileWriter(module, _shown)
        self._changes = FileChanges()
        self._facts: dict[str, t.Any] = {}
        self._key_attributes = Attributes(*(self._params[f"private_key_{name}"] for name in ("mode", "owner", "group")))

    def result(self) -> dict[str, t.Any]:
        """Do the work and return the module's result; raises DigicertError."""
        if self._params["state"] == "activated":
            self._facts["activated_files"] = []
            paths = self._required("activate_paths")
            with self._locked(self._params["private_key_path"] or paths[-1]):
                self._activate(paths)
            return {**self.failure_details(), "diff": self._changes.diffs}
        self._facts.update(private_key_created=False, csr_created=False)
        ending = NEXT if self._params["staged"] else ""
        key_path, csr_path = (self._required(name) + ending for name in ("private_key_path", "csr_path"))
        if same_file(key_path, csr_path):
            raise DigicertError("private_key_path and csr_path must be different files.")
        names = self._names()
        with self._locked(key_path):
            csr = self._ensure_request(key_path, csr_path, names)
        return {**self.failure_details(), "csr": csr, "diff": self._changes.diffs}

    def failure_details(self) -> dict[str, t.Any]:
        """Return what was done so far."""
        return {"changed": self._changes.changed, "backup_files": self._changes.backups, **self._facts}

    def _required(self, name: str) -> t.Any:
        """Return an option that Ansible considers set even if it is null or an empty list."""
        if not self._params[name]:
            raise DigicertError(f"{name} is empty. Set it for state={self._params['state']}.")
        return self._params[name]

    def _names(self) -> list[str]:
        given = [self._required("common_name"), *(self._params["dns_names"] or [])]
        return list(dict.fromkeys(ascii_name(name.strip()) for name in given))

    @contextlib.contextmanager
    def _locked(self, path: str) -> t.Iterator[None]:
        """Keep other runs from working on the same files; raises DigicertError."""
        if self._module.check_mode:
            yield
            return
        with open_place(path) as place:
            existing_folder(place)
            folder, name = os.path.split(place.path)
        lock = FileLock(os.path.join(folder, f".{name}.lock"))
        if not lock.acquire(PATIENCE):
            raise DigicertError(
                f"Another run is working on {printable(path, 500)} and did not finish within {PATIENCE:g} "
                "seconds. Run the task again."
            )
        try:
            yield
        finally:
            lock.release()

    def _ensure_request(self, key_path: str, csr_path: str, names: list[str]) -> str | None:
        """Make sure that private key and CSR exist; return the CSR, or None if check mode cannot predict it."""
        before = _read_csr_file(csr_path)
        passphrase = self._params["private_key_passphrase"]
        content = read_regular(key_path)
        if content is None:
            content = self._create_key(key_path)
        if self._key_attributes != Attributes():
            self._writer.put_attributes([key_path], self._changes, self._key_attributes)
        if content is None:
            self._facts["csr_created"] = True
            return None
        key = private_keys.read_private_key(content, key_path, passphrase)
        csr = _fitting(before, key, names)
        if csr is None or self._params["new_csr"]:
            # A CSR for the same names is not worth a copy.
            backup = self._params["backup"] and not (csr is not None and private_keys.asks_for_names_only(csr))
            csr = private_keys.make_csr(key, names, is_another=self._params["new_csr"])
            known = None if before is None else before.decode("utf-8", "replace")
            self._writer.put_files(
                {csr_path: csr}, {csr_path: known}, self._changes, backup=backup, new_mode=NEW_CSR_MODE
            )
            self._facts["csr_created"] = True
        self._writer.put_attributes([csr_path], self._changes)
        return csr

    def _create_key(self, path: str) -> bytes | None:
        """Create a private key if there is none, and return the file's content; None in check mode."""
        params = self._params
        permissions = self._new_key_permissions()
        with open_place(path, permissions.uid) as place:
            if place.folder is not None or not self._module.check_mode:
                existing_folder(place)
                check_safe(place)
        self._facts["private_key_created"] = True
        self._changes.changed = True
        header = {"before_header": path, "after_header": path}
        self._changes.diffs.append({**header, "before": "", "after": "(private key, not shown)\n"})
        if self._module.check_mode:
            return None
        self._facts["private_key_created"] = self._changes.changed = False
        spec = private_keys.KeySpec(params["private_key_type"], params["private_key_size"], params["private_key_curve"])
        content = private_keys.make_private_key(spec, params["private_key_passphrase"])
        if not create_private(path, content, permissions):
            raise DigicertError(f"Another process created {printable(path, 500)} meanwhile. Run the task again.")
        self._facts["private_key_created"] = self._changes.changed = True
        return content

    def _new_key_permissions(self) -> Permissions:
        """Return the attributes in the options; others of a staged key are those of the key in use."""
        mode, uid, gid = NEW_KEY_MODE, user_id(self._key_attributes.owner), group_id(self._key_attributes.group)
        if self._params["staged"]:
            with open_place(self._params["private_key_path"]) as place:
                descriptor = open_regular(place)
                if descriptor is not None:
                    status = os.fstat(descriptor)
                    os.close(descriptor)
                    mode = status.st_mode & 0o777
                    if os.geteuid() == 0:
                        uid = status.st_uid if uid is None else uid
                        gid = status.st_gid if gid is None else gid
        if self._key_attributes.mode is not None:
            mode = self._writer.mode_number(self._params["private_key_path"], self._key_attributes.mode, mode)
        return Permissions(mode, uid, gid)

    def _activate(self, paths: list[str]) -> None:
        """Put the staged files in place, the certificate last; raises DigicertError."""
        # Without a staged certificate, it is not issued yet, or everything is done.
        if not is_staged(paths[-1]):
            return
        self._check_pair(paths[-1])
        for path in paths:
            if not is_staged(path):
                continue
            if not self._module.check_mode:
                if self._params["backup"]:
                    self._writer.back_up(path, self._changes)
                is_key = self._params["private_key_path"] and same_file(path, self._params["private_key_path"])
                mode, owner, group = self._key_attributes if is_key else self._writer.default_attributes
                number = None if mode is None else self._writer.mode_number(path, mode, NEW_KEY_MODE)
                activate(path, number, user_id(owner), group_id(group))
            self._changes.changed = True
            self._facts["activated_files"].append(path)
            shown = {"before": f"{path + NEXT}\n", "after": f"{path}\n"}
            self._changes.diffs.append({"before_header": path + NEXT, "after_header": path, **shown})

    def _check_pair(self, certificate_path: str) -> None:
        """Raise DigicertError if the staged certificate does not match the private key that it will be used with."""
        path = self._params["private_key_path"]
        if path is None:
            return
        path = path + NEXT if is_staged(path) else path
        content, certificate = read_regular(path), read_regular(certificate_path + NEXT)
        certificates = read_certificates((certificate or b"").decode("utf-8", "replace"))
        if content is None or not certificates:
            raise DigicertError(
                f"Nothing was activated: {printable(path, 500)} does not exist, or there is no certificate in "
                f"{printable(certificate_path + NEXT, 500)}. Remove the staged files and renew again."
            )
        key = private_keys.read_private_key(content, path, self._params["private_key_passphrase"])
        if certificates[0].public_key != private_keys.public_key(key):
            raise DigicertError(
                f"Nothing was activated: the certificate in {printable(certificate_path + NEXT, 500)} does not "
                f"belong to the private key in {printable(path, 500)}. Remove the staged files and renew again."
            )


def _read_csr_file(path: str) -> bytes | None:
    """Return the content of the CSR's file; raises DigicertError if a CSR must not replace it."""
    content = read_regular(path)
    if not content or not content.strip():
        return content
    if contains_private_key(content):
        raise DigicertError(f"{printable(path, 500)} contains a private key. Set csr_path to another file.")
    is_csr = b"CERTIFICATE REQUEST" in content.replace(b"\0", b"")
    if not is_csr:
        try:
            read_csr(content)
        except DigicertError:
            raise DigicertError(
                f"{printable(path, 500)} contains something other than a CSR. Remove it, or set csr_path to "
                "another file."
            ) from None
    return content


def _fitting(content: bytes | None, key: t.Any, names: list[str]) -> str | None:
    """Return the CSR in a file as PEM text, None unless it is for the private key and exactly these names."""
    if not content:
        return None
    try:
        csr = read_csr(content)
    except DigicertError:
        return None
    return private_keys.csr_pem(csr) if private_keys.csr_fits(csr, key, names) else None


def _shown(text: str | None) -> str:
    """Return what a diff shows of a CSR, which may come from another user."""
    return "".join(c if c == "\n" or c.isprintable() else " " for c in text or "")
