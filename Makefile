# `make` lists the targets. VERS_HOME, PREFIX and DESTDIR can be set on the command line.

SHELL := /bin/bash
PREFIX ?= /usr/local
DESTDIR ?=
VERS_HOME ?= $(if $(filter 0,$(shell id -u)),/var/lib/vers,$(HOME)/.local/share/vers)
export VERS_HOME

release := .build/release
debug := .build/debug
bin := $(DESTDIR)$(PREFIX)/bin
lib := $(DESTDIR)$(PREFIX)/lib/vers
share := $(DESTDIR)$(PREFIX)/share
units := $(DESTDIR)$(if $(filter /usr /usr/local,$(PREFIX)),/etc,$(PREFIX)/lib)/systemd/system
scripts := images/build.sh images/kernel.sh images/initramfs.sh images/programs.sh images/lib.sh images/default/root.sh \
	images/default/customize.sh images/tiny/root.sh

.DEFAULT_GOAL := help
.PHONY: help dependencies test-dependencies build build-debug image image-tiny demo clean-demo test test-unit \
	test-integration test-contract test-kvm test-service bench lint fmt docs install uninstall

help: ## list the targets
	@sed -nE 's/^([a-z-]+):.*## (.*)/  \1\t\2/p' $(MAKEFILE_LIST) | expand -t 22

dependencies: ## install missing Debian packages (root or sudo)
	@scripts/install-dependencies.sh

build: ## release build: .build/release/{vers,versd,vers-image,vers-agent,libramlayers.so}
	swift build -c release --product vers
	swift build -c release --product versd
	swift build -c release --product vers-image
	Guest/build.sh $(release)/vers-agent
	Sources/RAMLayers/build.sh $(release)/libramlayers.so
	git rev-parse HEAD >$(release)/REVISION 2>/dev/null || echo unknown >$(release)/REVISION

build-debug: ## debug build of the same, in .build/debug
	swift build
	Guest/build.sh $(debug)/vers-agent
	Sources/RAMLayers/build.sh $(debug)/libramlayers.so

image: ## make the default image (Debian 12) in VERS_HOME, if there is none
	@images/build.sh default $(VERS_HOME)/images --agent $(release)/vers-agent --if-missing

image-tiny: ## make the tiny image (busybox) in VERS_HOME, if there is none
	@images/build.sh tiny $(VERS_HOME)/images --agent $(release)/vers-agent --if-missing

demo: ## from nothing to a tree of branched VMs
	@scripts/demo.sh

clean-demo: ## remove what the demo made
	@scripts/clean-demo.sh

test: ## unit tests, then tests that boot real VMs, then the API as others see it
	@scripts/section.sh "Dependencies" $(MAKE) --no-print-directory test-dependencies
	@scripts/section.sh "Unit tests" $(MAKE) --no-print-directory test-unit
	@scripts/section.sh "Integration tests" $(MAKE) --no-print-directory test-integration
	@scripts/section.sh "Contract tests" $(MAKE) --no-print-directory test-contract

test-dependencies:
	@scripts/install-dependencies.sh --development

test-unit: ## tests that boot no VM
	@scripts/test-unit.sh

test-integration: ## tests that boot real VMs (FILTER=name runs some)
	@scripts/test-integration.sh "$(FILTER)"

test-contract: build-debug ## the API as others see it: Schemathesis, and the public Python SDK
	Tests/Contract/run.sh

test-kvm: ## the engine under KVM, inside an emulated guest that offers it
	Tests/KVM/run.sh

test-service: build-debug ## the installed service, under KVM and systemd, inside an emulated guest that offers KVM
	Tests/KVM/service/run.sh

bench: ## measure, and print a table (ARGS=--quick: a smoke test)
	Benchmarks/run.sh $(ARGS)

lint: ## formatting, lint and shellcheck, strictly
	swift format lint --strict --recursive --parallel Package.swift Sources Tests Guest/Package.swift Guest/Sources \
		$(wildcard Guest/Tests Benchmarks)
	shellcheck --external-sources $$(git ls-files '*.sh' .ci/run)

fmt: ## format the Swift sources in place
	swift format --in-place --recursive --parallel Package.swift Sources Tests Guest/Package.swift Guest/Sources \
		$(wildcard Guest/Tests Benchmarks)

docs: build-debug ## regenerate docs/cli.md
	@mkdir -p docs && $(debug)/vers generate-docs >docs/cli.md

install: ## install under PREFIX (run `make build` first)
	install -d $(bin) $(lib) $(units) $(share)/vers/images/{default,tiny}
	install -m 0755 $(release)/vers $(release)/versd $(bin)
	install -m 0755 $(release)/vers-image $(release)/vers-agent $(release)/libramlayers.so $(lib)
	install -m 0644 $(release)/REVISION $(lib)
	for file in $(scripts); do install -m 0755 $$file $(share)/vers/$$file; done
	cp -r images/tiny/files $(share)/vers/images/tiny
	sed 's|@PREFIX@|$(PREFIX)|g' systemd/versd.service >$(units)/versd.service
	install -d $(share)/bash-completion/completions $(share)/zsh/site-functions $(share)/fish/vendor_completions.d
	$(release)/vers completion bash >$(share)/bash-completion/completions/vers
	$(release)/vers completion zsh >$(share)/zsh/site-functions/_vers
	$(release)/vers completion fish >$(share)/fish/vendor_completions.d/vers.fish
	install -d $(share)/doc/vers
	install -m 0644 LICENSE $(wildcard README.md) $(share)/doc/vers

uninstall: ## remove what install put there (VERS_HOME stays)
	rm -f $(bin)/vers $(bin)/versd $(units)/versd.service $(share)/bash-completion/completions/vers \
		$(share)/zsh/site-functions/_vers $(share)/fish/vendor_completions.d/vers.fish
	rm -rf $(lib) $(share)/vers $(share)/doc/vers
