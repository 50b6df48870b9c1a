# Each target works on a machine with python3 (3.11 or newer, with venv and pip) and make, and nothing else.
PYTHON ?= python3
VENV ?= .venv
BIN := $(VENV)/bin
REQUIREMENTS := requirements/dev.txt
PACKAGES := -e . -e plugins/starlette -e plugins/django -e plugins/register -e examples
PYPROJECTS := pyproject.toml plugins/starlette/pyproject.toml plugins/django/pyproject.toml plugins/register/pyproject.toml examples/pyproject.toml

.PHONY: demo test test-covered test-register test-others matrix lint format bench crash api lock dist clean

demo: $(VENV)/installed  ## The reference information system: three applications that log, and what the citizen sees. KEEP=1 leaves it running.
	$(BIN)/python -m demo $(if $(KEEP),--keep)

# Whole systems, and routes made at random: each line that they run, other tests run too. They are without coverage, with which Python takes
# two to four times as long.
APART := $(addprefix tests/,development/test_another_day.py development/test_ci.py development/test_development.py \
        development/test_distributions.py development/test_left_open.py docs/test_docs_collector.py \
        docs/test_docs_commit.py docs/test_glossary.py docs/test_outbox_docs.py docs/test_readme.py \
        logs/outbox/test_outbox_crash.py logs/test_collector_to_register.py logs/test_same_record.py \
        requests/test_behind_a_proxy.py) \
    $(addprefix plugins/starlette/tests/test_starlette_,random_routes.py docs.py tutorial.py) \
    plugins/django/tests/admin/test_admin_browser.py plugins/django/tests/docs/test_docs.py plugins/django/tests/docs/test_tutorial.py \
    plugins/django/tests/servers

test: $(VENV)/installed  ## Every test, and the branch coverage of the core and of the plugins for Starlette and Django. ARGS="-k headers" for some, without coverage.
ifdef ARGS
	$(BIN)/python -m pytest $(ARGS)
else
	$(MAKE) --no-print-directory --jobs=3 test-covered test-register test-others
endif

test-covered:  # All three at once: they wait as much as they compute.
	$(BIN)/coverage erase
	$(BIN)/coverage run -m pytest $(addprefix --ignore=,$(APART)) tests plugins/starlette plugins/django
	$(BIN)/coverage combine --quiet
	$(BIN)/coverage report --precision=2 --fail-under=99.95  # a line that only a race reaches must not fail a run; what is missing is shown

# Shown when it is done, or the lines of all would mingle.
define shown_when_done
@echo "$(1)"; shown=$$($(1) 2>&1); status=$$?; echo "$$shown"; exit $$status
endef

test-register:
	$(call shown_when_done,$(BIN)/python -m pytest plugins/register)

test-others:
	$(call shown_when_done,$(BIN)/python -m pytest examples bench $(APART))

matrix:  ## The Django plugin on Python 3.13, with Django 6 and with 5.2, where that interpreter is present.
	.ci/matrix

lint: $(VENV)/installed  ## Formatting, lint, types, the direction of the imports, spelling, and the licence of every file.
	$(BIN)/ruff format --check .
	$(BIN)/ruff check .
	$(BIN)/mypy src plugins examples tests bench crash
	$(BIN)/lint-imports
	$(BIN)/codespell
	REUSE_ENCODING_MODULE=charset_normalizer $(BIN)/reuse lint --lines  # needs no libmagic

format: $(VENV)/installed  ## Put the format and what else is mechanical right.
	$(BIN)/ruff check --fix .
	$(BIN)/ruff format .

bench: $(VENV)/installed  ## What we cost beside our peers, in one run; results in bench/results/.
	$(BIN)/python -m bench

crash: $(VENV)/installed  ## Kill an application, the register, and PostgreSQL, at random moments under load. KILLS=1000 for the long run; results in bench/results/.
	$(BIN)/python -m crash

api: $(VENV)/installed  ## Write what is public in each distribution to docs/reference/api/, so that a change of it is seen in review.
	$(BIN)/python -m tests.public_surface

LOCK := $(BIN)/uv pip compile --universal --python-version 3.11 --generate-hashes --no-emit-index-url --no-header \
    --no-emit-package verwerkingenlogging --no-emit-package verwerkingenlogging-starlette \
    --no-emit-package verwerkingenlogging-django --no-emit-package verwerkingenlogging-register
lock: $(VENV)/installed  ## Resolve the dependencies again into requirements/dev.txt, and what the register's image needs of them.
	$(LOCK) --all-extras $(PYPROJECTS) requirements/dev.in --output-file requirements/dev.txt $(ARGS)
	$(LOCK) --extra postgresql --no-annotate --constraint requirements/dev.txt plugins/register/pyproject.toml \
	    --output-file plugins/register/deploy/requirements.txt
	$(LOCK) --no-deps --no-annotate requirements/django-lts.in --output-file requirements/django-lts.txt
	$(LOCK) --no-annotate --resolution lowest-direct --all-extras pyproject.toml plugins/starlette/pyproject.toml \
	    plugins/django/pyproject.toml requirements/lowest.in --output-file requirements/lowest.txt
	$(LOCK) --no-annotate --resolution lowest-direct --extra postgresql --extra api pyproject.toml plugins/register/pyproject.toml \
	    requirements/lowest-register.in --output-file requirements/lowest-register.txt
	$(LOCK) requirements/sbom.in --output-file requirements/sbom.txt
	$(LOCK) --no-annotate requirements/clients.in --output-file requirements/clients.txt

dist: $(VENV)/installed  ## What a release uploads: an sdist and a wheel of each distribution but the examples, in dist/, checked.
	rm -f dist/*.whl dist/*.tar.gz
	for folder in . plugins/starlette plugins/django plugins/register; do \
	    $(BIN)/python -m build --no-isolation --outdir dist $$folder || exit; \
	done
	$(BIN)/twine check --strict dist/*

clean:  ## Throw the environment away.
	rm -rf .venv .venv-*

$(VENV)/installed: $(REQUIREMENTS) $(PYPROJECTS)
	$(PYTHON) -c 'import sys; sys.exit("Python 3.11 or newer is needed; say PYTHON=python3.x" if sys.version_info < (3, 11) else 0)'
	test -x $(BIN)/python || $(PYTHON) -m venv $(VENV)
	test -x $(BIN)/uv || $(BIN)/python -m pip install --quiet uv
	$(BIN)/uv pip install --quiet --python $(BIN)/python --require-hashes -r $(REQUIREMENTS)
	$(if $(PACKAGES),$(BIN)/uv pip install --quiet --python $(BIN)/python --no-deps --no-build-isolation $(PACKAGES))
	touch $@
