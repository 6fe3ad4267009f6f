"""Which rules an assertion can be touched by: the asserted ones, and all that these read."""

from __future__ import annotations

import re
from collections import defaultdict
from collections.abc import Iterable, Iterator, Mapping, Sequence
from typing import Final

from generator.mutation.parse import PromqlError, parse
from generator.mutation.suite import Group, Rule, Suite
from generator.mutation.tree import Matcher, Selector, selectors

_ALERT_SERIES: Final = ("ALERTS", "ALERTS_FOR_STATE")
_WORD: Final = re.compile(r"[a-zA-Z_:][a-zA-Z0-9_:]*")


class Reach:
    """The rules of some groups by what they read of each other."""

    def __init__(self, groups: Sequence[Group]) -> None:
        self._rules = tuple(rule for group in groups for rule in group.rules)
        self._recorded: Mapping[str, list[Rule]] = defaultdict(list)
        self._alerts: Mapping[str, list[Rule]] = defaultdict(list)
        for rule in self._rules:
            (self._alerts if rule.alerts else self._recorded)[rule.name].append(rule)
        self._read: dict[Rule, frozenset[Rule]] = {}

    def of_alert(self, name: str) -> frozenset[Rule]:
        """All that can touch whether an alert fires, and with what texts."""
        return self._closure(self._alerts.get(name, ()))

    def of_expression(self, expr: str) -> frozenset[Rule]:
        """All that can touch the value of an expression."""
        return self._closure(self._named_in(expr))

    def _closure(self, rules: Iterable[Rule]) -> frozenset[Rule]:
        found: set[Rule] = set()
        waiting = list(rules)
        while waiting:
            rule = waiting.pop()
            if rule not in found:
                found.add(rule)
                waiting += self._read_by(rule)
        return frozenset(found)

    def _read_by(self, rule: Rule) -> frozenset[Rule]:
        if rule not in self._read:
            self._read[rule] = frozenset((*self._named_in(rule.body["expr"]), *self._asked(rule)))
        return self._read[rule]

    def _named_in(self, expr: str) -> Iterable[Rule]:
        """Every rule where it cannot be told which."""
        try:
            asked = list(selectors(parse(expr)))
        except PromqlError:
            return self._rules
        return [rule for selector in asked for rule in self._selected(selector)]

    def _selected(self, selector: Selector) -> Iterable[Rule]:
        name = selector.name or _equal(selector.matchers, "__name__")
        if not name:
            return self._rules
        if name not in _ALERT_SERIES:
            return self._recorded.get(name, ())
        alert = _equal(selector.matchers, "alertname")
        return self._alerts.get(alert, ()) if alert else self._every_alert()

    def _every_alert(self) -> Iterator[Rule]:
        return (rule for rules in self._alerts.values() for rule in rules)

    def _asked(self, rule: Rule) -> Iterator[Rule]:
        """Rules whose series the texts may ask for in a query."""
        texts = (*(rule.body.get("labels") or {}).values(), *_annotations(rule).values())
        for text in texts:
            if "query" in text:
                for word in _WORD.findall(text):
                    yield from self._every_alert() if word in _ALERT_SERIES else ()
                    yield from self._recorded.get(word, ())


def _annotations(rule: Rule) -> Mapping[str, str]:
    found: Mapping[str, str] = rule.body.get("annotations") or {}
    return found


def _equal(matchers: Iterable[Matcher], name: str) -> str:
    """The only value that a label may have; nothing where it may have several."""
    return next((each.value for each in matchers if each.name == name and each.op == "="), "")


class InputLabels:
    """The labels that series have in the tests' input, also those that rules make of them."""

    def __init__(self, suite: Suite) -> None:
        self._known: dict[str, set[str]] = defaultdict(set)
        for series in _input_series(suite):
            self._known[series.name] |= {each.name for each in series.matchers}
        # Recordings stand behind what they read, but for those of other files: twice is enough.
        for rule in (*suite.rules, *suite.rules):
            if not rule.alerts:
                self._known[rule.name] |= set(self._of_expression(rule))

    def __call__(self, read: Iterable[Selector]) -> Sequence[str]:
        """Of all the series that are read together, in a stable order."""
        return sorted({label for each in read for label in self._known.get(each.name, ())})

    def _of_expression(self, rule: Rule) -> Sequence[str]:
        try:
            return self(selectors(parse(rule.body["expr"])))
        except PromqlError:
            return ()


def _input_series(suite: Suite) -> Iterator[Selector]:
    for text in dict.fromkeys(
        str(series.get("series"))
        for test in suite.tests
        for case in test.cases
        for series in case.body.get("input_series") or ()
    ):
        try:
            yield from selectors(parse(text))
        except PromqlError:
            continue  # promtool will say so, or it is a histogram's notation
