"""The alerts' runbooks: a Markdown source for each alert in `pages/`, rendered with Jinja2.

`pages/shared/` holds what several of them say, `layout.md` what every page has, `index.md` the
list of all. `names.py` says what a source may name.
"""
