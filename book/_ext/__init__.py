"""The book's own Sphinx extensions, as one."""

PARTS = (
    "house",
    "drawings",
    "code",
    "displays",
    "results",
    "depths",
    "reading_map",
    "cited",
    "reference",
    "live",
    "handled",
    "acting",
    "search",
    "head",
    "landing",
    "glossary",
    "notebooks",
    "your_data",
    "repository",
    "printed",
    "written",
)


def setup(app):
    for part in PARTS:
        app.setup_extension(f"{__name__}.{part}")
    return {"parallel_read_safe": True, "parallel_write_safe": False}
