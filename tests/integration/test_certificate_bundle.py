# Copyright: community.digicert contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Private key, certificate, and chain in one file that openssl can read."""

from __future__ import annotations

import subprocess
import typing as t
from pathlib import Path

import pytest
from cryptography.hazmat.primitives import serialization

from tests.support.host_files import mode_of
from tests.support.module_runs import run_module
from tests.support.pki import KEY, MIDDLE, aged_certificate, ec_key, pem

MODULE = "digicert_certificate_bundle"
PASSPHRASE = "correct horse"
FORMATS = serialization.Encoding.PEM, serialization.PrivateFormat.PKCS8


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    """Files of a certificate."""
    text = KEY.private_bytes(*FORMATS, serialization.NoEncryption()).decode()
    (tmp_path / "a.key").write_text(text)
    (tmp_path / "a.pem").write_text(pem(MIDDLE.leaf("a.example")))
    (tmp_path / "a.chain.pem").write_text(pem(MIDDLE.certificate))
    return tmp_path


def options(folder: Path, **more: t.Any) -> dict[str, t.Any]:
    paths = {"private_key_path": "a.key", "certificate_path": "a.pem", "chain_path": "a.chain.pem", "path": "bundle"}
    return {**{name: f"{folder}/{file}" for name, file in paths.items()}, **more}


def openssl(*command: str) -> str:
    done = subprocess.run(["openssl", *command], capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr
    return done.stdout


def test_combined_file(folder: Path) -> None:
    file = folder / "bundle"
    assert run_module(MODULE, options(folder), check_mode=True)["changed"]
    assert not file.exists()
    result = run_module(MODULE, options(folder))
    assert result["changed"]
    assert "PRIVATE" not in str(result)
    assert file.read_text() == "".join((folder / name).read_text() for name in ("a.key", "a.pem", "a.chain.pem"))
    assert mode_of(file) == 0o600
    assert not run_module(MODULE, options(folder))["changed"]
    file.chmod(0o640)
    old = file.read_bytes()
    (folder / "a.pem").write_text(pem(MIDDLE.leaf("a.example")) + pem(MIDDLE.certificate))
    result = run_module(MODULE, options(folder, chain_path=None, backup=True))
    [copy] = result["backup_files"]
    assert Path(copy).read_bytes() == old
    assert mode_of(file) == mode_of(Path(copy)) == 0o640


@pytest.mark.parametrize("level", ["auto", "compatibility2022"])
def test_pkcs12(level: str, folder: Path) -> None:
    args = options(folder, format="pkcs12", passphrase=PASSPHRASE, friendly_name="tomcat", encryption_level=level)
    assert run_module(MODULE, args)["changed"]
    assert not run_module(MODULE, args)["changed"]
    assert mode_of(folder / "bundle") == 0o600
    legacy = ["-legacy"] if level != "auto" else []
    text = openssl("pkcs12", "-in", args["path"], "-passin", f"pass:{PASSPHRASE}", "-nodes", *legacy)
    assert [text.count(f"BEGIN {what}") for what in ("PRIVATE KEY", "CERTIFICATE")] == [1, 2]
    assert "friendlyName: tomcat" in text
    assert run_module(MODULE, {**args, "passphrase": "another"})["changed"]
    (folder / "a.pem").write_text(pem(MIDDLE.leaf("b.example")))
    assert run_module(MODULE, {**args, "passphrase": "another"})["changed"]


def test_an_encrypted_key_stays_encrypted(folder: Path) -> None:
    encrypted = KEY.private_bytes(*FORMATS, serialization.BestAvailableEncryption(PASSPHRASE.encode()))
    (folder / "a.key").write_bytes(encrypted)
    assert "Set private_key_passphrase." in run_module(MODULE, options(folder))["msg"]
    assert run_module(MODULE, options(folder, private_key_passphrase=PASSPHRASE))["changed"]
    assert (folder / "bundle").read_bytes().startswith(encrypted)


@pytest.mark.parametrize(
    ("more", "reason"),
    [
        ({"path": "{folder}/./a.key"}, "path and private_key_path must be different files."),
        ({"path": "{folder}/a.PEM"}, "path and certificate_path must be different files."),
        ({"path": "{folder}/notes"}, "contains neither a private key nor a certificate."),
        ({"path": "{folder}/missing/bundle"}, "does not exist. Create it first."),
        ({"path": "{folder}/open/bundle"}, "Other users can change the directory of"),
        ({"certificate_path": "{folder}/other"}, "Cannot use"),
        ({"chain_path": None}, "Cannot use"),
        ({"private_key_path": "{folder}/missing"}, "does not exist. Create it first."),
        ({"format": "pkcs12", "passphrase": ""}, "the passphrase must not be empty."),
    ],
)
def test_refused_in_one_sentence(more: dict[str, t.Any], reason: str, folder: Path) -> None:
    (folder / "notes").write_text("theirs")
    (folder / "open").mkdir()
    (folder / "open").chmod(0o777)
    (folder / "other").write_text(aged_certificate("a.example", ec_key(), 50))
    (folder / "a.PEM").symlink_to("a.pem")
    before = {path.name: path.read_bytes() for path in folder.iterdir() if path.is_file()}
    given = {name: value.format(folder=folder) if isinstance(value, str) else value for name, value in more.items()}
    result = run_module(MODULE, options(folder, **given))
    assert reason in result["msg"]
    assert {path.name: path.read_bytes() for path in folder.iterdir() if path.is_file()} == before
