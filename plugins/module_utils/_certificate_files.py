# Copyright: community.digicert contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

# Note that this module util is **PRIVATE** to the collection. It can have breaking changes at any time.
# Do not use this from other collections or standalone plugins/modules!

"""The files of a certificate: what is in them, what is to be in them, and whether a new certificate is due.

This file knows no Ansible, sends nothing and writes nothing.
"""

from __future__ import annotations

import os
import typing as t
from datetime import datetime, timedelta

from ansible_collections.community.digicert.plugins.module_utils._certificates import (
    Bundle,
    Certificate,
    chained,
    read_certificates,
)
from ansible_collections.community.digicert.plugins.module_utils._errors import DigicertError

if t.TYPE_CHECKING:
    from ansible_collections.community.digicert.plugins.module_utils._order_request import OrderRequest


class Targets(t.NamedTuple):
    """Where a certificate is installed: paths of certificate, chain and full chain, None for what is not wanted."""

    path: str | None
    chain_path: str | None
    full_chain_path: str | None
    include_root: bool = False

    @property
    def primary(self) -> str | None:
        """The file that stands for the certificate: the marker lies beside it."""
        return self.path or self.full_chain_path

    @property
    def paths(self) -> list[str]:
        """All files, the one that stands for the certificate last: it is written when the others are in place."""
        return [path for path in (self.chain_path, self.full_chain_path, self.path) if path is not None]

    def contents(self, leaf: Certificate, bundle: Bundle | None) -> dict[str, str | None]:
        """Return the text for each file; None where it is not known, for lack of intermediates or root."""
        texts = {
            self.chain_path: None if bundle is None else bundle.chain,
            self.full_chain_path: None if bundle is None else bundle.full_chain(self.include_root),
            self.path: leaf.pem,
        }
        return {path: texts[path] for path in self.paths}

    def check(self) -> None:
        """Raise DigicertError when a file could not be written: that must be known before money is spent."""
        if self.primary is None and self.chain_path is not None:
            raise DigicertError(
                "chain_path needs path or full_chain_path. Without the certificate, a chain is of no use."
            )
        paths = [os.path.abspath(path) for path in self.paths]
        if len(set(paths)) < len(paths):
            raise DigicertError("path, chain_path and full_chain_path must be different files.")
        for path in paths:
            directory = os.path.dirname(path)
            if os.path.isdir(path):
                raise DigicertError(f"{path} is a directory. Give the path of a file. No order was placed.")
            if not os.path.isdir(directory):
                raise DigicertError(f"The directory {directory} does not exist. Create it first. No order was placed.")
            if not os.access(directory, os.W_OK | os.X_OK):
                raise DigicertError(
                    f"The directory {directory} is not writable. Make it writable. No order was placed."
                )


class Files(t.NamedTuple):
    """What is in place.

    Attributes:
        texts: the text of each file, None where there is none.
        leaf: the certificate in place that fits best: of those that fit the request, the one that lives longest.
        fits: whether it has the CSR's public key and covers the names.
        bundle: the same with its chain, as far as the files hold it.
    """

    texts: dict[str, str | None]
    leaf: Certificate | None
    fits: bool
    bundle: Bundle | None

    @classmethod
    def read(cls, targets: Targets, request: OrderRequest) -> Files:
        """Return what is in place; raises DigicertError when a file cannot be read."""
        texts = {path: _text_of(path) for path in targets.paths}
        certificates = {path: _certificates_in(text) for path, text in texts.items()}
        certificate = certificates.get(targets.path or "", [])
        chain = certificates.get(targets.chain_path or "", [])
        full_chain = certificates.get(targets.full_chain_path or "", [])
        leaves = certificate[:1] + full_chain[:1]
        if not leaves:
            return cls(texts, None, False, None)
        fits, leaf = max(((fitting(each, request), each) for each in leaves), key=lambda it: (it[0], it[1].not_after))
        bundles = [_bundle_of(leaf, rest) for rest in (full_chain[1:], chain)]
        # One with the root, if it is there, can serve for all files.
        known = sorted((each for each in bundles if each is not None), key=lambda each: each.root is None)
        return cls(texts, leaf, fits, known[0] if known else None)

    def due(self, remaining_days: int, now: datetime) -> bool:
        """Return whether a new certificate is due at `now` (UTC): there is none, it does not fit, or ends too soon."""
        if self.leaf is None or not self.fits:
            return True
        return self.leaf.not_after - now < _threshold(self.leaf, remaining_days)


def fitting(certificate: Certificate, request: OrderRequest) -> bool:
    """Return whether a certificate has the public key of a request's CSR and covers all names."""
    return certificate.public_key == request.csr.public_key and all(map(certificate.covers, request.names))


def warnings_about(leaf: Certificate, request: OrderRequest, remaining_days: int) -> list[str]:
    """Return what the user should know of a certificate that fits a request."""
    found = []
    threshold = _threshold(leaf, remaining_days)
    if threshold < timedelta(days=remaining_days):
        found.append(
            f"The certificate is valid for {_days(_life(leaf)):g} days altogether, which is not more than "
            f"remaining_days ({remaining_days}). So that not every run orders, it is renewed when a third of that, "
            f"{_days(threshold):g} days, is left. Lower remaining_days."
        )
    more = sorted(set(leaf.names) - set(request.names) - _companions(request.names))
    if more:
        found.append(
            f"The certificate also covers {', '.join(more)}, which is not asked for. It is not replaced for that; "
            "force=true orders a new one."
        )
    return found


def _threshold(leaf: Certificate, remaining_days: int) -> timedelta:
    """Return how much validity a certificate must have left; what no certificate can have is not demanded."""
    wanted, life = timedelta(days=remaining_days), _life(leaf)
    return wanted if wanted < life else life / 3


def _companions(names: t.Iterable[str]) -> set[str]:
    """Return the names that a CA adds of its own accord: with and without www, and the domain of a wildcard."""
    added = set()
    for name in names:
        added.add(name[4:] if name.startswith("www.") else "www." + name)
        if name.startswith("*."):
            added.add(name[2:])
    return added


def _life(certificate: Certificate) -> timedelta:
    return certificate.not_after - certificate.not_before


def _days(duration: timedelta) -> float:
    return round(duration / timedelta(days=1), 1)


def _text_of(path: str) -> str | None:
    """Return the content of a file, None when it does not exist; raises DigicertError."""
    try:
        with open(path, "rb") as file:
            return file.read().decode("utf-8", "replace")
    except FileNotFoundError:
        return None
    except OSError as exc:
        raise DigicertError(
            f"Cannot read {path}: {exc.strerror}. Mend it, or remove it. No order was placed."
        ) from None


def _certificates_in(text: str | None) -> list[Certificate]:
    """Return the certificates in a file; none, when there is anything in it that is no certificate."""
    try:
        return read_certificates(text or "")
    except DigicertError:
        return []


def _bundle_of(leaf: Certificate, rest: list[Certificate]) -> Bundle | None:
    try:
        return chained([leaf, *rest])
    except DigicertError:
        return None
