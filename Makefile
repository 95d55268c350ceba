# Broadside. Run `make` to list the commands.
.DEFAULT_GOAL := help
SHELL := /bin/bash

PORT ?= 8000
BROADSIDE_DATA ?= var
UV := $(shell command -v uv 2>/dev/null || echo .tools/bin/uv)
RUN := $(UV) run --frozen --no-sync
LANGUAGES := $(sort $(notdir $(wildcard locale/*)))

# The settings of a real site, for the demo and for the checks.
DEMO_ENV = BROADSIDE_DATA="$(BROADSIDE_DATA)" SITE_URL="http://localhost:$(PORT)" \
	SECRET_KEY="$$(cat "$(BROADSIDE_DATA)/demo-secret-key")" DEBUG=0
PRODUCTION_ENV = BROADSIDE_DATA="$$(mktemp -d)" SITE_URL="https://blog.example.org" DEBUG=0 \
	SECRET_KEY="$$(head -c 48 /dev/urandom | base64)" EMAIL_URL="smtp://localhost"

.PHONY: help
help: ## List the commands
	@grep -hE '^[a-z-]+:.*## ' $(MAKEFILE_LIST) | sed -E 's/:.*## /\t/' | expand -t 16

.PHONY: demo
demo: install ## Serve a site with sample content on http://localhost:8000 (or another PORT=…)
	@mkdir -p -m 700 "$(BROADSIDE_DATA)"
	@[ -s "$(BROADSIDE_DATA)/demo-secret-key" ] || (umask 077 && head -c 48 /dev/urandom | base64 > "$(BROADSIDE_DATA)/demo-secret-key")
	@echo "Preparing the database …"
	@$(DEMO_ENV) $(RUN) manage.py migrate --verbosity 0
	@echo "Collecting styles and icons …"
	@$(DEMO_ENV) $(RUN) manage.py collectstatic --no-input --verbosity 0
	@$(DEMO_ENV) $(RUN) manage.py load_demo
	@echo "Serving on http://localhost:$(PORT)/ until you press Ctrl-C."
	@$(DEMO_ENV) $(RUN) manage.py serve --port $(PORT) --processes 2

.PHONY: run
run: install ## Serve the site with the settings in .env, and run its background tasks
	$(RUN) manage.py serve --port $(PORT)

.PHONY: test
test: install ## Run the whole test suite
	@# Keep compiled tests, even if the environment disables this: compiling all of them takes each process ten seconds.
	PYTHONDONTWRITEBYTECODE= $(RUN) pytest -n auto --dist worksteal

.PHONY: check
check: install ## Check style, types, layers, templates, messages, migrations and deployment settings
	$(RUN) ruff check
	$(RUN) ruff format --check
	$(RUN) mypy
	$(RUN) mypy --scripts-are-modules .ci/archive .ci/clients .ci/generators .ci/new_debian.py .ci/readme .ci/release .ci/running
	$(RUN) lint-imports
	$(RUN) djlint --check --lint templates
	@$(MAKE) --no-print-directory messages
	@git diff --exit-code --stat -- locale || (echo "The message catalogues were out of date and have been updated: commit them." >&2; exit 1)
	@for file in $(foreach language,$(filter-out en,$(LANGUAGES)),locale/$(language)/LC_MESSAGES/django.po); do \
		msgattrib --untranslated $$file; msgattrib --only-fuzzy $$file; \
	done | grep . && echo "Translate these messages, and remove the mark of those that were guessed (fuzzy)." >&2 && exit 1 || true
	$(PRODUCTION_ENV) $(RUN) manage.py makemigrations --check --dry-run
	$(PRODUCTION_ENV) $(RUN) manage.py check --deploy --fail-level WARNING

.PHONY: messages
messages: install ## Extract the messages into locale/, and compile their translations (needs GNU gettext)
	@$(PRODUCTION_ENV) $(RUN) manage.py makemessages $(foreach language,$(LANGUAGES),--locale $(language)) --no-wrap --no-obsolete \
		--add-location file --verbosity 0 --ignore '.*' --ignore benchmarks --ignore tests --ignore var --ignore staticfiles
	@# Without its date, a catalogue changes only when a message does.
	@sed -i '/^"POT-Creation-Date:/d' locale/*/LC_MESSAGES/django.po
	@for language in $(filter-out en,$(LANGUAGES)); do \
		msgfmt --check-format --no-hash --output-file=locale/$$language/LC_MESSAGES/django.mo locale/$$language/LC_MESSAGES/django.po || exit 1; \
	done

.PHONY: screenshots
screenshots: install ## Update the pictures in docs/ (needs Chromium)
	$(RUN) docs/screenshots.py

.PHONY: pictures
pictures: install ## Update the pictures of public pages in docs/pictures (needs Chromium)
	$(RUN) docs/pictures.py

.PHONY: format
format: install ## Format the code, and fix what can be fixed automatically
	$(RUN) ruff check --fix
	$(RUN) ruff format
	$(RUN) djlint --reformat --quiet templates

.PHONY: install
install: $(UV) ## Install everything that is needed into .venv
	@$(UV) sync --frozen --all-extras --quiet

.PHONY: upgrade
upgrade: ## Upgrade the site on this machine to another release: make upgrade ARCHIVE=broadside-1.2.3.tar.gz
	python3 deploy/upgrade.py upgrade "$(ARCHIVE)"

.PHONY: release
release: install ## Make a release, for maintainers: make release VERSION=1.2.3 KEY=~/.ssh/id_ed25519
	.ci/release "$(VERSION)" --key "$(KEY)"

.PHONY: secret-key
secret-key: ## Print a new value for SECRET_KEY
	@head -c 48 /dev/urandom | base64

# Install uv from PyPI if the system has none: into a virtual environment, or a plain folder where venv is missing.
.tools/bin/uv:
	@echo "Installing uv into .tools …"
	@python3 -m venv .tools 2>/dev/null && .tools/bin/pip install --quiet uv \
		|| (rm -rf .tools; python3 -m pip install --quiet --target .tools uv) \
		|| (echo "uv is missing and could not be installed: see https://docs.astral.sh/uv/" >&2; exit 1)
