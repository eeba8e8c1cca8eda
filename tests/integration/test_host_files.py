# Copyright: community.digicert contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Private keys, CSRs, and tokens on a host: what is created, what stays, and what other users can do to it."""

from __future__ import annotations

import errno
import os
import signal
import typing as t
from pathlib import Path

import pytest
from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.x509.oid import NameOID

from tests.support.host_files import NAME, REQUEST, mode_of, options
from tests.support.module_runs import run_module
from tests.support.pki import aged_certificate
from tests.support.playbooks import Ansible


def load_key(path: Path, passphrase: bytes | None = None) -> t.Any:
    return serialization.load_pem_private_key(path.read_bytes(), passphrase)


def load_csr(text: str) -> x509.CertificateSigningRequest:
    return x509.load_pem_x509_csr(text.encode())


def names_of(request: x509.CertificateSigningRequest) -> list[str]:
    return request.extensions.get_extension_for_class(x509.SubjectAlternativeName).value.get_values_for_type(
        x509.DNSName
    )


@pytest.mark.smoke
def test_from_nothing_to_an_activated_key(ansible: Ansible, tmp_path: Path) -> None:
    folder = tmp_path / "ssl"
    folder.mkdir()
    args = options(folder, dns_names=["b\u00fccher.example", NAME], backup=False)
    module = f"community.digicert.{REQUEST}"
    activated = {"state": "activated", "private_key_path": args["private_key_path"], "backup": False}
    activated["activate_paths"] = [f"{folder}/a.{ending}" for ending in ("key", "csr", "pem")]
    certificate = {"content": "{{ lookup('file', pem) }}", "dest": f"{folder}/a.pem.next", "mode": "0644"}
    tasks: list[dict[str, t.Any]] = [
        {"name": "would", module: args, "check_mode": True},
        {"name": "made", module: args},
        {"name": "there", module: args},
        {"name": "other", module: {**args, "new_csr": True}},
        {"name": "staged", module: {**args, "staged": True}},
        {"name": "early", module: activated},
    ]
    run = ansible.play(tasks, "--diff", "-vvv")
    assert run.rc == 0, run.output
    assert [result.changed for result in run.results] == [True, True, False, True, True, False]
    assert "PRIVATE KEY-" not in run.output
    made, other, staged = (load_csr(run.of(task)[0].result["csr"]) for task in ("made", "other", "staged"))
    assert names_of(made) == [NAME, "xn--bcher-kva.example"]
    assert made.public_key() == other.public_key() == load_key(folder / "a.key").public_key() != staged.public_key()
    assert (folder / "a.csr").read_text() == run.of("other")[0].result["csr"]
    (tmp_path / "pem").write_text(aged_certificate(NAME, load_key(folder / "a.key.next"), 50))
    last: list[dict[str, t.Any]] = [
        {"name": "certificate", "ansible.builtin.copy": certificate},
        {"name": "now", module: activated},
    ]
    run = ansible.play(last, play={"vars": {"pem": str(tmp_path / "pem")}})
    assert run.last.result["activated_files"] == activated["activate_paths"], run.output
    assert load_key(folder / "a.key").public_key() == staged.public_key()
    assert sorted(path.name for path in folder.iterdir()) == ["a.csr", "a.key", "a.pem"]
    assert [mode_of(folder / f"a.{ending}") for ending in ("key", "csr", "pem")] == [0o600, 0o644, 0o644]


def test_another_csr_of_an_rsa_key_is_another_text(tmp_path: Path) -> None:
    args = options(tmp_path, private_key_type="RSA")
    texts = [run_module(REQUEST, {**args, "new_csr": again})["csr"] for again in (False, True, True, False)]
    assert len(set(texts)) == 3
    assert texts[2] == texts[3]


def test_what_the_user_made_is_kept_or_backed_up(tmp_path: Path) -> None:
    key = ec.generate_private_key(ec.SECP384R1())
    formats = serialization.Encoding.PEM, serialization.PrivateFormat.TraditionalOpenSSL, serialization.NoEncryption()
    (tmp_path / "a.key").write_bytes(key.private_bytes(*formats))
    (tmp_path / "a.key").chmod(0o640)
    subject = x509.Name(
        [x509.NameAttribute(NameOID.ORGANIZATION_NAME, "Theirs"), x509.NameAttribute(NameOID.COMMON_NAME, NAME)]
    )
    builder = x509.CertificateSigningRequestBuilder(subject)
    builder = builder.add_extension(x509.SubjectAlternativeName([x509.DNSName(NAME)]), critical=False)
    theirs = builder.sign(key, hashes.SHA256()).public_bytes(serialization.Encoding.PEM).decode()
    (tmp_path / "a.csr").write_text(theirs)
    (tmp_path / "a.csr").chmod(0o640)
    before = (tmp_path / "a.key").read_bytes()
    assert run_module(REQUEST, options(tmp_path))["csr"] == theirs
    for more in ({"new_csr": True}, {"dns_names": ["other.example"]}):
        (tmp_path / "a.csr").write_text(theirs)
        result = run_module(REQUEST, options(tmp_path, **more))
        [copy] = result["backup_files"]
        assert Path(copy).read_text() == theirs
        assert mode_of(Path(copy)) == mode_of(tmp_path / "a.csr") == 0o640
        assert load_csr(result["csr"]).public_key() == key.public_key()
        Path(copy).unlink()
    assert (tmp_path / "a.key").read_bytes() == before
    assert mode_of(tmp_path / "a.key") == 0o640
    result = run_module(REQUEST, options(tmp_path, private_key_mode="u=rw,go=", dns_names=["other.example"]))
    assert (result["changed"], result["csr_created"], mode_of(tmp_path / "a.key")) == (True, False, 0o600)


def test_passphrase(tmp_path: Path) -> None:
    args = options(tmp_path, private_key_passphrase="correct horse")
    assert run_module(REQUEST, args)["private_key_created"]
    assert load_key(tmp_path / "a.key", b"correct horse")
    assert not run_module(REQUEST, args)["changed"]
    assert "Set private_key_passphrase." in run_module(REQUEST, options(tmp_path))["msg"]
    assert "passphrase is wrong" in run_module(REQUEST, {**args, "private_key_passphrase": "wrong horse"})["msg"]


@pytest.mark.parametrize(
    ("more", "reason"),
    [
        ({"csr_path": "{folder}//sub/../a.key"}, "private_key_path and csr_path must be different files."),
        ({"csr_path": "{folder}/A.KEY"}, "private_key_path and csr_path must be different files."),
        ({"csr_path": "{folder}/combined"}, "contains a private key. Set csr_path to another file."),
        ({"csr_path": "{folder}/certificate"}, "contains something other than a CSR."),
        ({"private_key_path": "{folder}/certificate"}, "Cannot read the private key in"),
        ({"private_key_path": "{folder}/missing/a.key"}, "does not exist. Create it first."),
        ({"private_key_path": "{folder}/sub/"}, "is a directory."),
        ({"private_key_path": "{folder}/open/a.key"}, "Other users can change the directory of"),
        ({"private_key_path": "{folder}/pipe"}, "is not a regular file."),
        ({"private_key_type": "RSA", "private_key_size": 1024}, "must be a multiple of 8 from 2048 to 16384"),
        ({"private_key_passphrase": "abc"}, "must have 4 to 1000 bytes."),
        ({"private_key_owner": "no-such-user"}, "The user 'no-such-user' does not exist on this host."),
        ({"private_key_mode": "rwx"}, "'rwx' is not a mode."),
        ({"dns_names": ["a\nb"]}, "is not a DNS name."),
        ({"common_name": "192.0.2.1"}, "is not a DNS name."),
    ],
)
def test_refused_in_one_sentence(more: dict[str, t.Any], reason: str, tmp_path: Path) -> None:
    for name in ("sub", "open"):
        (tmp_path / name).mkdir()
    (tmp_path / "open").chmod(0o777)
    os.mkfifo(tmp_path / "pipe")
    key = ec.generate_private_key(ec.SECP256R1())
    (tmp_path / "certificate").write_text(aged_certificate(NAME, key, 50))
    formats = serialization.Encoding.PEM, serialization.PrivateFormat.PKCS8, serialization.NoEncryption()
    (tmp_path / "combined").write_bytes(key.private_bytes(*formats) + (tmp_path / "certificate").read_bytes())
    before = {path.name: path.read_bytes() for path in tmp_path.iterdir() if path.is_file()}
    given = {name: value.format(folder=tmp_path) if isinstance(value, str) else value for name, value in more.items()}
    result = run_module(REQUEST, options(tmp_path, **given))
    assert reason in result["msg"]
    assert (result["failed"], result["changed"]) == (True, False)
    assert {path.name: path.read_bytes() for path in tmp_path.iterdir() if path.is_file()} == before


class Staged:
    """Files in use and staged ones beside them."""

    ENDINGS = ("key", "csr", "chain.pem", "full.pem", "pem")

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        keys = [ec.generate_private_key(ec.SECP256R1()) for _number in range(2)]
        formats = serialization.Encoding.PEM, serialization.PrivateFormat.PKCS8, serialization.NoEncryption()
        for key, ending in zip(keys, ("", ".next")):
            for name in self.ENDINGS:
                (folder / f"a.{name}{ending}").write_text(f"{name}{ending}")
            (folder / f"a.key{ending}").write_bytes(key.private_bytes(*formats))
            (folder / f"a.pem{ending}").write_text(aged_certificate(NAME, key, 50))
        self.wanted = {f"a.{name}": (folder / f"a.{name}.next").read_bytes() for name in self.ENDINGS}
        self.args = {
            "state": "activated",
            "private_key_path": f"{folder}/a.key",
            "activate_paths": [f"{folder}/a.{name}" for name in self.ENDINGS],
            "backup": False,
        }

    def files(self) -> dict[str, bytes]:
        return {path.name: path.read_bytes() for path in self.folder.iterdir()}


@pytest.mark.parametrize("crash", range(1, 6))
@pytest.mark.parametrize("when", ["before", "after"])
def test_activation_is_finished_after_a_crash_at_any_rename(crash: int, when: str, tmp_path: Path) -> None:
    staged = Staged(tmp_path)
    real, calls = os.rename, []

    def rename(*args: t.Any, **kwargs: t.Any) -> None:
        calls.append(1)
        if len(calls) == crash and when == "before":
            os.kill(os.getpid(), signal.SIGKILL)
        real(*args, **kwargs)
        if len(calls) == crash:
            os.kill(os.getpid(), signal.SIGKILL)

    killed = run_module(REQUEST, staged.args, prepare=lambda: setattr(os, "rename", rename))
    assert killed == {"rc": -signal.SIGKILL}
    result = run_module(REQUEST, staged.args)
    assert result["rc"] == 0, result
    assert staged.files() == staged.wanted


def test_what_does_not_fit_is_not_activated(tmp_path: Path) -> None:
    staged = Staged(tmp_path)
    before = staged.files()
    (tmp_path / "a.pem.next").write_text(aged_certificate(NAME, ec.generate_private_key(ec.SECP256R1()), 50))
    assert "does not belong to the private key" in run_module(REQUEST, staged.args)["msg"]
    (tmp_path / "a.pem.next").unlink()
    result = run_module(REQUEST, staged.args)
    assert (result["rc"], result["changed"]) == (0, False)
    (tmp_path / "a.pem.next").write_bytes(before["a.pem.next"])
    assert staged.files() == before
    result = run_module(REQUEST, staged.args, check_mode=True)
    assert result["activated_files"] == staged.args["activate_paths"]
    assert staged.files() == before
    result = run_module(REQUEST, {**staged.args, "backup": True})
    copies = {Path(path).read_bytes() for path in result["backup_files"]}
    assert copies == {before[f"a.{name}"] for name in Staged.ENDINGS}


def test_a_file_that_cannot_be_replaced_is_written_over_if_allowed(tmp_path: Path) -> None:
    """A file that is mounted into a container can be written, but not replaced."""

    def busy(*_ignored: t.Any, **_more: t.Any) -> t.NoReturn:
        raise OSError(errno.EBUSY, "Device or resource busy")

    args = options(tmp_path)
    run_module(REQUEST, args)
    inode, old = (tmp_path / "a.csr").stat().st_ino, (tmp_path / "a.csr").read_text()
    again = {**args, "new_csr": True, "backup": False}
    result = run_module(REQUEST, again, prepare=lambda: setattr(os, "rename", busy))
    assert "Device or resource busy" in result["msg"]
    assert (tmp_path / "a.csr").read_text() == old
    result = run_module(REQUEST, {**again, "unsafe_writes": True}, prepare=lambda: setattr(os, "rename", busy))
    assert (tmp_path / "a.csr").read_text() == result["csr"] != old
    assert (tmp_path / "a.csr").stat().st_ino == inode


def test_a_hard_link_that_others_can_make_gets_no_attributes(tmp_path: Path) -> None:
    args = options(tmp_path, csr_path=f"{tmp_path}/open/a.csr")
    (tmp_path / "open").mkdir()
    run_module(REQUEST, args)
    (tmp_path / "victim").write_bytes((tmp_path / "open" / "a.csr").read_bytes())
    (tmp_path / "victim").chmod(0o600)
    (tmp_path / "open" / "a.csr").unlink()
    os.link(tmp_path / "victim", tmp_path / "open" / "a.csr")
    (tmp_path / "open").chmod(0o777)
    assert "is a hard link" in run_module(REQUEST, {**args, "mode": "0666"})["msg"]
    os.link(tmp_path / "victim", tmp_path / "open" / "b.pem.next")
    activated = {"state": "activated", "activate_paths": [f"{tmp_path}/open/b.pem"], "mode": "0666"}
    assert "is a hard link" in run_module(REQUEST, activated)["msg"]
    assert mode_of(tmp_path / "victim") == 0o600
