# `make book` and `make test` do all their own set-up; nothing but Python 3.11+ and make is needed.
PYTHON ?= python3
VENV := .venv
BIN := $(VENV)/bin
LOWEST := .venv-lowest
READY := $(VENV)/.ready
KATEX := book/_static/katex/katex.min.css
MINISEARCH := book/_static/minisearch/minisearch.mjs
D3 := book/_static/d3/d3.mjs
PAGE := _build/html/index.html
export OMP_NUM_THREADS := 1
export OPENBLAS_NUM_THREADS := 1
export MKL_NUM_THREADS := 1
export PYTHONHASHSEED := 0

.PHONY: book pdf release sphinx test quick test-live test-slow test-table test-paper test-lowest lint links serve notebooks seeds fuzz bench \
    dist lock clean
.DELETE_ON_ERROR:

# Warnings are errors (-W), references must resolve (-n), and a failing notebook stops the build.
# Chapters are executed anew each time: the cache that the build takes them from goes with _build.
book: $(READY) $(KATEX) $(MINISEARCH) $(D3)
	rm -rf _build
	$(BIN)/python -m tools.execute
	$(BIN)/jupyter-book build -W -n --keep-going . || { rm -f $(PAGE); exit 1; }
	@echo "The book is built; open $(CURDIR)/$(PAGE)"

# One PDF of the book and one of each chapter, printed from the built site, which then links them: make
# pdf, or make pdf ONLY=urn. Needs Chromium.
pdf: $(READY)
	@test -f $(PAGE) || $(MAKE) book
	$(BIN)/python -m tools.pdf $(ONLY)

# A version that stays: its statements are kept, and the site with its PDFs is put beside the versions
# before it: make release INTO=../published
release: $(READY)
	@test -n "$(INTO)" || { echo "name the folder of all versions: make release INTO=../published"; exit 1; }
	$(BIN)/python -m tools.release record
	$(MAKE) book
	$(MAKE) pdf
	$(BIN)/python -m tools.release publish $(INTO)

# The same site by Sphinx alone, from the configuration that Jupyter Book writes for it.
sphinx: $(READY) $(KATEX) $(MINISEARCH) $(D3)
	rm -rf _build/.jupyter_cache
	$(BIN)/python -m tools.execute
	$(BIN)/jupyter-book config sphinx .
	$(BIN)/python -m sphinx -W -n --keep-going . _build/sphinx

test: book
	$(BIN)/python -m pytest

# The package alone, without the tests marked slow.
quick: $(READY)
	$(BIN)/python -m pytest -m "not book and not slow" tests dpnotes

lint: $(READY)
	$(BIN)/ruff format --check --quiet
	$(BIN)/ruff check --quiet
	$(BIN)/mypy

# Every chapter run in a browser and, as it is downloaded, in an empty environment; the package's
# quick tests in Pyodide, and accessibility of all pages; needs Chromium and ../shared/pyodide.
# What takes longest comes first, and a worker that has nothing left to do takes from the other.
test-live: $(READY)
	$(BIN)/python -m pytest -m "live and not slow" --dist=worksteal tests/test_getting.py \
	    tests/test_live.py tests/test_site.py

# The package's slow tests in Pyodide, where they are slower by far.
test-slow: $(READY)
	$(BIN)/python -m pytest -m "live and slow" --dist=load tests/test_live.py

# The page for a reader's table with Python behind it: whole analyses in a browser, which take long.
test-table: $(READY)
	$(BIN)/python -m pytest -m live --dist=load tests/test_your_data.py

# The PDF of the book and of each chapter beside the pages that they are made from, after make pdf.
test-paper: $(READY)
	$(BIN)/python -m pytest -m live --dist=load tests/test_pdf.py

# The package's tests on the oldest versions that pyproject.toml allows.
test-lowest: $(READY)
	rm -rf $(LOWEST)
	$(BIN)/uv venv --quiet --seed --python $(BIN)/python $(LOWEST)
	$(BIN)/uv pip compile --quiet --no-header --no-annotate --resolution lowest-direct \
	    --python $(LOWEST) --extra dask pyproject.toml -o $(LOWEST)/oldest.txt
	$(BIN)/uv pip install --quiet --python $(LOWEST) --constraint $(LOWEST)/oldest.txt \
	    --requirement pyproject.toml --extra test --extra bench --extra dask
	# What old libraries find deprecated in one another is not ours.
	$(LOWEST)/bin/python -m pytest -m "not book" -W default::DeprecationWarning --dist=worksteal \
	    tests dpnotes

# Links to other hosts; those within the site are a test's business.
links: book
	$(BIN)/python tools/links.py

# Built for this address, so that what is downloaded from it installs from it.
serve: export BOOK_URL ?= http://localhost:8000/
serve: book
	@echo "The book is at http://localhost:8000/ (Ctrl+C stops it)"
	$(BIN)/python -m tools.serve

# Execute chapters in place: make notebooks, or make notebooks ONLY=book/urn.ipynb
notebooks: $(READY)
	$(BIN)/python -m tools.notebooks $(ONLY)

# Run chapters with ten other seeds, whose assertions must hold: make seeds, make seeds
# ONLY=book/urn.ipynb, or with SHOW=--show to see what is printed for each seed.
seeds: $(READY)
	$(BIN)/python -m tools.seeds $(ONLY) $(SHOW)

# Call every public function at random, far out and with nonsense: make fuzz, or make fuzz
# CALLS=1000 SEED=2.
CALLS ?= 10000
SEED ?= 1
fuzz: $(READY)
	$(BIN)/python -m tools.fuzz --calls $(CALLS) --seed $(SEED)

bench: $(READY)
	$(BIN)/python -m benchmarks

# The archives of the package as they are published: the wheel is built from the source archive.
dist: $(READY)
	rm -rf dist
	$(BIN)/uv build --quiet --python $(BIN)/python --no-build-isolation
	$(BIN)/twine check --strict dist/*

# Compile the lock anew from the ranges in pyproject.toml.
lock: $(READY)
	$(BIN)/uv pip compile --universal --python-version 3.11 --fork-strategy fewest --all-extras \
	    --generate-hashes --no-header --no-annotate --quiet pyproject.toml -o requirements.txt

clean:
	rm -rf _build dist build *.egg-info book/_static/katex book/_static/minisearch book/_static/d3 .*_cache .hypothesis $(VENV) $(LOWEST)

$(READY): requirements.txt pyproject.toml
	$(PYTHON) -c 'import sys; sys.exit(sys.version_info < (3, 11) and "Python 3.11 or newer is needed; name one with make PYTHON=...")'
	$(PYTHON) -m venv $(VENV)
	$(BIN)/python -m pip install --quiet --disable-pip-version-check --require-hashes \
	    -r requirements.txt
	$(BIN)/python -m pip install --quiet --disable-pip-version-check --no-deps \
	    --no-build-isolation --editable .
	touch $@

# Files of npm packages; each folder is one of those that the tool knows.
$(KATEX) $(MINISEARCH) $(D3): $(READY)
	$(BIN)/python -m tools.npm_files $(notdir $(@D))
	touch $@
