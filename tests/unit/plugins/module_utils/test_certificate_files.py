# Copyright: community.digicert contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""What is in place: when a certificate is due, and what can be rebuilt without an order."""

from __future__ import annotations

from datetime import datetime, timezone
from pathlib import Path

import pytest
from ansible_collections.community.digicert.plugins.module_utils._certificate_files import (
    Files,
    Targets,
    warnings_about,
)
from ansible_collections.community.digicert.plugins.module_utils._certificates import read_certificates
from ansible_collections.community.digicert.plugins.module_utils._errors import DigicertError
from ansible_collections.community.digicert.plugins.module_utils._order_request import OrderRequest
from cryptography import x509

from tests.support.orders import request_for
from tests.support.pki import MIDDLE, ROOT, ec_key, pem

REQUEST = request_for("www.example.com", "example.com")
NAMES = REQUEST.names


def now() -> datetime:
    return datetime.now(timezone.utc)


@pytest.fixture
def targets(tmp_path: Path) -> Targets:
    return Targets(str(tmp_path / "c.pem"), str(tmp_path / "chain.pem"), str(tmp_path / "full.pem"))


def put(targets: Targets, certificate: str | None, chain: str | None, full_chain: str | None) -> None:
    for path, text in zip(
        (targets.path, targets.chain_path, targets.full_chain_path), (certificate, chain, full_chain)
    ):
        if text is not None:
            Path(str(path)).write_text(text)


@pytest.mark.parametrize(
    ("certificate", "due"),
    [
        (MIDDLE.leaf(*NAMES), False),
        (MIDDLE.leaf(*NAMES, days=31, age=100), False),
        (MIDDLE.leaf(*NAMES, days=29, age=100), True),
        (MIDDLE.leaf(*NAMES, days=-1, age=100), True),
        (MIDDLE.leaf("WWW.example.com", "example.com", "more.example.com"), False),
        (MIDDLE.leaf("*.example.com", "example.com"), False),
        (MIDDLE.leaf("www.example.com"), True),
        (MIDDLE.leaf(*NAMES, key=ec_key()), True),
        (MIDDLE.leaf(*NAMES, days=20, age=9), False),  # 29 days altogether: a third is left only later
        (MIDDLE.leaf(*NAMES, days=9, age=20), True),
    ],
)
def test_due(targets: Targets, certificate: x509.Certificate, due: bool) -> None:
    put(targets, pem(certificate), None, None)
    assert Files.read(targets, REQUEST).due(30, now()) is due


def test_nothing_or_nonsense_is_due(targets: Targets) -> None:
    assert Files.read(targets, REQUEST).due(0, now())
    put(targets, "-----BEGIN CERTIFICATE-----\nxx\n-----END CERTIFICATE-----", "x", "y")
    assert Files.read(targets, REQUEST).due(0, now())


def test_a_lost_certificate_or_chain_is_rebuilt_from_the_other_files(targets: Targets) -> None:
    leaf, middle = pem(MIDDLE.leaf(*NAMES)), pem(MIDDLE.certificate)
    whole = {targets.path: leaf, targets.chain_path: middle, targets.full_chain_path: leaf + middle}
    for present in (
        (leaf, middle, None),
        (leaf, None, leaf + middle),
        (None, None, leaf + middle),
        (None, "x", leaf + middle),
    ):
        for path in targets.paths:
            Path(path).unlink(missing_ok=True)
        put(targets, *present)
        files = Files.read(targets, REQUEST)
        assert not files.due(30, now())
        assert files.leaf is not None
        assert targets.contents(files.leaf, files.bundle) == whole


@pytest.mark.parametrize("wrong", [None, "nonsense", pem(ROOT.certificate)], ids=["no chain", "nonsense", "root"])
def test_what_cannot_be_rebuilt_is_not_known(targets: Targets, wrong: str | None) -> None:
    put(targets, pem(MIDDLE.leaf(*NAMES)), wrong, wrong)
    files = Files.read(targets, REQUEST)
    assert files.leaf is not None
    assert targets.contents(files.leaf, files.bundle) == {
        targets.chain_path: None,
        targets.full_chain_path: None,
        targets.path: files.leaf.pem,
    }


def test_the_root_is_kept_where_it_is_wanted(targets: Targets) -> None:
    leaf, middle, root = pem(MIDDLE.leaf(*NAMES)), pem(MIDDLE.certificate), pem(ROOT.certificate)
    put(targets, leaf, middle, leaf + middle + root)
    files = Files.read(targets, REQUEST)
    assert files.leaf is not None
    assert targets.contents(files.leaf, files.bundle)[targets.full_chain_path or ""] == leaf + middle
    with_root = targets._replace(include_root=True)
    assert with_root.contents(files.leaf, files.bundle)[targets.full_chain_path or ""] == leaf + middle + root
    put(targets, leaf, middle, leaf + middle)
    files = Files.read(targets, REQUEST)
    assert files.leaf is not None
    assert with_root.contents(files.leaf, files.bundle)[targets.full_chain_path or ""] is None


def test_of_two_certificates_the_better_one_counts(targets: Targets) -> None:
    old, new = pem(MIDDLE.leaf(*NAMES, days=20, age=100)), pem(MIDDLE.leaf(*NAMES))
    other = pem(MIDDLE.leaf(*NAMES, key=ec_key(), days=300))
    for certificate, full_chain in ((old, new), (new, old), (other, new), (new, other)):
        put(targets, certificate, None, full_chain)
        files = Files.read(targets, REQUEST)
        assert files.leaf is not None
        assert files.leaf.pem == new
        assert not files.due(30, now())


def test_warnings() -> None:
    def about(*names: str, days: float = 198, request: OrderRequest = REQUEST) -> list[str]:
        [leaf] = read_certificates(pem(MIDDLE.leaf(*names, days=days)))
        return warnings_about(leaf, request, 30)

    assert about(*NAMES) == []
    assert about(*NAMES, request=request_for("www.example.com")) == [], "this is what CAs add"
    assert about(*NAMES, request=request_for("example.com")) == [], "and this"
    assert about("*.a.example", "a.example", request=request_for("*.a.example")) == [], "and this"
    assert "also covers other.example.com" in about(*NAMES, "other.example.com")[0]
    assert "valid for 29 days altogether" in about(*NAMES, days=28)[0]
    assert "9.7 days, is left" in about(*NAMES, days=28)[0]


def test_files_that_cannot_be_written(tmp_path: Path) -> None:
    path = str(tmp_path / "c.pem")
    cases = {
        Targets(path, path, None): "must be different files",
        Targets(path, None, f"{tmp_path}/./c.pem"): "must be different files",
        Targets(None, path, None): "chain_path needs path or full_chain_path",
        Targets(str(tmp_path), None, None): "is a directory",
        Targets(str(tmp_path / "none" / "c.pem"), None, None): "does not exist",
        Targets(path, None, "/proc/version/c.pem"): "does not exist",
    }
    for targets, words in cases.items():
        with pytest.raises(DigicertError, match=words):
            targets.check()
    Targets(path, None, None).check()
    Targets(None, None, None).check()


def test_the_file_that_stands_for_the_certificate_is_written_last(targets: Targets) -> None:
    assert targets.paths == [targets.chain_path, targets.full_chain_path, targets.path]
    assert targets.primary == targets.path
    assert Targets(None, None, "full").primary == "full"
