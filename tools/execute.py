"""Execute the chapters side by side, one for each core, for the build of the book.

The build takes what they print and draw from this cache. A chapter that failed is not in it, and
fails there again, with its message.
"""

import os
import pathlib

import yaml
from jupyter_cache import get_cache
from jupyter_cache.executors import load_executor

CACHE = "_build/.jupyter_cache"  # where Jupyter Book looks for it


def main() -> None:
    config = yaml.safe_load(pathlib.Path("_config.yml").read_text(encoding="utf-8"))
    # Its kernels draw as those of the build do (book/_ext/drawings.py).
    os.environ["PYTHONSTARTUP"] = str(pathlib.Path(__file__).with_name("drawing_startup.py"))
    cache = get_cache(CACHE)
    for chapter in sorted(pathlib.Path("book").glob("*.ipynb")):
        cache.add_nb_to_project(str(chapter.resolve()))
    load_executor("local-parallel", cache).run_and_cache(timeout=config["execute"]["timeout"])


if __name__ == "__main__":
    main()
