# Copyright: community.digicert contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

# Note that this module util is **PRIVATE** to the collection. It can have breaking changes at any time.
# Do not use this from other collections or standalone plugins/modules!

"""Everything about a certificate on a host: files, private key, CSR, journal. Nothing is sent or written."""

from __future__ import annotations

import grp
import os
import pwd
import stat
import time
import typing as t
from datetime import datetime, timezone

from ansible_collections.community.digicert.plugins.module_utils._certcentral.errors import DigicertError
from ansible_collections.community.digicert.plugins.module_utils._certcentral.parsing import same_serial_number
from ansible_collections.community.digicert.plugins.module_utils._files.reading import read_regular
from ansible_collections.community.digicert.plugins.module_utils._issuance.installed import (
    InstalledCertificate,
    InstallPaths,
    Wanted,
    validity_warnings,
)
from ansible_collections.community.digicert.plugins.module_utils._issuance.journal import (
    STAGED,
    Journal,
    entry_values,
)
from ansible_collections.community.digicert.plugins.module_utils._issuance.lifetime import in_days
from ansible_collections.community.digicert.plugins.module_utils._x509.csr import Csr, ascii_name, read_csr
from ansible_collections.community.digicert.plugins.module_utils._x509.library import load_cryptography

NO_KEY, ODD_KEY = "private_key_missing", "private_key_unreadable"


class LookedAt(t.NamedTuple):
    """What to read: where it is installed, private key and CSR, the requested names, and when it is due."""

    paths: InstallPaths
    private_key_path: str | None = None
    private_key_passphrase: str | None = None
    csr_path: str | None = None
    names: tuple[str, ...] | None = None
    remaining_days: int | None = None


class CertificateStatus:
    """What was found."""

    def __init__(self, looked_at: LookedAt) -> None:
        """Read everything; raises DigicertError if a file cannot be read or the journal is damaged."""
        self._it = looked_at
        given = looked_at.paths.primary
        self.paths = looked_at.paths.resolve()
        self.csr = read_csr_file(looked_at.csr_path)
        self.key_state, self.public_key = _read_key(looked_at.private_key_path, looked_at.private_key_passphrase)
        self.names = self._names()
        public_key = self.public_key or (self.csr.public_key if self.csr is not None and not self._has_key else None)
        self.installed = InstalledCertificate.read(self.paths, Wanted(public_key, self.names))
        self.journal = Journal(self.paths.primary)
        if given is not None:
            self.journal.take_over(given)
        self.journal.load()

    @property
    def reasons(self) -> list[str]:
        """Why another certificate is due; empty if none is due."""
        now = datetime.fromtimestamp(time.time(), timezone.utc)
        found = list(self.installed.due_reasons(self._it.remaining_days, now))
        return found + ([self.key_state] if self.key_state is not None else [])

    @property
    def warnings(self) -> list[str]:
        """Sentences about what is wrong although no other certificate is due."""
        installed = self.installed
        if installed.leaf is None or installed.faults:
            return []
        return validity_warnings(installed.leaf, installed.bundle, datetime.fromtimestamp(time.time(), timezone.utc))

    @property
    def csr_fits(self) -> bool | None:
        """Whether the CSR is for the private key and exactly the requested names; None if there is no CSR."""
        if self.csr is None:
            return None
        names = {*self.csr.dns_names, *([] if self.csr.common_name is None else [self.csr.common_name])}
        try:
            same_names = {ascii_name(name) for name in names} == set(self.names)
        except DigicertError:
            same_names = False
        return same_names and self.public_key in (None, self.csr.public_key)

    def result(self) -> dict[str, t.Any]:
        """Return everything as plain values."""
        leaf, bundle, csr = self.installed.leaf, self.installed.bundle, self.csr
        now = datetime.fromtimestamp(time.time(), timezone.utc)
        reasons = self.reasons
        return {
            "due": bool(reasons),
            "reasons": reasons,
            "is_complete": not self.installed.missing_texts(self.paths) and leaf is not None,
            "certificate": leaf and leaf.pem,
            "chain": bundle and bundle.chain,
            "serial_number": leaf and leaf.serial_number,
            "dns_names": leaf and list(leaf.names),
            "not_before": leaf and leaf.not_before.isoformat(),
            "not_after": leaf and leaf.not_after.isoformat(),
            "days_left": leaf and in_days(leaf.not_after - now),
            "private_key_fits": None if leaf is None or self.public_key is None else leaf.public_key == self.public_key,
            "csr": csr and csr.text,
            "csr_fits": self.csr_fits,
            "journal": self._journal(),
            "staged": self._staged(),
        }

    def drift(self, wanted: t.Mapping[str, tuple[str | None, t.Any, t.Any]]) -> list[dict[str, t.Any]]:
        """Return how the files differ from the options, as `path`, `what`, and `is_private_key`.

        Args:
            wanted: mode (octal text), owner, and group of each file, None for any.
        """
        found = []
        contents = {}
        if self.installed.leaf is not None:
            contents = self.paths.contents(self.installed.leaf, self.installed.bundle)
        for path, text in self.installed.texts.items():
            if text is None:
                found.append({"path": path, "what": "missing"})
            elif contents and contents[path] != text:
                found.append({"path": path, "what": "content"})
        for path, attributes in wanted.items():
            found += [{"path": path, "what": what} for what in _odd_attributes(path, *attributes)]
        # The path is not always spelled as the user spelled it.
        return [{**one, "is_private_key": one["path"] == self._it.private_key_path} for one in found]

    @property
    def _has_key(self) -> bool:
        return self._it.private_key_path is not None

    def _names(self) -> tuple[str, ...]:
        if self._it.names is not None:
            return tuple(dict.fromkeys(map(ascii_name, self._it.names)))
        if self.csr is None:
            return ()
        common = [] if self.csr.common_name is None else [self.csr.common_name]
        return tuple(dict.fromkeys(map(ascii_name, [*common, *self.csr.dns_names])))

    def _journal(self) -> dict[str, t.Any]:
        """Return the journal's content: state `none`, `known`, `sent` (the response was lost), or `accepted`."""
        entry, submission = self.journal.entry, self.journal.entry.submission
        state = "none" if entry.order_id is None and submission is None else "known"
        if submission is not None:
            state = "accepted" if submission.accepted else "sent"
        fingerprint = None if submission is None else submission.csr_sha256
        staged = read_csr_file(_staged_path(self._it.csr_path))
        end = entry.order_valid_till
        return {
            "state": state,
            "kind": submission and submission.kind,
            "order_id": (submission and submission.order_id) or entry.order_id,
            "order_valid_till": end and end.isoformat(),
            "serial_number": entry.serial_number,
            "replaced_serial_number": entry.replaced_serial_number,
            "is_for_csr": None if fingerprint is None or self.csr is None else self.csr.fingerprint == fingerprint,
            "entry": entry_values(entry),
            "is_for_staged_csr": None if fingerprint is None or staged is None else staged.fingerprint == fingerprint,
        }

    def _staged(self) -> dict[str, t.Any]:
        """Return which staged files exist, and whether their certificate is complete and waits for activation."""
        everything = [*self.paths.paths, self._it.csr_path, self._it.private_key_path]
        staged = [_staged_path(path) for path in everything]
        there = [path for path in staged if path is not None and os.path.lexists(path)]
        if not there:
            return {"files": [], "is_ready": False, "serial_number": None}
        key_path = _staged_path(self._it.private_key_path)
        _state, public_key = _read_key(key_path, self._it.private_key_passphrase)
        three = (self.paths.path, self.paths.chain_path, self.paths.full_chain_path)
        path, chain_path, full_chain_path = map(_staged_path, three)
        paths = InstallPaths(path, chain_path, full_chain_path, self.paths.include_root)
        # The private key is activated first, the certificate last.
        installed = InstalledCertificate.read(paths, Wanted(public_key or self.public_key, self.names))
        leaf, known = installed.leaf, self.journal.entry.serial_number
        fits = leaf is not None and not installed.faults
        complete = fits and not installed.has_drifted(paths)
        # After a crash between two renames, some of the files are already activated.
        begun = leaf is None and known is not None and public_key is None and self.installed.leaf is not None
        begun = begun and same_serial_number(t.cast(str, known), self.installed.leaf.serial_number)  # type: ignore[union-attr]
        ready = begun or (complete if public_key is not None else fits and self.public_key is not None)
        return {"files": there, "is_ready": bool(ready), "serial_number": leaf and leaf.serial_number}


def read_csr_file(path: str | None) -> Csr | None:
    """Return the CSR in a file; None if there is none, or if it is unreadable. Raises DigicertError."""
    content = None if path is None else read_regular(path)
    if content is None:
        return None
    try:
        return read_csr(content)
    except DigicertError:
        return None


def _staged_path(path: str | None) -> str | None:
    return None if path is None else path + STAGED


def _read_key(path: str | None, passphrase: str | None) -> tuple[str | None, bytes | None]:
    """Return the reason why a private key cannot be used, and its public key (DER); raises DigicertError."""
    if path is None:
        return None, None
    content = read_regular(path)
    if content is None:
        return NO_KEY, None
    library = load_cryptography()
    password = None if passphrase is None else passphrase.encode("utf-8", "replace")
    serialization = library.serialization
    for given in (password, None):
        try:
            key = serialization.load_pem_private_key(content, given)
        except library.unreadable:
            continue
        form = serialization.PublicFormat.SubjectPublicKeyInfo
        return None, key.public_key().public_bytes(serialization.Encoding.DER, form)
    return ODD_KEY, None


def _odd_attributes(path: str, mode: str | None, owner: t.Any, group: t.Any) -> list[str]:
    """Return which of mode, owner, and group of a file differ; empty if there is no file."""
    try:
        status = os.stat(path)
    except OSError:
        return []
    found = []
    if mode is not None and f"{stat.S_IMODE(status.st_mode):o}" != mode.lstrip("0o"):
        found.append("mode")
    names = (("owner", owner, status.st_uid, _user_name), ("group", group, status.st_gid, _group_name))
    for what, wanted, number, name_of in names:
        if wanted is not None and str(wanted) not in (str(number), name_of(number)):
            found.append(what)
    return found


def _user_name(number: int) -> str:
    try:
        return pwd.getpwuid(number).pw_name
    except KeyError:
        return str(number)


def _group_name(number: int) -> str:
    try:
        return grp.getgrgid(number).gr_name
    except KeyError:
        return str(number)
