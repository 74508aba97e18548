"""What a kernel under test runs first ($PYTHONSTARTUP): a cell with an empty or illegible figure says so."""


def _watch():
    import pathlib
    import runpy

    drawn = pathlib.Path(__file__).with_name("drawn.py")
    get_ipython().events.register("post_execute", runpy.run_path(drawn)["tell"])  # noqa: F821


_watch()
del _watch
