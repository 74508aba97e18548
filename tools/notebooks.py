"""Execute chapters in place and write them in one normal form.

    python -m tools.notebooks                    # every chapter
    python -m tools.notebooks book/urn.ipynb     # only this one

The normal form: outputs hold text only (figures are drawn when the book is built),
metadata holds the kernel and nothing of this machine, cell ids are urn-0, urn-1, ...
(unique in the whole book), so that a diff shows what changed and nothing else.
"""

import pathlib
import sys

import nbformat
from nbclient import NotebookClient

BOOK = pathlib.Path(__file__).parents[1] / "book"
KERNEL = {"display_name": "Python 3", "language": "python", "name": "python3"}
# What a cell may say of itself: tags, and the alt text and caption of its figure.
CELL_METADATA = {"tags", "mystnb", "live"}


def normalise(notebook, name):
    """Put a notebook called ``name`` into the normal form, in place, and return it."""
    notebook.metadata = nbformat.from_dict(
        {"kernelspec": KERNEL, "language_info": {"name": "python"}}
    )
    notebook.nbformat, notebook.nbformat_minor = 4, 5
    for i, cell in enumerate(notebook.cells):
        cell.id = f"{name}-{i}"
        cell.metadata = nbformat.from_dict(
            {k: v for k, v in cell.metadata.items() if k in CELL_METADATA}
        )
        for output in cell.get("outputs", []):
            output.get("metadata", {}).clear()
            data = output.get("data", {})
            for kind in [k for k in data if k.startswith("image/")]:
                del data[kind]
    return notebook


def write(notebook, path):
    text = nbformat.writes(normalise(notebook, path.stem), indent=1, ensure_ascii=False)
    path.write_text(text.rstrip("\n") + "\n", encoding="utf-8")


def execute(path):
    notebook = nbformat.read(path, as_version=4)
    resources = {"metadata": {"path": str(path.parent)}}
    # One output for what a cell prints, however the kernel cut it up in time.
    NotebookClient(
        notebook,
        timeout=300,
        kernel_name="python3",
        resources=resources,
        coalesce_streams=True,
    ).execute()
    write(notebook, path)


if __name__ == "__main__":
    for path in map(pathlib.Path, sys.argv[1:]) if sys.argv[1:] else sorted(BOOK.glob("*.ipynb")):
        print(path.name, flush=True)
        execute(path)
