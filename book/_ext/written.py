"""Pages as they are written: what no page uses is not loaded, and nothing from elsewhere is.

The theme's templates load one set of files on every page, an icon script of 1.5 MB among them, and
let a page do what it likes. Here each page, once it is rendered, loses the files that it has no use
for, gets its icons as drawings, and a Content-Security-Policy.
"""

import base64
import functools
import hashlib
import re
import urllib.parse

from sphinx.jinja2glue import BuiltinTemplateLoader

from . import foreign

# What a page that loads a file has in it; an empty pattern never uses it. A preview shows parts of
# other pages, so that these need the looks of boxes and formulas, too.
PREVIEWS = 'class="[^"]*\\binternal\\b[^"]*" href="[^"]*#'
CODE = 'class="[^"]*\\bhighlight\\b'
TOGGLED = 'class="(?:[^"]* )?(?:toggle|dropdown)[ "](?!dropdown-)'
USED_BY = {
    r"vendor/fontawesome/.*": "",
    r"(doctools|sphinx_highlight)\.js": "",
    r"sphinx-thebe\.(css|js)": "",
    r"(clipboard\.min|copybutton)\.(css|js)": CODE,
    r"pygments\.css": CODE,
    r"togglebutton\.(css|js)": TOGGLED,
    r"design-tabs\.js": 'class="[^"]*\\bsd-tab',
    r"sphinx-design\.min\.css": 'class="[^"]*\\bsd-',
    r"mystnb\.\w+\.css": 'class="[^"]*\\bcell\\b',
    r"proof\.css": f'class="[^"]*\\bproof\\b|{PREVIEWS}',
    r"exercise\.css": f'class="[^"]*\\bexercise\\b|{PREVIEWS}',
    r"(katex/katex\.min|katex-math)\.css": f'class="katex|{PREVIEWS}',
    r"figures\.mjs": 'class="handled"',
    r"act\.mjs": 'class="acting"',
    r"previews\.mjs": PREVIEWS,
    r"results\.mjs": 'class="[^"]*\\b(result-cite|results-table)\\b',
}
LOADED = re.compile(
    r'<(?:link|script)\b[^>]*(?:href|src)="[^"]*_static/(?P<name>[^"?]+)[^"]*"[^>]*>(?:</script>)?\s*'
)
INLINE = re.compile(r"<script(?P<attributes>[^>]*)>(?P<code>.*?)</script>\s*", re.DOTALL)
# Inline scripts of the libraries, by how they begin.
SETTINGS = {r"\s*(let toggle|var togglebutton)": TOGGLED, r"\s*DOCUMENTATION_OPTIONS\.": ""}


def used(kinds, name, text):
    """Whether a page uses a file or a script; what is not listed, every page does."""
    needed = next((needed for kind, needed in kinds.items() if re.match(kind, name)), None)
    return needed is None or bool(needed and re.search(needed, text))


def without_unused(text):
    """A page without the files and settings that it has no use for."""
    head, end, body = text.partition("</head>")
    head = LOADED.sub(lambda m: m[0] if used(USED_BY, m["name"], body) else "", head)
    head = INLINE.sub(lambda m: m[0] if used(SETTINGS, m["code"], body) else "", head)
    return head + end + body


# The fonts of KaTeX, and the classes of a formula that uses each.
FONTS = {
    "Main-Regular": "katex",
    "Main-Bold": "mathbf",
    "Main-Italic": "mathit",
    "Math-Italic": "mathnormal",
    "AMS-Regular": "mathbb|amsrm",
    "Caligraphic-Regular": "mathcal",
    "SansSerif-Regular": "mathsf",
    "Size1-Regular": "small-op|delimsizing size1|delim-size1",
    "Size2-Regular": "large-op|delimsizing size2",
    "Size3-Regular": "delimsizing size3",
    "Size4-Regular": "delimsizing size4|delim-size4",
}
KATEX = re.compile(r'<link\b[^>]*href="(?P<folder>[^"]*_static/katex/)katex\.min\.css')


def with_fonts(text):
    """A page that asks for the fonts of its formulas at once: lines move if they come late."""
    names = [n for n, kind in FONTS.items() if re.search(rf'class="[^"]*\b({kind})\b', text)]
    link = (
        '<link rel="preload" as="font" type="font/woff2" crossorigin href="{}fonts/KaTeX_{}.woff2">'
    )

    def asked(match):
        return "\n".join([*(link.format(match["folder"], name) for name in names), match[0]])

    return KATEX.sub(asked, text, count=1)


ICON = re.compile(
    r'<(?P<tag>i|span) class="(?P<classes>[^"]*\bfa(?:s|-solid) [^"]*)"(?P<more>[^>]*)></(?P=tag)>'
)


@functools.cache
def drawing(name):
    """What an icon is drawn of; its licence goes with it."""
    width, height, path = foreign.icon(name)
    return (
        f'viewBox="0 0 {width} {height}" aria-hidden="true"><!-- {foreign.ICONS_BY} -->'
        f'<path fill="currentColor" d="{path}"/></svg>'
    )


def drawn(match):
    classes = match["classes"].replace("fa-solid", "fas")
    name = re.search(r"\bfa-([\w-]+)", classes)[1]
    return f'<svg class="theme-icon {classes}"{match["more"]} {drawing(name)}'


def with_icons(text):
    """A page with drawings where the theme's script would put them."""
    return ICON.sub(drawn, text)


# What the theme writes into its pages that a policy forbids, and what listens instead: the script
# ``buttons.mjs``. The theme that a reader without scripts has must be one that has colours.
INSTEAD = {
    'onclick="window.print()"': 'data-press="print"',
    'data-theme="auto"': 'data-theme="light"',
}
POLICY = {
    "default-src": ["'none'"],
    "script-src": ["'self'"],
    # KaTeX writes styles into the page.
    "style-src": ["'self'", "'unsafe-inline'"],
    "img-src": ["'self'", "data:"],
    "font-src": ["'self'", "data:"],
    "connect-src": ["'self'"],
    "form-action": ["'self'"],
    "base-uri": ["'none'"],
}
# A page that runs: its worker begins as a blob, so that the page's policy is the worker's as well.
RUNNING = {"script-src": ["'wasm-unsafe-eval'", "blob:"], "worker-src": ["blob:"]}


def hashed(code):
    return f"'sha256-{base64.b64encode(hashlib.sha256(code.encode()).digest()).decode()}'"


def inline_scripts(text):
    """The code of the scripts in a page; data for scripts are none."""
    found = INLINE.finditer(text)
    return [m["code"] for m in found if not re.search(r"\b(src|type)=", m["attributes"])]


def policy(text, pyodide):
    """The policy of a page, where ``pyodide`` is another host's address or empty."""
    rules = {name: list(sources) for name, sources in POLICY.items()}
    rules["script-src"] += dict.fromkeys(map(hashed, inline_scripts(text)))
    if 'id="live-config"' in text:
        for name, sources in RUNNING.items():
            rules[name] = rules.get(name, []) + sources
        rules["connect-src"] += [pyodide] if pyodide else []
    # Its worker looks at a blob, which is there until its reader presses Stop.
    if 'id="your-data-form"' in text:
        rules["connect-src"].append("blob:")
    return "; ".join(" ".join([name, *sources]) for name, sources in rules.items())


CHARSET = '<meta charset="utf-8" />'


def bound(text, pyodide):
    """A page with its policy, before anything that it could load."""
    tag = f'<meta http-equiv="Content-Security-Policy" content="{policy(text, pyodide)}">'
    before, charset, after = text.partition(CHARSET)
    return f"{before}{charset}\n{tag}{after}"


def written(text, pyodide=""):
    """A page as it is published, from what the templates make of it."""
    for theirs, ours in INSTEAD.items():
        text = text.replace(theirs, ours)
    return bound(with_icons(with_fonts(without_unused(text))), pyodide)


class Templates(BuiltinTemplateLoader):
    def init(self, builder, theme=None, dirs=None):
        super().init(builder, theme, dirs)
        where = builder.config.live_pyodide
        self.pyodide = where.rstrip("/") + "/" if urllib.parse.urlsplit(where).scheme else ""

    def render(self, template, context):
        text = super().render(template, context)
        return written(text, self.pyodide) if "</head>" in text else text


def use_templates(app, config):
    config.template_bridge = f"{__name__}.{Templates.__name__}"


def setup(app):
    app.add_js_file("buttons.mjs", type="module")
    app.connect("config-inited", use_templates)
    return {"parallel_read_safe": True, "parallel_write_safe": True}
