"""Limits of single values, which stand in `Annotated` beside a type of the model."""

from __future__ import annotations

import re
from dataclasses import dataclass
from enum import Enum
from typing import Annotated, Final


class Limit(Enum):
    """A limit of a number."""

    POSITIVE = "above zero"


POSITIVE: Final = Limit.POSITIVE


@dataclass(frozen=True)
class Form:
    """What a text must look like: a pattern that Python and JSON Schema both know, and in words."""

    pattern: str
    words: str

    def fits(self, text: str) -> bool:
        """Whether the whole of `text` looks like this."""
        return re.fullmatch(self.pattern, text) is not None


# Neither control characters nor the line breaks of Unicode; at least one character that is seen.
LINE: Final = Form(
    r" *[^\x00-\x20\x7f-\x9f\u2028\u2029][^\x00-\x1f\x7f-\x9f\u2028\u2029]*", "a text of one line"
)

_LABEL: Final = "[a-zA-Z_][a-zA-Z0-9_]*"
_MATCHER: Final = rf'{_LABEL}(=|!=|=~|!~)"[^"\\\x00-\x1f]*"'

ServiceName = Annotated[
    str, Form("[a-z0-9][a-z0-9_-]{0,39}", "a name of a-z, 0-9, - and _ such as auditor")
]
JobName = Annotated[
    str,
    Form(
        "[a-zA-Z0-9][a-zA-Z0-9_./:-]{0,99}",
        "a name of letters, digits and -_./: such as auditor-api",
    ),
]
Address = Annotated[
    str,
    Form(
        r"https?://([A-Za-z0-9.-]+|\[[0-9a-fA-F:]+\])(:[0-9]{1,5})?(/[A-Za-z0-9._~%:@+-]+)*",
        "an address such as https://host:3000/path, no query, fragment, space or final slash",
    ),
]
Target = Annotated[
    str,
    Form(
        r"([A-Za-z0-9]([A-Za-z0-9.-]*[A-Za-z0-9])?|\[[0-9a-fA-F:]+\]):[1-9][0-9]{0,4}",
        "a host and a port such as auditor:9105",
    ),
]
Selector = Annotated[
    str,
    Form(rf"\{{{_MATCHER}(, ?{_MATCHER})*\}}", 'a stream selector such as {app="auditor"}'),
]
LABEL_NAME: Final = Form(
    rf"(?!__){_LABEL}", "a label name of letters, digits and _ that begins with a letter"
)
