"""HTML from the templates beside this file; what is put into them is escaped."""

import pathlib

import jinja2

TEMPLATES = jinja2.Environment(
    loader=jinja2.FileSystemLoader(pathlib.Path(__file__).with_name("templates")),
    undefined=jinja2.StrictUndefined,
    autoescape=True,
    trim_blocks=True,
    lstrip_blocks=True,
)


def render(template, /, **values):
    return TEMPLATES.get_template(f"{template}.html").render(values)
