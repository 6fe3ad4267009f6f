"""What all Jinja2 templates share."""

from __future__ import annotations

import jinja2


def environment(
    loader: jinja2.BaseLoader,
    undefined: type[jinja2.Undefined] = jinja2.StrictUndefined,
    *,
    autoescape: bool = False,
) -> jinja2.Environment:
    """An environment in which an unknown name is an error, and a block leaves no empty line."""
    return jinja2.Environment(
        loader=loader,
        undefined=undefined,
        autoescape=autoescape,  # noqa: S701  # most templates are no HTML
        trim_blocks=True,
        lstrip_blocks=True,
        keep_trailing_newline=True,
    )


def page(package: str, name: str, /, **values: object) -> str:
    """A template beside the modules of a package, rendered with the values."""
    found = environment(jinja2.PackageLoader(package, "")).get_template(name)
    return found.render(values)
