"""What the values of the file may be: types with a unit or a form, which pydantic reads.

Pydantic is given the scalars of the file as nodes. Each type below reads such a node, and leaves
what it read in the context of the validation, a mapping by path: the checks across fields work on
that, even where other fields are broken.
"""

from __future__ import annotations

import re
import types
from collections.abc import Mapping
from typing import Annotated, Any, Final, Literal, TypeVar, Union, get_args, get_origin

from pydantic import (
    BaseModel,
    BeforeValidator,
    ConfigDict,
    Field,
    GetCoreSchemaHandler,
    ValidationInfo,
)
from pydantic.fields import FieldInfo
from pydantic_core import CoreSchema, core_schema

from generator.thresholds.nodes import Node
from generator.thresholds.problems import quoted
from generator.thresholds.units import LARGEST_COUNT, PATTERNS, Unit, examples, form, parse

Schema = dict[str, Any]

_MOST_KEYS: Final = 12
# JSON Schema compares numbers only, so a pattern must keep a share at or under 100%.
_SHARE: Final = r"(?:100(?:\.0+)?|[1-9]?[0-9](?:\.[0-9]+)?)%"
_NOT_ZERO: Final = "(?=.*[1-9])"


class Leaf:
    """What a scalar must be; stands in `Annotated` beside the type of what is read."""

    words: str
    schema: Schema

    def read(self, scalar: Node) -> float | str:
        """The value that `scalar` spells. Raises ValueError with the words for what is right."""
        raise NotImplementedError

    def __get_pydantic_core_schema__(
        self, source: object, handler: GetCoreSchemaHandler
    ) -> CoreSchema:
        return core_schema.with_info_before_validator_function(self._validate, handler(source))

    def __get_pydantic_json_schema__(self, _core: CoreSchema, _handler: object) -> Schema:
        return dict(self.schema)

    def _validate(self, value: object, info: ValidationInfo[dict[str, float | str]]) -> object:
        if not isinstance(value, Node) or value.value is None:
            return value
        if value.is_null:
            raise ValueError(self.words)
        found = self.read(value)
        info.context[value.path] = found
        return found


class Quantity(Leaf):
    """A number with a unit; in the file a count or a score stands without quotes."""

    def __init__(self, unit: Unit, *, positive: bool = False) -> None:
        self.unit = unit
        self.words = form(unit, "above zero" if positive else "")
        self._positive = positive
        self.schema = {"description": self.words, **_number(unit, positive=positive)}

    def read(self, scalar: Node) -> float:
        if self.unit in (Unit.COUNT, Unit.SCORE) and not scalar.plain:
            raise ValueError(f"{form(self.unit)}, without quotes")
        value = parse(scalar.text, self.unit)
        if self._positive and not value:
            raise ValueError(self.words)
        return value


def _number(unit: Unit, *, positive: bool) -> Schema:
    if unit is Unit.COUNT:
        return {"type": "integer", "minimum": int(positive), "maximum": LARGEST_COUNT}
    if unit is Unit.SCORE:
        return {"type": "number", "minimum": 0, "maximum": 1}
    pattern = _SHARE if unit is Unit.RATIO else PATTERNS[unit]
    whole = _whole((_NOT_ZERO if positive else "") + pattern)
    return {"type": "string", "pattern": whole, "examples": examples(unit)}


class Text(Leaf):
    """A text: a pattern that Python and JSON Schema both know, and in words."""

    def __init__(self, pattern: str, words: str) -> None:
        self.words = words
        self.schema = {"type": "string", "pattern": _whole(pattern)}
        self._pattern = re.compile(pattern)

    def read(self, scalar: Node) -> str:
        other = scalar.not_text()
        if other:
            raise ValueError(f"{self.words}, in quotes: without them it is {other}")
        if not self.fits(scalar.text):
            raise ValueError(self.words)
        return scalar.text

    def fits(self, text: str) -> bool:
        """Whether the whole of `text` looks like this."""
        return self._pattern.fullmatch(text) is not None


class Constant(Leaf):
    """One number and no other."""

    def __init__(self, value: int) -> None:
        self.words = quoted(str(value))
        self.schema = {"const": value}
        self._value = value

    def read(self, scalar: Node) -> int:
        if not scalar.plain or scalar.text != str(self._value):
            raise ValueError(self.words)
        return self._value


def _whole(pattern: str) -> str:
    return f"^(?:{pattern})$"


Seconds = Annotated[float, Quantity(Unit.DURATION)]
PositiveSeconds = Annotated[float, Quantity(Unit.DURATION, positive=True)]
Bytes = Annotated[float, Quantity(Unit.BYTES)]
BytesPerSecond = Annotated[float, Quantity(Unit.GROWTH)]
Ratio = Annotated[float, Quantity(Unit.RATIO)]
PositiveRatio = Annotated[float, Quantity(Unit.RATIO, positive=True)]
PositivePerSecond = Annotated[float, Quantity(Unit.RATE, positive=True)]
Count = Annotated[int, Quantity(Unit.COUNT)]
PositiveCount = Annotated[int, Quantity(Unit.COUNT, positive=True)]
CountRate = Annotated[float, Quantity(Unit.COUNT_RATE)]
Score = Annotated[float, Quantity(Unit.SCORE)]

Item = TypeVar("Item")


def _kept(value: object) -> object:
    """What is left of a mapping once an overlay has removed some of its names."""
    if not isinstance(value, dict):
        return value
    return {name: each for name, each in value.items() if each is not None}


# Texts, or numbers, by names that are free.
Names = Annotated[Mapping[str, Item], BeforeValidator(_kept)]

Version = Annotated[Literal[1], Constant(1)]
# Neither control characters nor the line breaks of Unicode; at least one character that is seen.
Line = Annotated[
    str,
    Text(
        r" *[^\x00-\x20\x7f-\x9f\u2028\u2029][^\x00-\x1f\x7f-\x9f\u2028\u2029]*",
        "a text of one line",
    ),
]
Why = Annotated[Line, Field(description="The reason or the source of the numbers beside it.")]

_LABEL: Final = "[a-zA-Z_][a-zA-Z0-9_]*"
_MATCHER: Final = rf'{_LABEL}(=|!=|=~|!~)"[^"\\\x00-\x1f]*"'

LABEL_NAME: Final = Text(
    rf"(?!__){_LABEL}", "a label name of letters, digits and _ that begins with a letter"
)
ServiceName = Annotated[
    str, Text("[a-z0-9][a-z0-9_-]{0,39}", "a name of a-z, 0-9, - and _ such as auditor")
]
JobName = Annotated[
    str,
    Text(
        "[a-zA-Z0-9][a-zA-Z0-9_./:-]{0,99}",
        "a name of letters, digits and -_./: such as auditor-api",
    ),
]
Address = Annotated[
    str,
    Text(
        r"https?://([A-Za-z0-9.-]+|\[[0-9a-fA-F:]+\])(:[0-9]{1,5})?(/[A-Za-z0-9._~%:@+-]+)*",
        "an address such as https://host:3000/path, no query, fragment, space or final slash",
    ),
]
Target = Annotated[
    str,
    Text(
        r"([A-Za-z0-9]([A-Za-z0-9.-]*[A-Za-z0-9])?|\[[0-9a-fA-F:]+\]):[1-9][0-9]{0,4}",
        "a host and a port such as auditor:9105",
    ),
]
Selector = Annotated[
    str,
    Text(rf"\{{{_MATCHER}(, ?{_MATCHER})*\}}", 'a stream selector such as {app="auditor"}'),
]


class Model(BaseModel):
    """A mapping with known keys."""

    model_config = ConfigDict(frozen=True, extra="forbid", defer_build=True)

    @classmethod
    def by_key(cls) -> Mapping[str, FieldInfo]:
        """The fields by their keys in the file."""
        return {field.alias or name: field for name, field in cls.model_fields.items()}

    @classmethod
    def meaning(cls) -> str:
        """The first paragraph of the nearest docstring that somebody wrote."""
        written = (base.__doc__ for base in cls.__mro__[: cls.__mro__.index(Model)])
        return " ".join(next(filter(None, written), "").partition("\n\n")[0].split())


def kind(hint: Any) -> Any:
    """The Leaf of a field or hint, or its type: a model, a tuple, a mapping."""
    if isinstance(hint, FieldInfo):
        found = next((each for each in hint.metadata if isinstance(each, Leaf)), None)
        return found or kind(hint.annotation)
    if hasattr(hint, "__metadata__"):
        found = next((each for each in hint.__metadata__ if isinstance(each, Leaf)), None)
        return found or kind(hint.__origin__)
    if get_origin(hint) in (Union, types.UnionType):
        return kind(next(arg for arg in get_args(hint) if arg is not types.NoneType))
    return hint


def below(hint: Any, key: str | int) -> Any:
    """The kind of what stands under `key` of a model, a list or a mapping."""
    if isinstance(hint, type) and issubclass(hint, Model):
        return kind(hint.by_key()[str(key)])
    arguments = get_args(hint)
    return kind(arguments[1] if get_origin(hint) is Mapping else arguments[0])


def described(hint: Any) -> str:
    """What must stand there, in words."""
    if isinstance(hint, Leaf):
        return hint.words
    if isinstance(hint, type) and issubclass(hint, Model):
        return f"a mapping with the keys {listed(hint.by_key())}"
    if get_origin(hint) is Mapping:
        return "a mapping of names to texts, {} for none"
    return f"a list of at least one entry, each {described(below(hint, 0))}"


def listed(keys: Mapping[str, object]) -> str:
    """The first of the keys, and how many more there are."""
    shown = [quoted(key) for key in keys]
    left = len(shown) - _MOST_KEYS
    return ", ".join(shown[:_MOST_KEYS] + [f"{left} more"] * (left > 0))
