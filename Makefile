# Copyright: community.digicert contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

# Needs Python 3.11 or newer, git and a package index; everything else is installed below .venv and .nox.
PYTHON ?= python3
# Sessions that do not mind company run this many at a time; a part of their time is waiting.
JOBS ?= 3
# Servers that tests talk to, and other programs that they use, by Debian package name.
DEBIAN_PACKAGES ?= bc chromium default-jre-headless haproxy knot nginx-light openssl shellcheck

NOX = .venv/bin/python noxfile.py

.DEFAULT_GOAL = help
.PHONY: help demo test check unit simulator bench campaign load years compatibility docs recording pin clean \
  debian-packages audit changelog release hooks

help: ## show this list
	@sed -n 's/^\([a-z-]*\):.*## /\1\t/p' $(MAKEFILE_LIST) | while IFS="$$(printf '\t')" read -r name text; do \
	  printf '  make %-16s %s\n' "$$name" "$$text"; done

demo: .venv/ready ## try the collection on a simulated account
	@$(NOX) -s demo

test: .venv/ready debian-packages ## run everything that CI checks
	@rm -rf .nox/measured
	@$(NOX) --parallel $(JOBS)
	@$(NOX) -s coverage

check: .venv/ready ## run the linters and, on the newest Python, the unit tests, in under a minute
	@$(NOX) --parallel 2 -s lint unit --pythons $$(.venv/bin/python -c 'from sessions import work; print(work.NEWEST_PYTHON)') \
	  -- --numprocesses 12 tests/unit

simulator: .venv/ready ## start the simulator and leave it running
	@$(NOX) -s simulator

bench: .venv/ready ## compare the time of the modules with Ansible's own
	@$(NOX) -s bench

campaign: .venv/ready ## test every call with every fault and wrong value, fuzz, and run long histories
	@CAMPAIGN=deep $(NOX) -s campaign

load: .venv/ready ## run up to a thousand hosts under the rate limit (half an hour)
	@$(NOX) -s load

years: .venv/ready ## run the role daily for two simulated years, and draw the paid orders (ten minutes)
	@$(NOX) -s years

compatibility: .venv/ready ## test all supported versions, and update the tables in docs/
	@$(NOX) -s compatibility

docs: .venv/ready ## check the documentation and build it into build/docs
	@$(NOX) -s docs

recording: .venv/ready ## draw the output of `make demo` in docs/images/demo.svg
	@$(NOX) -s recording

pin: .venv/ready ## update the pinned versions and hashes in requirements/
	@.venv/bin/python -m sessions.pins

audit: .venv/ready ## check the pinned packages for known vulnerabilities
	@$(NOX) -s audit

changelog: .venv/ready ## turn the fragments into the changelog of the version in galaxy.yml
	@$(NOX) -s changelog

release: .venv/ready ## build and check the tarball of this commit, and stop before publishing
	@$(NOX) -s lint docs release

hooks: .venv/ready ## make git run the quick checks before each commit in this clone
	@$(NOX) -s lint --install-only
	.nox/lint/bin/pre-commit install

clean: ## remove everything that these commands created
	rm -rf .venv .nox build

.venv/ready: requirements/nox.txt
	@$(PYTHON) -c 'import sys; sys.exit(sys.version_info < (3, 11) and "Python 3.11 or newer is needed: make PYTHON=...")'
	$(PYTHON) -m venv --clear .venv
	.venv/bin/python -m pip install --quiet --disable-pip-version-check --require-hashes \
	  --requirement requirements/nox.txt
	@touch $@

debian-packages: ## install the servers for the tests
	@missing=; for name in $(DEBIAN_PACKAGES); do \
	  dpkg-query --show --showformat='$${Status}' $$name 2>/dev/null | grep -q 'ok installed' || missing="$$missing $$name"; \
	done; \
	if [ -n "$$missing" ]; then apt-get update && apt-get install --yes --no-install-recommends $$missing; fi
