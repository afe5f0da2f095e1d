# What can be done here. On a fresh Debian machine with git and make, `make run`
# and `make test` install what they need and go; `make help` lists the rest.

SHELL := /bin/bash
.SHELLFLAGS := -euo pipefail -c
MAKEFLAGS += --no-print-directory

# Rust by rustup is found even where the shell has not been told of it.
export PATH := $(PATH):$(HOME)/.cargo/bin

# Tools that apt does not have are built once, outside the tree.
CACHE := $(or $(XDG_CACHE_HOME),$(HOME)/.cache)/sesshoku
CARGO_DENY_VERSION := 0.20.2
CARGO_DENY := $(CACHE)/cargo-deny-$(CARGO_DENY_VERSION)/bin/cargo-deny
CARGO_AUDITABLE_VERSION := 0.7.7
CARGO_AUDITABLE := $(CACHE)/cargo-auditable-$(CARGO_AUDITABLE_VERSION)/bin/cargo-auditable

# Everything that tests run is built by one command, the window and the tests
# themselves included, and those that test name tests, not packages: all of them then
# are about the same packages with the same features, and nothing is compiled twice.
# Of the end-to-end tests, those named bluez* boot a kernel; the others only start
# programs.
ALL := --workspace --locked
tests_of = $(sort $(notdir $(basename $(wildcard $(1)/tests/*.rs) $(patsubst %/main.rs,%,$(wildcard $(1)/tests/*/main.rs)))))
E2E_TESTS := $(filter-out bluez%,$(call tests_of,tests))
BLUEZ_TESTS := $(filter bluez%,$(call tests_of,tests))
GUI_TESTS := $(call tests_of,gui/src-tauri)
UNIT_TESTS := $(foreach package,gaen vector core guidance capture settings i18n room daemon cli gui/session server,$(call tests_of,$(package)))

.PHONY: help
help: ## List the targets
	@awk -F ':.*## ' '/^##### / { sub(/^#+ /, ""); section = "\n" $$0 "\n" } \
		/^[a-z0-9-]+:.*## / { printf "%s  make %-19s %s\n", section, $$1, $$2; section = "" }' \
		$(MAKEFILE_LIST)

##### Running

.PHONY: run
run: foretell setup-run $(if $(or $(DISPLAY),$(WAYLAND_DISPLAY)),setup-gui) programs ## Run it all in this terminal, and the window: on the Bluetooth adapter, else in a simulated room
	@exec scripts/run

.PHONY: demo
demo: foretell setup-run programs ## Play the story of a registration in a simulated room, and print it
	@exec scripts/run --demo

# Said before anything is installed or compiled, where the programs are not there yet.
.PHONY: foretell
foretell:
	@scripts/run --foretell

.PHONY: programs
programs: setup-run
	cargo build --bin sesshokud --bin sesshoku --bin sesshoku-server --bin sesshoku-room

.PHONY: clean-run
clean-run: ## Delete what `make run` left in ./run: database, keys, logs
	rm -rf run

##### Building

.PHONY: setup
setup: setup-run setup-test ## Only install what is missing

SETUPS := setup-build setup-run setup-test setup-repeat setup-bench setup-gui setup-deb setup-cross setup-image
.PHONY: $(SETUPS)
$(SETUPS): setup-%:
	@scripts/setup $*

.PHONY: build
build: setup-build ## Build everything but the window
	cargo build

# The page is compiled into the window; its packages are those of the lock file.
PAGE := gui/dist/index.html
PAGE_SOURCES := $(shell git ls-files gui/src gui/index.html gui/vite.config.ts gui/scripts scripts/parts.mjs i18n/*/gui.ftl i18n/*/guidance.ftl i18n/*/documents)

gui/node_modules: gui/package-lock.json | setup-gui
	cd gui && npm ci --no-audit --no-fund --loglevel=error
	@touch $@

.PHONY: page
page: $(PAGE)

$(PAGE): gui/node_modules $(PAGE_SOURCES) Cargo.lock
	cd gui && npm run --silent build

.PHONY: gui
gui: $(PAGE) ## Build the window
	cargo build --package sesshoku-gui

.PHONY: build-tests
build-tests: setup-test $(PAGE)
	cargo build $(ALL) --all-targets

.PHONY: doc
doc: setup-build $(PAGE) ## Build the API documentation, without a warning
	RUSTDOCFLAGS='-D warnings' cargo doc $(ALL) --no-deps --document-private-items

##### Packaging

# Each program names in itself what it is built of (docs/install.md).
.PHONY: deb
deb: setup-deb $(PAGE) $(CARGO_AUDITABLE) ## Build the Debian packages into target/debian, and check them
	CARGO_COMMAND='$(CARGO_AUDITABLE) auditable' scripts/deb

.PHONY: deb-arm64
deb-arm64: setup-deb setup-cross $(PAGE) $(CARGO_AUDITABLE) ## The same for phones
	CARGO_COMMAND='$(CARGO_AUDITABLE) auditable' scripts/deb arm64

# The packages of target/debian, which `make deb` has put there; SUITE is the release of
# Debian to install them on, 12 (bookworm) where none is named.
.PHONY: test-install
test-install: setup-deb build ## Install the packages on a fresh Debian in a container, and try everything (slow; SUITE=trixie: on 13)
	tests/install/alone
	tests/install/run
	tests/install/window

.PHONY: test-upgrade
test-upgrade: setup-deb ## Upgrade a Debian 12 with the packages and records to 13 in a container (slow)
	tests/install/upgrade

.PHONY: test-fresh
test-fresh: setup-deb ## Run `make demo` and all tests on a Debian 12 and a 13 from nothing (very slow)
	SUITE=bookworm tests/install/fresh
	SUITE=trixie tests/install/fresh

.PHONY: test-install-arm64
test-install-arm64: setup-deb setup-cross ## Install those for phones in a container, and try what needs no radio (slow)
	tests/install/window arm64

.PHONY: image
image: setup-image $(CARGO_AUDITABLE) ## Build an OCI image of each role of the server into target/image (docs/server.md)
	$(CARGO_AUDITABLE) auditable build --release --locked --package sesshoku-server
	packaging/container/image target/release/sesshoku-server target/image

.PHONY: test-image
test-image: setup-image setup-test build ## Build the images, and try them as packaging/compose.yaml runs them (slow)
	tests/install/image target/debug/sesshoku-server

.PHONY: apk-source
apk-source: ## Make what Alpine and postmarketOS build a package from, in target/alpine
	scripts/apk-source

.PHONY: test-alpine
test-alpine: setup-deb gui/node_modules ## Hold the Alpine package to what can be told without Alpine; after `make deb`
	tests/install/alpine target/$(shell uname -m)-unknown-linux-gnu/release

.PHONY: release-check
release-check: ## Say whether this commit is fit to be released: what it says, then all tests and packages
	scripts/release-check
	$(MAKE) test deb test-install test-alpine reproducible

.PHONY: reproducible
reproducible: setup-deb ## Build the packages in two places, and compare them (very slow)
	scripts/reproducible

$(CARGO_AUDITABLE): | setup-build
	cargo install --quiet --locked --debug --root $(patsubst %/bin/,%,$(dir $@)) cargo-auditable@$(CARGO_AUDITABLE_VERSION)

##### Testing

.PHONY: test
test: setup-test ## Check and test everything, and count
	@+scripts/tally check test-unit test-bluez+test-e2e test-gui

.PHONY: check
check: setup-test $(PAGE) $(CARGO_DENY) ## Format, lints, documentation, citations, samples, licences and sources of dependencies
	cargo fmt --all --check
	cargo clippy $(ALL) --all-targets -- -D warnings
	cargo check --manifest-path fuzz/Cargo.toml --locked --target-dir target --bins
	$(MAKE) doc
	$(CARGO_DENY) --locked check bans licenses sources
	scripts/release-check --versions
	scripts/release-check --claims
	scripts/citations.py
	scripts/translations.py
	scripts/rooms.py
	scripts/operating.py
	@! grep -rnE --include='*.rs' 'print(ln)?!\("skipped: ' . --exclude-dir=target || \
		{ echo 'the harness keeps that to itself: write it past it, to be counted'; exit 1; }
	shellcheck .ci/run packaging/stage packaging/container/{image,secrets,databases} \
		$(filter-out %/recording %.service,$(wildcard tests/install/*)) \
		$(wildcard tests/uml/*.sh debian/*.postinst debian/*.postrm) \
		$(filter-out %.mjs %.py,$(wildcard scripts/*))

# What takes seconds where everything is compiled: for the time between two edits.
.PHONY: check-quick
check-quick: setup-build $(PAGE) ## Format, types and the tests that need no other program (under 90 s when warm)
	cargo fmt --all --check
	cargo check $(ALL) --all-targets
	cargo test $(ALL) --no-fail-fast --quiet --lib
	scripts/citations.py
	scripts/translations.py
	scripts/rooms.py

# `make test-repeat N=20`: whether any test hangs on how fast time passes.
N := 20
.PHONY: test-repeat
test-repeat: setup-repeat build-tests ## Test everything N times on a machine that is kept busy, and count what is red (very slow)
	scripts/repeat $(N) test-unit test-e2e test-bluez test-gui

.PHONY: test-unit
test-unit: build-tests ## Test every crate by itself
	cargo test $(ALL) --no-fail-fast --lib --bins $(UNIT_TESTS:%=--test %)
	cargo test $(ALL) --no-fail-fast --doc

.PHONY: test-damage
test-damage: build-tests ## Damage the store's files in 100,000 ways more (slow)
	cargo test $(ALL) --test store very_much_damage -- --ignored

.PHONY: fuzz
fuzz: setup-build ## Give what comes from outside to a fuzzer, ten minutes in all (docs/fuzzing.md)
	scripts/fuzz

.PHONY: test-histories
test-histories: build-tests ## Play ten thousand random histories to a device and to a model of it (slow)
	cargo test $(ALL) --test histories -- --ignored --nocapture

.PHONY: test-e2e
test-e2e: build-tests ## Test the programs together, on a private bus
	cargo test $(ALL) --no-fail-fast $(E2E_TESTS:%=--test %)

.PHONY: life
life: build-tests ## Live sixty days with a simulated phone, and compare what it says every hour (slow)
	cargo test $(ALL) --test days --test life -- --include-ignored --nocapture --test-threads 1

# `make test-bluez BLUETOOTHD=5.82` has Debian 13's bluetoothd in every guest.
export SESSHOKU_BLUETOOTHD := $(BLUETOOTHD)

.PHONY: test-bluez
test-bluez: build-tests ## Test the programs on a real kernel and bluetoothd, in User-Mode Linux
	@tests/uml/kernel.sh >/dev/null
	cargo test $(ALL) --no-fail-fast $(BLUEZ_TESTS:%=--test %)

.PHONY: test-rotations
test-rotations: build-tests ## Rotate ten thousand times on each kind of controller while things happen at random (slow)
	@tests/uml/kernel.sh >/dev/null
	cargo test $(ALL) --test bluez_rotations -- --ignored --nocapture

.PHONY: bench
bench: setup-build ## Measure matching beside the cryptography that it cannot do without, and print a table (docs/performance.md)
	nice cargo run --release --locked --package bench -- table

.PHONY: instructions
instructions: setup-build ## Count the instructions of matching, and fail where they are 3 % more than bench/instructions.tsv
	scripts/instructions

.PHONY: bench-bluez
bench-bluez: build-tests ## Measure crowds, one after the other, and write their table in docs/bluetooth.md
	@tests/uml/kernel.sh >/dev/null
	SESSHOKU_WRITE_TABLES=1 cargo test $(ALL) --test bluez_crowds -- --include-ignored --test-threads 1

.PHONY: bench-server
bench-server: setup-bench ## Measure both roles of the server, and write the tables of docs/scale.md
	nice cargo build --release --package sesshoku-server
	nice cargo build --bin sesshoku
	nice cargo run --bin bench-server

.PHONY: bench-downloads
bench-downloads: setup-bench ## Measure downloads alone, beside nginx where it is installed, and write their table in docs/scale.md
	nice cargo build --release --package sesshoku-server
	nice cargo run --bin bench-server -- downloads

.PHONY: bench-dummies
bench-dummies: build-tests ## Compare how long registrations and dummies take, at once and one by one
	cargo test $(ALL) --test notification -- --ignored --nocapture however_many

.PHONY: bench-power
bench-power: build-tests ## Measure what the daemon takes in a day, and write the table into docs/
	@tests/uml/kernel.sh >/dev/null
	SESSHOKU_WRITE_TABLES=1 cargo test $(ALL) --test bluez_power -- --include-ignored --nocapture --test-threads 1

.PHONY: tables
tables: build-tests ## Write the tables that tests measure into docs/
	SESSHOKU_WRITE_TABLES=1 cargo test $(ALL) --no-fail-fast $(BLUEZ_TESTS:%=--test %)

.PHONY: test-gui
test-gui: build-tests ## Test the window: its page in a browser, and the real one on a display
	cd gui && npm run --silent check && npm test
	cargo test $(ALL) --no-fail-fast $(GUI_TESTS:%=--test %)

.PHONY: screenshots
screenshots: gui/node_modules ## Make the pictures in docs/screenshots
	cd gui && node scripts/screenshots.mjs ../docs/screenshots

# The database of advisories changes by the day and is on GitHub, so this is no
# part of `make test`.
.PHONY: audit
audit: setup-build $(CARGO_DENY) ## Look the dependencies up in the RustSec advisory database
	$(CARGO_DENY) check advisories

$(CARGO_DENY): | setup-build
	cargo install --quiet --locked --debug --root $(patsubst %/bin/,%,$(dir $@)) cargo-deny@$(CARGO_DENY_VERSION)
