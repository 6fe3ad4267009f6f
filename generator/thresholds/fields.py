"""What the values of the file may be: types with a unit or a form, which pydantic reads.

Pydantic is given the scalars of the file as nodes. Each type below reads such a node, and leaves
what it read in the context of the validation, a mapping by path: the checks across fields work on
that, even where other fields are broken.
"""

from __future__ import annotations

import re
import types
from collections.abc import Iterable, Mapping
from typing import Annotated, Any, Final, TypeVar, Union, get_args, get_origin

from pydantic import BaseModel, BeforeValidator, ConfigDict, Field, ValidationInfo
from pydantic.annotated_handlers import GetCoreSchemaHandler
from pydantic.fields import FieldInfo
from pydantic_core import CoreSchema, core_schema

from generator.thresholds.nodes import Node
from generator.thresholds.problems import quoted
from generator.thresholds.units import LARGEST_COUNT, SPELLINGS, Unit, form, parse

Schema = dict[str, Any]
Item = TypeVar("Item")

_MOST_KEYS: Final = 12


class Leaf:
    """What a scalar must be; stands in `Annotated` beside the type of what is read."""

    def __init__(self, words: str, schema: Schema) -> None:
        self.words = words
        self.schema = schema

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
        found = info.context[value.path] = self.read(value)
        return found


class Quantity(Leaf):
    """A number with a unit; in the file a count or a score stands without quotes."""

    def __init__(self, unit: Unit, *, positive: bool = False) -> None:
        words = form(unit, "above zero" if positive else "")
        super().__init__(words, {"description": words, **_number(unit, positive=positive)})
        self.unit = unit
        self._positive = positive

    def read(self, scalar: Node) -> float:
        if self.unit in (Unit.COUNT, Unit.SCORE) and not scalar.plain:
            raise ValueError(f"{form(self.unit)}, without quotes")
        return parse(scalar.text, self.unit, positive=self._positive)


def _number(unit: Unit, *, positive: bool) -> Schema:
    if unit is Unit.COUNT:
        return {"type": "integer", "minimum": int(positive), "maximum": LARGEST_COUNT}
    if unit is Unit.SCORE:
        return {"type": "number", "minimum": 0, "maximum": 1}
    shape, examples = SPELLINGS[unit].pattern, SPELLINGS[unit].examples.split(" or ")
    if unit is Unit.RATIO:  # JSON Schema compares numbers only: the pattern keeps it at 100%
        shape = r"(?:100(?:\.0+)?|[1-9]?[0-9](?:\.[0-9]+)?)%"
    not_zero = "(?=.*[1-9])" if positive else ""
    return {"type": "string", "pattern": _whole(not_zero + shape), "examples": examples}


class Text(Leaf):
    """A text: a pattern that Python and JSON Schema both know, and in words."""

    def __init__(self, pattern: str, words: str) -> None:
        super().__init__(words, {"type": "string", "pattern": _whole(pattern)})
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
        super().__init__(quoted(str(value)), {"const": value})

    def read(self, scalar: Node) -> int:
        value: int = self.schema["const"]
        if not scalar.plain or scalar.text != str(value):
            raise ValueError(self.words)
        return value


def _whole(pattern: str) -> str:
    return f"^(?:{pattern})$"


def doc(description: str, default: Any = ...) -> Any:
    """A field of a model with the description that the schema and the pages show."""
    return Field(default, description=description)


def _kept(value: object) -> object:
    """What is left of a mapping once an overlay has removed some of its names."""
    if not isinstance(value, dict):
        return value
    return {name: each for name, each in value.items() if each is not None}


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
# Neither control characters nor the line breaks of Unicode; at least one character that is seen.
_LINE: Final = r" *[^\x00-\x20\x7f-\x9f\u2028\u2029][^\x00-\x1f\x7f-\x9f\u2028\u2029]*"
Line = Annotated[str, Text(_LINE, "a text of one line")]
Why = Annotated[Line, doc("The reason or the source of the numbers beside it.")]
OneOrMore = Annotated[
    tuple[Item, ...], Field(min_length=1, json_schema_extra={"uniqueItems": True})
]
# Texts, or numbers, by names that are free.
Names = Annotated[Mapping[str, Item], BeforeValidator(_kept)]


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
        return _leaf(hint.metadata) or kind(hint.annotation)
    if hasattr(hint, "__metadata__"):
        return _leaf(hint.__metadata__) or kind(hint.__origin__)
    if get_origin(hint) in (Union, types.UnionType):
        return kind(next(arg for arg in get_args(hint) if arg is not types.NoneType))
    return hint


def _leaf(metadata: Iterable[object]) -> Leaf | None:
    return next((each for each in metadata if isinstance(each, Leaf)), None)


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


def listed(keys: Iterable[str]) -> str:
    """The first of the keys, and how many more there are."""
    shown = [quoted(key) for key in keys]
    left = len(shown) - _MOST_KEYS
    return ", ".join(shown[:_MOST_KEYS] + [f"{left} more"] * (left > 0))
