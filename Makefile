# The two commands of the README are `make demo` and `make test`; the rest is for developers.

export CARGO ?= cargo
NEXTEST := $(shell command -v cargo-nextest 2>/dev/null)
PORT ?= 20128

.PHONY: demo test lint unit test-hard test-clients test-clis test-operations docs fuzz bench build release profile packages clean

demo: packages
	$(CARGO) run --locked --package omniroute -- demo --port $(PORT)

test: packages lint unit

lint:
	$(CARGO) fmt --all --check
	$(CARGO) clippy --locked --workspace --all-targets --quiet -- -D warnings
	$(CARGO) xtask tidy
	$(CARGO) xtask supply
	scripts/check-profile.sh

unit:
ifdef NEXTEST
	$(CARGO) nextest run --locked --workspace
	$(CARGO) test --locked --workspace --doc --quiet
else
	$(CARGO) test --locked --workspace
endif
	$(CARGO) test --locked --quiet --package omniroute-core --features shuttle --test races

# 100 kills under load, 200 clients on one budget, a search for every secret, 100 reloads, 10 upgrades with 500
# streams open, 5,000 streams at once, a mixed load (OMNIROUTE_SOAK=600 for ten minutes), floods of HTTP/2 frames and
# 2,000 slow clients; printed as one table.
test-hard: packages
	scripts/test-hard.sh

# The official OpenAI, Anthropic and Google client libraries against the gateway and the simulator, and requests
# made of the OpenAPI document against the administration (less than a minute).
test-clients: packages
	$(CARGO) build --locked --package omniroute
	tests/clients/run.sh

# Claude Code, Codex and Gemini CLI, as far as they are installed, against the gateway and the simulator.
test-clis: packages
	$(CARGO) build --locked --package omniroute
	tests/clis/run.sh

# Unit files, their system calls, the image's steps, metrics, alert rules and dashboard, with the real programs.
test-operations: packages
	$(CARGO) build --locked --package omniroute
	scripts/check-units.sh
	scripts/check-syscalls.sh
	scripts/lint-dockerfile.sh
	scripts/docker-steps.sh
	scripts/check-monitoring.sh

# Writes docs/reference: translation.md from the declarations in crates/wire/src/declared, metrics.md from src/metrics.
docs:
	UPDATE_DOCS=1 $(CARGO) test --locked --quiet --package omniroute-wire --test declared
	UPDATE_DOCS=1 $(CARGO) test --locked --quiet --package omniroute --test it metrics::the_reference

# Coverage-guided fuzzing of the wire formats, on the stable toolchain; SECONDS each.
fuzz:
	fuzz/run.sh $(or $(SECONDS),60)

bench: packages
	scripts/release.sh omniroute omniroute-bench
	target/release/omniroute-translation
	target/release/omniroute-routing
	target/release/omniroute-bench $(if $(filter 1,$(BENCH_PEERS)),--peers) $(BENCH)

build: packages
	$(CARGO) build --locked --workspace

release: packages
	scripts/release.sh omniroute

# Writes release.profdata anew, which tells the compiler what runs often: when much has changed on the way of a request.
profile: packages
	scripts/profile.sh

packages:
	@scripts/system-packages.sh

clean:
	$(CARGO) clean
