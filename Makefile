# Needs Python, git and make. Another Python than uv would take: `PYTHON=python3.12 make book`.
# PyTorch comes without CUDA where there is no NVIDIA driver; by hand: `TORCH=cpu` or `TORCH=cuda`.
PYTHON ?= python3
PORT ?= 8000
UV := build/uv/bin/uv
RUN := .venv/bin/python
NEW_LOCK := build/requirements.txt
# In the order of the files: the longest come first, and no worker is left alone with one at the end.
PARALLEL := -n auto --maxprocesses 4 --dist loadfile --no-loadscope-reorder

# Packages from outside .venv must not be imported instead of the pinned ones; and without compiled
# modules each start would compile all of PyTorch's, which takes many seconds.
unexport PYTHONPATH PYTHONHOME PYTHONDONTWRITEBYTECODE
# glibc hands large buffers back to the kernel after each use and clears them anew: keeping them
# makes the backbone 2 to 4 times faster on a CPU. Has to be set before Python starts.
MALLOC_MMAP_THRESHOLD_ ?= 4294967296
MALLOC_TRIM_THRESHOLD_ ?= 4294967296
# More threads than this gain nothing on images and models of this size.
OMP_NUM_THREADS ?= 2
export MALLOC_MMAP_THRESHOLD_ MALLOC_TRIM_THRESHOLD_ OMP_NUM_THREADS

.DEFAULT_GOAL := help
.NOTPARALLEL:
.PHONY: help setup python book test quick lint check-book check-links check-notebooks unit lab
.PHONY: student serve lock clean distclean release releasable site pdf slides wheelhouse
.PHONY: assignment full

# $(call step,NAME,COMMAND): run a command under a heading and say how long it took.
define step
	@printf '\n== %s\n' '$(1)'; start=$$(date +%s); $(2); code=$$?; \
	printf '== %s: %d s\n' '$(1)' $$(($$(date +%s) - start)); exit $$code
endef

help: ## list these targets
	@awk -F ':.*## ' '/^[a-z-]+:.*## / {printf "  make %-16s %s\n", $$1, $$2}' Makefile

setup: python ## make .venv from requirements.lock, or mend it; the others do so first
	@"$(PYTHON)" book/_tools/set_up.py

python:
	@command -v "$(PYTHON)" >/dev/null || { echo "make: there is no $(PYTHON): install Python 3.11" \
	  "or later, or name the one you have, as in PYTHON=python3.12 make book" >&2; exit 2; }

book: setup ## train the ready model, run the chapters and build the HTML book
	$(call step,train the ready model,OMP_NUM_THREADS=1 $(RUN) book/_tools/ready_model.py)
	$(call step,run the chapters and build the book,$(RUN) book/_tools/build.py)

# The tests of the pages run what check-book runs.
test: lint check-notebooks unit ## everything that must hold; ends with pytest's summary

quick: lint ## while editing: lint, and the tests that train nothing and start nothing
	@printf '\n== pytest, quick ones\n'
	@OMP_NUM_THREADS=1 $(RUN) -m pytest tests -m "not slow" $(PARALLEL)

lint: setup ## ruff and mypy
	$(call step,ruff check,$(RUN) -m ruff check .)
	$(call step,ruff format,$(RUN) -m ruff format --check .)
	$(call step,mypy,$(RUN) -m mypy)

check-book: setup ## build the pages from the stored outputs and check them
	$(call step,check the book,$(RUN) book/_tools/build.py --check)

check-links: check-book ## ask the servers for every link of the pages; no other check needs them
	@.venv/bin/lychee --include-fragments=anchor-only --index-files index.html --exclude-loopback \
	  --root-dir "$(CURDIR)/book/_build/check" "book/_build/check/**/*.html"

check-notebooks: setup ## run every notebook and compare it with its stored outputs
	$(call step,check the notebooks,$(RUN) -m pytest -p no:cacheprovider --nbval book $(PARALLEL))

# One thread for each worker; a file stays in one worker, since its tests share what takes long.
unit: export OMP_NUM_THREADS = 1
unit: setup ## the tests of the package
	@printf '\n== pytest\n'
	@$(RUN) -m pytest tests $(PARALLEL)

# One thread, as in the stored outputs: sums of floats depend on the number of threads.
lab: export OMP_NUM_THREADS = 1
lab: setup ## open JupyterLab on the chapters (LAB="--no-browser --port 9000" for its options)
	@$(RUN) book/_tools/lab.py $(LAB)

full: setup ## every full run of the book, on a graphics card (hours; stopped, it goes on)
	@COZAD_SETTINGS=$${COZAD_SETTINGS:-full} $(RUN) book/_tools/full_runs.py

pdf: check-book ## the whole book as one PDF, build/cozad-book.pdf (needs Chromium)
	$(call step,write the PDF,$(RUN) book/_tools/pdf.py)

student: setup ## the chapters without their solutions, in build/student
	@$(RUN) book/_tools/student.py

release: releasable check-book pdf student slides ## what is published, in build/release/VERSION (DRAFT=1: of a draft)
	$(call step,release,$(RUN) book/_tools/release.py $(if $(DRAFT),--draft))

# Before anything is built for it.
releasable: setup
	$(call step,may this tree be released?,$(RUN) book/_tools/release.py --allowed $(if $(DRAFT),--draft))

site: setup ## the folder to publish, build/site, of all releases in build/release (SITE_URL=https://... if known)
	$(call step,site,$(RUN) book/_tools/book_site.py $(if $(DRAFT),--drafts))

wheelhouse: setup ## fetch all that computers without network need: make setup WHEELHOUSE=folder
	@$(RUN) book/_tools/wheelhouse.py

assignment: setup ## the exercises as nbgrader assignments, in build/assignment
	@$(RUN) book/_tools/assignment.py

slides: setup ## a deck for each chapter, in build/slides
	@$(RUN) book/_tools/slides.py

serve: setup ## show the built book on http://127.0.0.1:8000 (PORT=8001 for another port)
	@test -f book/_build/html/index.html || { echo "no book is built yet: make book" >&2; exit 1; }
	@echo "The book is on http://127.0.0.1:$(PORT) until you press Ctrl-C."
	@$(RUN) -m http.server $(PORT) --bind 127.0.0.1 --directory book/_build/html

lock: ## renew requirements.lock from pyproject.toml
	@test -x $(UV) || { echo "make lock needs a .venv: make setup" >&2; exit 1; }
	@mkdir -p build && grep -v '^#' requirements.lock > $(NEW_LOCK)
	@$(UV) pip compile --quiet --universal --python-version 3.11 --extra book --extra dev --extra scale \
	  --extra demo --generate-hashes --no-emit-index-url --no-annotate --no-header pyproject.toml \
	  -o $(NEW_LOCK)
	@{ echo '# Made by "make lock" from pyproject.toml, for Python 3.11 and later. Do not edit.'; \
	  cat $(NEW_LOCK); } > $(NEW_LOCK).part && mv $(NEW_LOCK).part requirements.lock && rm $(NEW_LOCK)
	@echo nbgrader | $(UV) pip compile --quiet --universal --python-version 3.11 \
	  --generate-hashes --no-emit-index-url --no-annotate --no-header - -o book/assignments/nbgrader.lock
	@echo "requirements.lock and nbgrader.lock are renewed; pins that still fit were kept."

clean: python ## delete what was built; .venv and downloads stay
	@"$(PYTHON)" book/_tools/own_folder.py clean

distclean: python ## delete .venv and downloads too; measured runs and student chapters stay
	@"$(PYTHON)" book/_tools/own_folder.py distclean
