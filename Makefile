# `make book` and `make test` do all their own set-up; nothing but Python 3.11+ and make is needed.
PYTHON ?= python3
VENV := .venv
BIN := $(VENV)/bin
READY := $(VENV)/.ready
KATEX := book/_static/katex/katex.min.css
PAGE := _build/html/index.html
export OMP_NUM_THREADS := 1
export OPENBLAS_NUM_THREADS := 1
export PYTHONHASHSEED := 0

.PHONY: book test test-live serve notebooks bench lock clean
.DELETE_ON_ERROR:

# Warnings are errors (-W), references must resolve (-n), and a failing notebook stops the build.
book: $(READY) $(KATEX)
	rm -rf _build
	$(BIN)/jupyter-book build -W -n --keep-going . || { rm -f $(PAGE); exit 1; }
	@echo "The book is built; open $(CURDIR)/$(PAGE)"

test: book
	$(BIN)/python -m pytest

# Every chapter run in a browser, the package's own tests in Pyodide, and accessibility of all pages;
# needs Chromium and ../shared/pyodide.
test-live: $(READY)
	$(BIN)/python -m pytest -m live --dist=load tests/test_live.py tests/test_site.py

serve: book
	@echo "The book is at http://localhost:8000/ (Ctrl+C stops it)"
	$(BIN)/python -m http.server --bind 127.0.0.1 --directory _build/html 8000

# Execute chapters in place: make notebooks, or make notebooks ONLY=book/urn.ipynb
notebooks: $(READY)
	$(BIN)/python -m tools.notebooks $(ONLY)

bench: $(READY)
	$(BIN)/python -m benchmarks

# Compile the lock anew from the ranges in pyproject.toml.
lock: $(READY)
	$(BIN)/pip install --quiet uv
	$(BIN)/uv pip compile --universal --python-version 3.11 --fork-strategy fewest --all-extras \
	    --no-header --no-annotate --quiet pyproject.toml -o requirements.txt

clean:
	rm -rf _build dist build *.egg-info book/_static/katex .pytest_cache .hypothesis $(VENV)

$(READY): requirements.txt pyproject.toml
	$(PYTHON) -c 'import sys; sys.exit(sys.version_info < (3, 11) and "Python 3.11 or newer is needed; name one with make PYTHON=...")'
	$(PYTHON) -m venv $(VENV)
	$(BIN)/python -m pip install --quiet --disable-pip-version-check -r requirements.txt
	$(BIN)/python -m pip install --quiet --disable-pip-version-check --no-deps --editable .
	touch $@

# KaTeX's style and fonts, of the version whose script sphinxcontrib-katex carries.
$(KATEX): $(READY)
	$(BIN)/python -m tools.katex
