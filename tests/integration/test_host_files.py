# Copyright: community.digicert contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Private keys, CSRs and tokens on a host: what is made, what stays, and what another user of the host can do to it."""

from __future__ import annotations

import contextlib
import functools
import itertools
import os
import shutil
import signal
import stat
import tempfile
import time
import typing as t
from pathlib import Path

import pytest
from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.x509.oid import NameOID

from tests.support.module_runs import NOBODY, become, fork, need_root, run_module
from tests.support.pki import aged_certificate, new_csr
from tests.support.playbooks import Ansible

REQUEST = "digicert_certificate_request"
FILE = "digicert_dcv_file"
NAME = "www.example.com"
VALUE = "20261123100000token"
FILEAUTH = Path(".well-known", "pki-validation", "fileauth.txt")


def options(folder: Path, **more: t.Any) -> dict[str, t.Any]:
    """Return options for a small private key and a CSR in a folder."""
    paths = {"private_key_path": f"{folder}/a.key", "csr_path": f"{folder}/a.csr"}
    return {**paths, "common_name": NAME, "private_key_type": "ECC", **more}


def load_key(path: Path, passphrase: bytes | None = None) -> t.Any:
    return serialization.load_pem_private_key(path.read_bytes(), passphrase)


def load_csr(text: str) -> x509.CertificateSigningRequest:
    return x509.load_pem_x509_csr(text.encode())


def names_of(request: x509.CertificateSigningRequest) -> list[str]:
    return request.extensions.get_extension_for_class(x509.SubjectAlternativeName).value.get_values_for_type(
        x509.DNSName
    )


def mode_of(path: Path) -> int:
    return stat.S_IMODE(path.stat().st_mode)


@pytest.fixture
def shared() -> t.Iterator[Path]:
    """A folder that other users can look into."""
    folder = Path(tempfile.mkdtemp(prefix="shared-"))
    folder.chmod(0o755)
    yield folder
    shutil.rmtree(folder)


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
    assert "Give private_key_passphrase." in run_module(REQUEST, options(tmp_path))["msg"]
    assert "passphrase is wrong" in run_module(REQUEST, {**args, "private_key_passphrase": "wrong horse"})["msg"]


@pytest.mark.parametrize(
    ("more", "reason"),
    [
        ({"csr_path": "{folder}//sub/../a.key"}, "private_key_path and csr_path must be different files."),
        ({"csr_path": "{folder}/A.KEY"}, "private_key_path and csr_path must be different files."),
        ({"csr_path": "{folder}/combined"}, "contains a private key. Give another file as csr_path."),
        ({"csr_path": "{folder}/certificate"}, "contains something other than a CSR."),
        ({"private_key_path": "{folder}/certificate"}, "Cannot read the private key in"),
        ({"private_key_path": "{folder}/missing/a.key"}, "does not exist. Create it first."),
        ({"private_key_path": "{folder}/sub/"}, "is a directory."),
        ({"private_key_path": "{folder}/open/a.key"}, "Other users can change the folder of"),
        ({"private_key_path": "{folder}/pipe"}, "is not a regular file."),
        ({"private_key_type": "RSA", "private_key_size": 1024}, "must be a multiple of 8 from 2048 to 16384"),
        ({"private_key_passphrase": "abc"}, "must have from 4 to 1000 bytes."),
        ({"private_key_owner": "no-such-user"}, "There is no user 'no-such-user' on this host."),
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
    assert "is for another private key" in run_module(REQUEST, staged.args)["msg"]
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


def watch(folder: Path, found: Path) -> t.NoReturn:
    """Try to read every file that appears in a folder, and note the names of those that can be read."""
    while True:
        for top, _folders, names in os.walk(folder):
            for name in names:
                try:
                    content = Path(top, name).read_bytes()
                except OSError:
                    continue
                if b"PRIVATE KEY" in content:
                    with found.open("a") as file:
                        file.write(f"{name}\n")


def test_no_other_user_can_read_a_key_for_a_moment(shared: Path) -> None:
    need_root()
    (shared / "found").mkdir()
    os.chown(shared / "found", NOBODY, NOBODY)
    found, folder = shared / "found" / "keys", shared / "ssl"
    folder.mkdir(mode=0o755)

    def spy() -> None:
        become(NOBODY)
        watch(folder, found)

    pid = fork(spy)
    try:
        for number in range(25):
            args = options(folder, private_key_path=f"{folder}/{number}.key", csr_path=f"{folder}/{number}.csr")
            assert run_module(REQUEST, args)["private_key_created"]
            os.chown(folder / f"{number}.key", -1, NOBODY)
            assert run_module(REQUEST, {**args, "private_key_mode": "0600", "private_key_owner": "root"})["rc"] == 0
        assert not found.exists()
        (folder / "public").write_text("PRIVATE KEY")
        for _try in range(100):
            if found.exists():
                break
            time.sleep(0.05)
        assert found.read_text().startswith("public"), "the other user did not look"
    finally:
        os.kill(pid, signal.SIGKILL)
        os.waitpid(pid, 0)


def test_key_of_a_user_in_the_users_folder(shared: Path) -> None:
    """Root makes it for them, when told so; other folders of theirs are refused."""
    need_root()
    (shared / "theirs").mkdir()
    os.chown(shared / "theirs", NOBODY, NOBODY)
    args = options(shared / "theirs")
    assert "Other users can change the folder of" in run_module(REQUEST, args)["msg"]
    result = run_module(REQUEST, {**args, "private_key_owner": str(NOBODY), "private_key_mode": "0400"})
    assert result["private_key_created"], result
    status = (shared / "theirs" / "a.key").stat()
    assert (status.st_uid, stat.S_IMODE(status.st_mode)) == (NOBODY, 0o400)


def test_unprivileged_user(shared: Path) -> None:
    need_root()
    (shared / "theirs").mkdir()
    os.chown(shared / "theirs", NOBODY, NOBODY)
    for task in (REQUEST, FILE):
        args = options(shared / "theirs") if task == REQUEST else {"webroot": str(shared / "theirs"), "value": VALUE}
        assert run_module(task, args, user=NOBODY)["changed"]
        assert not run_module(task, args, user=NOBODY)["changed"]
    (shared / "others").mkdir()
    result = run_module(REQUEST, options(shared / "others"), user=NOBODY)
    assert (result["failed"], "Permission denied" in result["msg"]) == (True, True), result


def test_a_csr_swapped_for_a_link_changes_no_other_file(shared: Path) -> None:
    """The folder's owner swaps the CSR for a link to a private file of root's while root sets its mode and owner."""
    need_root()
    folder, victim = shared / "theirs", shared / "victim"
    folder.mkdir()
    victim.write_text(new_csr(NAME))
    victim.chmod(0o600)
    run_module(REQUEST, options(shared, csr_path=f"{folder}/a.csr"))
    os.chown(folder, NOBODY, NOBODY)

    def swap() -> None:
        become(NOBODY)
        os.chdir(folder)
        while True:
            os.symlink("../victim", "link")
            os.rename("a.csr", "aside")
            os.rename("link", "a.csr")
            os.rename("aside", "a.csr")

    pid = fork(swap)
    outcomes = set()
    try:
        for number in range(40):
            args = options(shared, csr_path=f"{folder}/a.csr", mode=("0644", "0666")[number % 2], owner=str(NOBODY))
            outcomes.add(run_module(REQUEST, args)["rc"])
    finally:
        os.kill(pid, signal.SIGKILL)
        os.waitpid(pid, 0)
    status = victim.stat()
    assert (status.st_uid, stat.S_IMODE(status.st_mode)) == (0, 0o600)
    assert outcomes == {0, 1}, "never met the link, or nothing else"


def swap_for_link(path: Path, target: str) -> t.NoReturn:
    """As another user, let a path be a folder and a link in turn."""
    become(NOBODY)
    os.chdir(path.parent)
    for number in itertools.count():
        for step in (
            functools.partial(os.rmdir, path.name),
            functools.partial(os.rename, path.name, f"aside{number}"),  # root put something in
            functools.partial(os.symlink, target, path.name),
            functools.partial(os.unlink, path.name),
            functools.partial(os.mkdir, path.name),
        ):
            with contextlib.suppress(OSError):
                step()
    raise AssertionError


@pytest.mark.parametrize("depth", [0, 1])
def test_a_webroot_whose_owner_swaps_folders_for_links(depth: int, shared: Path) -> None:
    """The folder is a link to one of root's, now and then."""
    need_root()
    root, victim = shared / "www", shared / "victim"
    (victim / "pki-validation").mkdir(parents=True)
    for path in (victim, victim / "pki-validation"):
        path.chmod(0o700)
    swapped = root.joinpath(*FILEAUTH.parts[: depth + 1])
    swapped.mkdir(parents=True)
    for path in (root, *swapped.parents):
        if root in (path, *path.parents):
            os.chown(path, NOBODY, NOBODY)
    pid = fork(lambda: swap_for_link(swapped, ("../victim", "../../victim")[depth]))
    messages = set()
    try:
        for number in range(60):
            result = run_module(FILE, {"webroot": str(root), "value": f"{VALUE}{number}"})
            messages.add("link" if "is a link" in result.get("msg", "") else "other")
            if number > 25 and len(messages) == 2:
                break
    finally:
        os.kill(pid, signal.SIGKILL)
        os.waitpid(pid, 0)
    assert messages == {"link", "other"}
    assert sorted(path.name for path in victim.rglob("*")) == ["pki-validation"]
    for path in (victim, victim / "pki-validation"):
        assert (path.stat().st_uid, mode_of(path)) == (0, 0o700)


def test_the_token_belongs_to_the_owner_of_the_webroot(shared: Path) -> None:
    need_root()
    root = shared / "www"
    root.mkdir()
    os.chown(root, NOBODY, NOBODY)
    args = {"webroot": str(root), "value": VALUE}
    assert run_module(FILE, args, check_mode=True)["changed"]
    assert list(root.iterdir()) == []
    assert run_module(FILE, args)["path"] == str(root / FILEAUTH)
    made = [root / FILEAUTH, (root / FILEAUTH).parent, (root / FILEAUTH).parent.parent]
    assert [(path.stat().st_uid, mode_of(path)) for path in made] == [(NOBODY, mode) for mode in (0o644, 0o755, 0o755)]
    assert run_module(FILE, {**args, "state": "absent"}, user=NOBODY)["changed"]
    assert list(root.iterdir()) == []
