# Copyright: community.digicert contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The documentation as web pages: guides from docs/docsite, reference from the plugins, index from here."""

from __future__ import annotations

import shutil
from pathlib import Path

import nox

from sessions.workplace import COLLECTION, ROOT, Workplace

SETTINGS = Path(__file__).with_name("docs_site")
SITE = ROOT / "build" / "docs"
# antsibull-docs works in a folder with a random name, which gets into the text that it checks. There, an underscore at
# the end of a word makes it a reference, which leads nowhere.
ANTSIBULL = """\
import sys, tempfile
tempfile._RandomNameSequence.characters = "abcdefghijklmnopqrstuvwxyz0123456789"
from antsibull_docs.cli.antsibull_docs import main
sys.exit(main())
"""


def check_sources(session: nox.Session, work: Workplace) -> None:
    """Check the documentation of plugins, roles and guides, and every reference in it."""
    strict = ("--validate-collection-refs=all", "--disallow-unknown-collection-refs", "--check-extra-docs-refs")
    session.run("python", "-c", ANTSIBULL, "lint-collection-docs", "--plugin-docs", *strict, ".", env=work.env)


def build_site(session: nox.Session, work: Workplace) -> None:
    """Build the site into build/docs; any warning, and a page that the index does not name, is an error."""
    source = work.root / "site"
    for folder in (source, SITE):
        shutil.rmtree(folder, ignore_errors=True)
    source.mkdir()
    pages = ("antsibull-docs", "collection", "--use-current", "--squash-hierarchy", "--fail-on-error")
    session.run(*pages, "--dest-dir", str(source), COLLECTION, env=work.env)
    # It lists what plugins read from the environment by themselves. Modules read it through their options.
    (source / "environment_variables.rst").unlink()
    shutil.copytree(work.collection / "docs" / "docsite" / "rst" / "images", source / "docsite" / "images")
    shutil.copy(SETTINGS / "index.rst", source)
    index = (source / "index.rst").read_text("utf-8")
    names = [path.relative_to(source).with_suffix("").as_posix() for path in source.rglob("*.rst")]
    unnamed = [name for name in sorted(names) if name != "index" and f"<{name}>\n" not in index]
    if unnamed:
        session.error(f"sessions/docs_site/index.rst must have in its toctree: {', '.join(unnamed)}")
    strict = ("--fail-on-warning", "--keep-going", "--nitpicky", "--quiet")
    doctrees = ("--doctree-dir", str(work.root / "doctrees"), "--fresh-env")
    session.run("sphinx-build", *strict, *doctrees, "--conf-dir", str(SETTINGS), str(source), str(SITE), env=work.env)
    session.log(f"Open {SITE / 'index.html'}")
