"""What a kernel under test runs first ($PYTHONSTARTUP): it tells of figures empty or illegible."""


def _watch():
    import pathlib
    import runpy

    drawn = pathlib.Path(__file__).with_name("drawn.py")
    get_ipython().events.register("post_execute", runpy.run_path(drawn)["tell"])  # noqa: F821


_watch()
del _watch
