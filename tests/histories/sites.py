# Copyright: community.digicert contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""A host's folder with one certificate: its real files, the user's options, and damage to the files."""

from __future__ import annotations

import contextlib
import functools
import json
import os
from pathlib import Path
from typing import Any

from cryptography import x509
from cryptography.hazmat.primitives.serialization import Encoding, PublicFormat

from tests.histories import pki

NAMES = (
    ("a.example.com",),
    ("a.example.com", "www.example.com"),
    ("a.example.com", "xn--bcher-kva.example.com"),
    ("b.example.com",),
)
LAYOUTS = (("path",), ("path", "chain_path", "full_chain_path"), ("full_chain_path",), ("path", "chain_path"))
FILES = {"path": "cert.pem", "chain_path": "chain.pem", "full_chain_path": "full.pem"}
DAMAGES = ("delete", "empty", "cut", "garbage")


class Leaf:
    """The installed certificate."""

    def __init__(self, pem: bytes) -> None:
        certificate = x509.load_pem_x509_certificate(pem)
        self.serial_number = f"{certificate.serial_number:X}"
        self.not_before = certificate.not_valid_before_utc.timestamp()
        self.not_after = certificate.not_valid_after_utc.timestamp()
        self.public_key = certificate.public_key().public_bytes(Encoding.DER, PublicFormat.SubjectPublicKeyInfo)
        names = certificate.extensions.get_extension_for_class(x509.SubjectAlternativeName).value
        self.names = frozenset(names.get_values_for_type(x509.DNSName))


_read_leaf = functools.lru_cache(2048)(Leaf)


class Site:
    """One certificate on one host.

    Attributes:
        names: that the user wants.
        key: number of the private key.
        csr_serial: number of the CSR for that key.
        installed: serial numbers of all certificates that were ever installed.
        tampered: somebody deleted, damaged or restored files since the last run that succeeded.
        journal_lost: when somebody last deleted, damaged or restored the journal, seconds since 1970.
        backup: copies of the files, by name.
    """

    def __init__(self, folder: Path, number: int) -> None:
        self.folder = folder
        self.number = number
        self.names: tuple[str, ...] = NAMES[0]
        self.layout: tuple[str, ...] = LAYOUTS[0]
        self.key = number
        self.csr_serial = 0
        self.renewal = "auto"
        self.installed: set[str] = set()
        self.tampered = False
        self.journal_lost = 0.0
        self.backup: dict[str, bytes] = {}
        folder.mkdir()

    @property
    def csr(self) -> str:
        """The CSR, PEM."""
        return pki.csr(self.key, self.names, self.csr_serial)

    @property
    def csr_der(self) -> bytes:
        """The CSR, DER."""
        return pki.read_csr(self.csr)[0]

    @property
    def public_key(self) -> bytes:
        """The public key, DER."""
        return pki.public_key_of(self.key)

    @property
    def paths(self) -> dict[str, str]:
        """The paths of the layout, by the option's name."""
        return {name: str(self.folder / FILES[name]) for name in self.layout}

    @property
    def journal(self) -> Path:
        """The journal beside the first of the files."""
        return self.folder / f".{FILES[self.layout[0]]}.order.json"

    def entry(self) -> dict[str, Any] | None:
        """Return the journal's content; None if there is none or it is not JSON."""
        try:
            values = json.loads(self.journal.read_bytes())
        except (OSError, ValueError):
            return None
        return values if isinstance(values, dict) else None

    @property
    def has_damaged_journal(self) -> bool:
        """Whether there is an unreadable journal."""
        return self.journal.exists() and self.journal.stat().st_size > 0 and self.entry() is None

    def leaf(self) -> Leaf | None:
        """Return the installed certificate, None if there is none or it is damaged."""
        try:
            return _read_leaf((self.folder / FILES[self.layout[0]]).read_bytes())
        except (OSError, ValueError):
            return None

    def leaves(self) -> list[Leaf]:
        """Return the certificates in all files that have one; after a crash, they may differ."""
        found = []
        for name in set(self.layout) - {"chain_path"}:
            with contextlib.suppress(OSError, ValueError):
                found.append(_read_leaf((self.folder / FILES[name]).read_bytes()))
        return found

    @property
    def lacks_chain(self) -> bool:
        """Whether no file has the chain that some of them need."""
        contents, needed = self.contents(), {"chain_path": 1, "full_chain_path": 2}
        counts = {name: contents.get(FILES[name], b"").count(b"-----BEGIN") for name in self.layout if name in needed}
        return bool(counts) and not any(count >= needed[name] for name, count in counts.items())

    def contents(self) -> dict[str, bytes]:
        """Return all files."""
        return {entry.name: Path(entry.path).read_bytes() for entry in os.scandir(self.folder) if entry.is_file()}

    def damage(self, name: str, how: str) -> None:
        """Damage a file."""
        path = self.folder / name
        if not path.exists():
            return
        self.tampered = True
        if how == "delete":
            path.unlink()
            return
        content = path.read_bytes()
        path.write_bytes({"empty": b"", "cut": content[: len(content) // 2], "garbage": b"\x00garbage"}[how])

    def restore(self, names: frozenset[str] | None) -> None:
        """Restore files from the backup; None restores all and removes the others."""
        if not self.backup:
            return
        self.tampered = True
        if names is None:
            for name in self.contents():
                (self.folder / name).unlink()
        for name, content in self.backup.items():
            if names is None or name in names:
                (self.folder / name).write_bytes(content)
