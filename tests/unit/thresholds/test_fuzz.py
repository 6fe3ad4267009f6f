"""Whatever the input, the loader gives thresholds or says what is wrong; it never falls over."""

import json
from collections.abc import Callable
from typing import Any

import pytest
import yaml
from hypothesis import given
from hypothesis import strategies as st

from generator.config import load, model
from generator.thresholds import ConfigError, notes
from generator.thresholds.fields import Model, kind
from tests.unit.thresholds.good import FILE, GOOD

TEXTS = st.text(max_size=200)
# What YAML gives a meaning to, and what the values are made of.
FRAGMENTS = st.sampled_from(
    [
        *"{}[]:,-?&*!|>%@`#'\"\n\t ~0159.",
        *("- ", ": ", "<<: ", "&a ", "*a", "!!int ", "---\n", "...\n", "null", "yes", ".nan"),
        *("-1", "1e9", "0x1", "9" * 40, "x" * 300, "\0", "\x85", "\u2028", "\ufeff", "é"),
        *("5m", "1ms", "2GiB", "3MB", "1MiB/h", "50%", "101%", "7/s", "latency.p50.poor"),
    ]
)
LINES = GOOD.splitlines(keepends=True)


def keys(form: Any) -> set[str]:
    """Every key that the file can have."""
    if not isinstance(form, type) or not issubclass(form, Model):
        return set()
    return set(form.by_key()).union(*(keys(kind(field)) for field in form.by_key().values()))


KEYS = st.sampled_from(sorted(keys(model()))) | st.text(max_size=5)
SCALARS = (
    st.none() | st.booleans() | st.integers() | st.floats() | FRAGMENTS.filter(str.isprintable)
)
VALUES = st.recursive(
    SCALARS, lambda inner: st.lists(inner, max_size=4) | st.dictionaries(KEYS, inner, max_size=4)
)


def survives(text: str, *overlays: tuple[str, str]) -> None:
    """Fails on any exception but the one for bad input, and on a message that is none."""
    try:
        lines = [str(note) for note in notes(load(text, FILE, overlays))]
    except ConfigError as error:
        lines = str(error).splitlines()
        if not lines or len(lines) != len(error.problems):
            pytest.fail(f"not one line a problem: {error}")
    assert all(line.isprintable() and len(line) < 1000 for line in lines)


@given(TEXTS)
def test_any_text(text: str) -> None:
    survives(text)


@given(st.lists(FRAGMENTS | KEYS, max_size=30).map("".join))
def test_any_fragments(text: str) -> None:
    survives(text)
    survives(GOOD, ("overlay.yaml", text))


def lines_changed(draw: Callable[..., Any]) -> str:
    lines = list(LINES)
    for _ in range(draw(st.integers(1, 4))):
        here, there = draw(st.integers(0, len(lines) - 1)), draw(st.integers(0, len(lines) - 1))
        match draw(st.sampled_from(["delete", "repeat", "swap", "indent"])):
            case "delete":
                lines[here] = ""
            case "repeat":
                lines[here] += lines[there]
            case "swap":
                lines[here], lines[there] = lines[there], lines[here]
            case "indent":
                lines[here] = " " * draw(st.integers(1, 4)) + lines[here]
    return "".join(lines)


def characters_changed(draw: Callable[..., Any]) -> str:
    text = GOOD
    for _ in range(draw(st.integers(1, 3))):
        start = draw(st.integers(0, len(text)))
        stop = start + draw(st.sampled_from([0, 1, 2, 5, 5000]))
        text = text[:start] + draw(FRAGMENTS | TEXTS) + text[stop:]
    return text


@pytest.mark.full
@given(st.composite(lines_changed)())
def test_changed_lines(text: str) -> None:
    survives(text)


@given(st.composite(characters_changed)())
def test_changed_characters(text: str) -> None:
    survives(text)


def value_replaced(draw: Callable[..., Any]) -> Any:
    """The good file with some values, of any kind and depth, replaced by others."""
    tree = yaml.load(GOOD, Loader=yaml.CSafeLoader)
    for _ in range(draw(st.integers(1, 3))):
        node = tree
        while True:
            key = draw(st.sampled_from(list(node) if isinstance(node, dict) else range(len(node))))
            if (
                not isinstance(node[key], dict | list)
                or not node[key]
                or draw(st.integers(0, 4)) == 0
            ):
                node[key] = draw(VALUES)
                break
            node = node[key]
    return tree


@given(st.composite(value_replaced)())
def test_replaced_values(tree: Any) -> None:
    survives(yaml.dump(tree, Dumper=yaml.CSafeDumper, allow_unicode=True))


@given(st.dictionaries(KEYS, VALUES, max_size=4))
def test_any_overlay(tree: Any) -> None:
    survives(GOOD, ("overlay.yaml", yaml.dump(tree, Dumper=yaml.CSafeDumper)))
    survives(GOOD, ("overlay.json", json.dumps(tree)))


@given(
    st.lists(FRAGMENTS | KEYS | st.sampled_from(["local ", "import ", "std.", "+:"]), max_size=20)
)
def test_any_jsonnet(fragments: list[str]) -> None:
    survives(GOOD, ("overlay.jsonnet", " ".join(fragments)))
