# Copyright: community.digicert contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

# Note that this module util is **PRIVATE** to the collection. It can have breaking changes at any time.
# Do not use this from other collections or standalone plugins/modules!

"""What is installed: the paths of a certificate, the contents of its files, and whether another one is due.

This file does not send or write anything. Before anything is sent, it refuses links that other users can change, and
files that contain a private key.
"""

from __future__ import annotations

import os
import typing as t
from datetime import datetime, timedelta

from ansible_collections.community.digicert.plugins.module_utils._certcentral.errors import DigicertError, printable
from ansible_collections.community.digicert.plugins.module_utils._files.paths import resolve_target, same_file
from ansible_collections.community.digicert.plugins.module_utils._files.reading import (
    contains_private_key,
    read_regular,
)
from ansible_collections.community.digicert.plugins.module_utils._issuance.lifetime import in_days, renewal_threshold
from ansible_collections.community.digicert.plugins.module_utils._x509.certificates import (
    Bundle,
    Certificate,
    build_chain,
    read_certificates,
)

# Why a certificate is due; `expires` is the only one that depends on a clock.
MISSING, SELF_SIGNED, NO_SERVER, KEY, NAMES, EXPIRES = (
    "missing",
    "self_signed",
    "not_a_server_certificate",
    "public_key",
    "names",
    "expires",
)


class InstallPaths(t.NamedTuple):
    """Where a certificate is installed: paths of certificate, chain, and full chain, None for unwanted files."""

    path: str | None = None
    chain_path: str | None = None
    full_chain_path: str | None = None
    include_root: bool = False

    @property
    def primary(self) -> str | None:
        """The main file of the certificate; the journal is beside it."""
        return self.path or self.full_chain_path

    @property
    def paths(self) -> list[str]:
        """All files, the main one last, because it is written after the others."""
        return [path for path in (self.chain_path, self.full_chain_path, self.path) if path is not None]

    def resolve(self) -> InstallPaths:
        """Return the paths without links; raises DigicertError if a link must not be followed."""
        path, chain_path, full_chain_path = (
            None if path is None else resolve_target(path)
            for path in (self.path, self.chain_path, self.full_chain_path)
        )
        return InstallPaths(path, chain_path, full_chain_path, self.include_root)

    def contents(self, leaf: Certificate, bundle: Bundle | None) -> dict[str, str | None]:
        """Return the text for each file; None if it is unknown because intermediates or root are missing."""
        texts = {
            self.chain_path: None if bundle is None else bundle.chain,
            self.full_chain_path: None if bundle is None else bundle.full_chain(self.include_root),
            self.path: leaf.pem,
        }
        return {path: texts[path] for path in self.paths}

    def check(self, sources: t.Mapping[str, str | None]) -> None:
        """Raise DigicertError if a file cannot or must not be written, before money is spent.

        Args:
            sources: files that are read and must not be overwritten, by the option that names each.
        """
        if self.primary is None and self.chain_path is not None:
            raise DigicertError("chain_path needs path or full_chain_path. A chain is useless without its certificate.")
        options = {"path": self.path, "chain_path": self.chain_path, "full_chain_path": self.full_chain_path}
        for path in self.paths:
            self._check_folder(path)
        named = [(name, path) for name, path in {**sources, **options}.items() if path is not None]
        for number, (name, path) in enumerate(named):
            for other, other_path in named[number + 1 :]:
                if other in options and same_file(path, other_path):
                    raise DigicertError(
                        f"{name} and {other} are the same file, {printable(path)}, so nothing was sent. Use "
                        "different files."
                    )

    @staticmethod
    def _check_folder(path: str) -> None:
        directory = os.path.dirname(path)
        if os.path.isdir(path):
            raise DigicertError(f"{printable(path)} is a directory, so nothing was sent. Use the path of a file.")
        if not os.path.isdir(directory):
            raise DigicertError(
                f"The directory {printable(directory)} does not exist, so nothing was sent. Create it first."
            )
        if not os.access(directory, os.W_OK | os.X_OK):
            raise DigicertError(
                f"The directory {printable(directory)} is not writable, so nothing was sent. Make it writable."
            )


class Wanted(t.NamedTuple):
    """What a certificate must have: a public key (DER, None for any) and names (A-labels, lower case)."""

    public_key: bytes | None
    names: tuple[str, ...]

    def faults(self, certificate: Certificate) -> list[str]:
        """Return why a certificate does not match, as reasons of this file; empty if it matches."""
        found = []
        if self.public_key is not None and certificate.public_key != self.public_key:
            found.append(KEY)
        if not all(map(certificate.covers, self.names)):
            found.append(NAMES)
        if certificate.is_self_signed:
            found.append(SELF_SIGNED)
        elif certificate.is_ca or not certificate.allows_server_auth:
            found.append(NO_SERVER)
        return found


class InstalledCertificate(t.NamedTuple):
    """What is installed.

    Attributes:
        texts: the text of each file, None if it does not exist.
        leaf: the installed certificate; of several that match, the one that is valid longest.
        faults: why it does not match, as reasons of this file.
        bundle: the certificate with its chain, if the files contain it.
    """

    texts: dict[str, str | None]
    leaf: Certificate | None
    faults: tuple[str, ...]
    bundle: Bundle | None

    @classmethod
    def read(cls, paths: InstallPaths, wanted: Wanted) -> InstalledCertificate:
        """Return what is installed.

        Raises:
            DigicertError: a file cannot be read, or contains a private key that would be overwritten.
        """
        texts = {path: _text_of(path) for path in paths.paths}
        found = {path: read_certificates(text or "", skip_damaged=True) for path, text in texts.items()}
        everything = [certificate for certificates in found.values() for certificate in certificates]
        # If the first block is damaged, the next one, an intermediate, must not count as the certificate.
        first = [[each for each in found.get(path or "", []) if not each.is_ca][:1] for path in paths[:3:2]]
        leaves = [certificate for certificates in first for certificate in certificates]
        if not leaves:
            leaves = [certificates[0] for path, certificates in found.items() if certificates and path != paths[1]]
        if not leaves:
            return cls(texts, None, (MISSING,), None)
        leaf = max(leaves, key=lambda each: (not wanted.faults(each), each.not_after))
        return cls(texts, leaf, tuple(wanted.faults(leaf)), _bundle_of(leaf, everything))

    @classmethod
    def of_text(cls, text: str, wanted: Wanted) -> InstalledCertificate:
        """Return what is installed on another machine, from its certificate and chain as PEM text."""
        found = read_certificates(text, skip_damaged=True)
        if not found:
            return cls({}, None, (MISSING,), None)
        return cls({}, found[0], tuple(wanted.faults(found[0])), _bundle_of(found[0], found))

    def due_reasons(self, remaining_days: int | None, now: datetime) -> tuple[str, ...]:
        """Return why another certificate is due at `now` (UTC), as reasons of this file; empty if none is due."""
        if self.faults or self.leaf is None:
            return self.faults
        return (EXPIRES,) if self.leaf.not_after - now < self.threshold(remaining_days) else ()

    def threshold(self, remaining_days: int | None) -> timedelta:
        """Return how much validity the installed certificate must have left."""
        life = timedelta(0) if self.leaf is None else lifetime(self.leaf)
        return renewal_threshold(life, remaining_days)

    def missing_texts(self, paths: InstallPaths) -> bool:
        """Return whether the files lack the chain that some of them need."""
        return self.leaf is not None and None in paths.contents(self.leaf, self.bundle).values()

    def has_drifted(self, paths: InstallPaths) -> bool:
        """Return whether a file does not have the content that it should have."""
        return self.leaf is not None and paths.contents(self.leaf, self.bundle) != self.texts


def lifetime(certificate: Certificate) -> timedelta:
    """Return how long a certificate is valid in total."""
    return certificate.not_after - certificate.not_before


def validity_warnings(leaf: Certificate, bundle: Bundle | None, now: datetime) -> list[str]:
    """Return warnings about what is not valid at an aware datetime although no other certificate is due."""
    found = []
    if leaf.not_before > now + timedelta(hours=1):
        found.append(f"The certificate is not valid before {leaf.not_before.isoformat()}. Check the clock of the host.")
    for one in () if bundle is None else bundle.invalid_intermediates(now):
        found.append(
            f"The intermediate certificate {one.subject} is valid from {one.not_before.isoformat()} to "
            f"{one.not_after.isoformat()} only. To get another one, run the task once with force=true."
        )
    return found


def warnings_about(
    leaf: Certificate, bundle: Bundle | None, names: t.Iterable[str], remaining_days: int | None, now: datetime
) -> list[str]:
    """Return warnings about a matching certificate.

    Args:
        leaf: the certificate.
        bundle: the certificate with its chain, if that is known.
        names: that are wanted, A-labels, lower case.
        remaining_days: the option.
        now: aware datetime.
    """
    found = validity_warnings(leaf, bundle, now)
    threshold = renewal_threshold(lifetime(leaf), remaining_days)
    if remaining_days is not None and in_days(threshold) < remaining_days:
        found.append(
            f"The certificate is valid for {in_days(lifetime(leaf)):g} days in total, which is not more than "
            f"remaining_days ({printable(str(remaining_days), 20)}). To avoid a renewal in every run, it is "
            f"renewed when {in_days(threshold):g} days are left, a third of that; lower remaining_days."
        )
    more = sorted(set(leaf.names) - set(names) - companions(names))
    if more:
        found.append(
            f"The certificate also covers {printable(', '.join(more))}, which was not requested. It was kept; to "
            "replace it, run the task once with force=true."
        )
    return found


def companions(names: t.Iterable[str]) -> set[str]:
    """Return the names that a CA adds on its own: with and without www, and the domain of a wildcard."""
    added = set()
    for name in names:
        added.add(name[4:] if name.startswith("www.") else "www." + name)
        if name.startswith("*."):
            added.add(name[2:])
    return added


def _text_of(path: str) -> str | None:
    """Return the content of a file, None when it does not exist; raises DigicertError."""
    content = read_regular(path)
    if content is None:
        return None
    if contains_private_key(content):
        raise DigicertError(
            f"{printable(path)} contains a private key that the certificate would overwrite, so nothing was "
            "sent. Use another path, or move the private key to another file."
        )
    return content.decode("utf-8", "replace")


def _bundle_of(leaf: Certificate, certificates: list[Certificate]) -> Bundle | None:
    # Other certificates with the same key, such as a placeholder or the previous one, do not count.
    others = [each for each in certificates if each.public_key != leaf.public_key]
    try:
        return build_chain([leaf, *others], leaf.public_key)
    except DigicertError:
        return None
