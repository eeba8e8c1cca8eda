# Copyright: community.digicert contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Installed files: what must not be overwritten, what is due, what the status says, and what is written."""

from __future__ import annotations

import os
import typing as t
from datetime import datetime, timezone
from pathlib import Path

import pytest
from ansible_collections.community.digicert.plugins.module_utils._certcentral.errors import DigicertError
from ansible_collections.community.digicert.plugins.module_utils._issuance.installed import (
    InstalledCertificate,
    InstallPaths,
    Wanted,
)
from ansible_collections.community.digicert.plugins.module_utils._issuance.status import CertificateStatus, LookedAt
from ansible_collections.community.digicert.plugins.module_utils._x509.csr import read_csr
from cryptography.hazmat.primitives import serialization

from tests.support.issuance import NAME, Case
from tests.support.pki import KEY, MIDDLE, ROOT, aged_certificate, ec_key, name_of, new_csr, pem


def private_key_text(key: t.Any) -> str:
    """Return a private key as PEM text."""
    form = serialization.PrivateFormat.PKCS8
    return str(key.private_bytes(serialization.Encoding.PEM, form, serialization.NoEncryption()).decode())


PRIVATE = private_key_text(KEY)
WANTED = Wanted(read_csr(new_csr(NAME, key=KEY)).public_key, (NAME,))
LEAF, INTERMEDIATE = pem(MIDDLE.leaf(NAME, days=80, age=10)), pem(MIDDLE.certificate)
EXPIRED, EARLY = (ROOT.sign(MIDDLE.name, MIDDLE.key, days=days, age=age, ca=True) for days, age in ((-1, 99), (99, -1)))
NOW = datetime.now(timezone.utc)


@pytest.mark.parametrize(
    ("options", "words"),
    [
        ({"path": "a.pem", "chain_path": "./b/../a.pem"}, "path and chain_path are the same file"),
        ({"path": "a.pem", "full_chain_path": "A.pem"}, "path and full_chain_path are the same file"),
        ({"path": "b/link", "chain_path": "b/file"}, "path and chain_path are the same file"),
        ({"path": "csr"}, "csr and path are the same file"),
        ({"path": "b"}, "is a directory"),
        ({"path": "c/a.pem"}, "does not exist, so nothing was sent"),
        ({"chain_path": "a.pem"}, "chain_path needs path or full_chain_path"),
        ({"path": "combined.pem"}, "combined.pem contains a private key"),
    ],
)
def test_what_must_not_be_written(tmp_path: Path, options: dict[str, str], words: str) -> None:
    (tmp_path / "b").mkdir()
    (tmp_path / "b" / "file").write_text("")
    (tmp_path / "b" / "link").symlink_to("file")
    (tmp_path / "csr").write_text("")
    (tmp_path / "combined.pem").write_text(LEAF + PRIVATE)
    given: t.Any = {name: str(tmp_path / path) for name, path in options.items()}

    def check() -> None:
        InstallPaths(**given).check({"csr": str(tmp_path / "csr")})
        InstalledCertificate.read(InstallPaths(**given).resolve(), WANTED)

    with pytest.raises(DigicertError, match=words) as caught:
        check()
    assert caught.value.message.endswith(".")


@pytest.mark.parametrize(
    ("content", "reasons"),
    [
        ("", ("missing",)),
        ("garbage", ("missing",)),
        (LEAF + INTERMEDIATE, ()),
        (LEAF + INTERMEDIATE.replace("M", "#", 5), ()),
        (LEAF.replace("M", "#", 5) + INTERMEDIATE, ("public_key", "names", "not_a_server_certificate")),
        (pem(MIDDLE.leaf(NAME, days=20, age=70)), ("expires",)),
        (pem(MIDDLE.leaf("other.example")), ("names",)),
        (pem(MIDDLE.leaf(NAME, key=ec_key())), ("public_key",)),
        (aged_certificate(NAME, KEY, 90), ("self_signed",)),
        (pem(MIDDLE.sign(name_of(NAME), KEY, days=90, names=[NAME], ca=True)), ("not_a_server_certificate",)),
    ],
    ids=["nothing", "garbage", "good", "bad chain", "bad", "old", "other name", "other key", "self-signed", "CA"],
)
def test_what_is_due(tmp_path: Path, content: str, reasons: tuple[str, ...]) -> None:
    path = tmp_path / "full.pem"
    path.write_text(content)
    installed = InstalledCertificate.read(InstallPaths(full_chain_path=str(path)), WANTED)
    assert installed.due_reasons(None, NOW) == reasons


@pytest.mark.parametrize(
    ("leaf", "intermediate", "words"),
    [
        (MIDDLE.leaf(NAME), MIDDLE.certificate, []),
        (MIDDLE.leaf(NAME, age=-3), MIDDLE.certificate, ["The certificate is not valid before "]),
        (MIDDLE.leaf(NAME), EXPIRED, ["The intermediate certificate CN=Intermediate is valid from "]),
        (MIDDLE.leaf(NAME), EARLY, ["The intermediate certificate CN=Intermediate is valid from "]),
        (MIDDLE.leaf(NAME, age=-3, key=ec_key()), EXPIRED, []),
    ],
    ids=["valid", "not yet", "expired intermediate", "intermediate not yet", "due anyway"],
)
def test_what_is_not_valid_is_said_although_nothing_is_due(
    tmp_path: Path, leaf: t.Any, intermediate: t.Any, words: list[str]
) -> None:
    path, csr = str(tmp_path / "full.pem"), str(tmp_path / "csr")
    Path(path).write_text(pem(leaf) + pem(intermediate))
    Path(csr).write_text(new_csr(NAME, key=KEY))
    warnings = CertificateStatus(LookedAt(InstallPaths(None, None, path), None, None, csr, (NAME,))).warnings
    assert [text.startswith(word) for text, word in zip(warnings, words)] == [True] * len(words)
    assert len(warnings) == len(words)


def test_a_look_at_a_host(tmp_path: Path) -> None:
    names = ("a.pem", "key", "csr", "full.pem")
    certificate, key, csr, full_chain = (str(tmp_path / name) for name in names)
    paths = InstallPaths(certificate, None, full_chain)

    def look(**more: t.Any) -> CertificateStatus:
        return CertificateStatus(LookedAt(paths, key, None, csr, (NAME,), **more))

    first = look()
    assert first.reasons == ["missing", "private_key_missing"]
    Path(key).write_text(PRIVATE)
    Path(csr).write_text(new_csr(NAME, key=KEY))
    Path(certificate).write_text(LEAF)
    Path(full_chain).write_text(LEAF + INTERMEDIATE + pem(ROOT.certificate))
    os.chmod(certificate, 0o640)
    status = look()
    result = status.result()
    assert (result["due"], result["reasons"], result["private_key_fits"], result["csr_fits"]) == (False, [], True, True)
    assert (result["journal"]["state"], result["staged"]["files"], result["is_complete"]) == ("none", [], True)
    assert status.drift({certificate: ("0640", None, None), key: ("0777", os.getuid(), None)}) == [
        {"path": full_chain, "what": "content", "is_private_key": False},
        {"path": key, "what": "mode", "is_private_key": True},
    ]
    assert look(remaining_days=85).reasons == ["expires"]
    Path(csr).write_text(new_csr(NAME, "more.example", key=KEY))
    assert look().csr_fits is False
    other = ec_key()
    staged = pem(MIDDLE.leaf(NAME, key=other))
    Path(certificate + ".next").write_text(staged)
    Path(full_chain + ".next").write_text(staged + INTERMEDIATE)
    assert look().result()["staged"]["is_ready"] is False
    Path(key + ".next").write_text(private_key_text(other))
    assert look().result()["staged"]["is_ready"] is True


def test_files_are_on_the_disk_before_the_journal_says_so(case: Case, monkeypatch: pytest.MonkeyPatch) -> None:
    case.install()
    happened: list[str] = []
    rename, fsync = os.rename, os.fsync

    def record_rename(source: t.Any, target: t.Any, **options: t.Any) -> None:
        happened.append(os.path.basename(target))
        rename(source, target, **options)

    def record_fsync(descriptor: int) -> None:
        happened.append("folder" if os.path.isdir(f"/proc/self/fd/{descriptor}") else "file")
        fsync(descriptor)

    monkeypatch.setattr(os, "rename", record_rename)
    monkeypatch.setattr(os, "fsync", record_fsync)
    assert case.run().action == "reissued"
    journal, certificate = ["file", ".a.pem.order.json", "folder"], ["file", "a.pem", "folder"]
    assert happened == journal + journal + certificate + journal
