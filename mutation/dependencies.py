"""Which rules an assertion depends on: those that it names, and all that these read."""

from __future__ import annotations

import re
from collections import defaultdict
from collections.abc import Iterable, Mapping, Sequence
from typing import Final

from mutation.expression import Matcher, Selector, selectors
from mutation.parser import PromqlError, parse
from mutation.suite import Group, Rule, Suite

_ALERT_SERIES: Final = ("ALERTS", "ALERTS_FOR_STATE")
_WORD: Final = re.compile(r"[a-zA-Z_:][a-zA-Z0-9_:]*")


class Dependencies:
    """Among the rules of some groups; where it is unclear which rule is meant, all are."""

    def __init__(self, groups: Iterable[Group]) -> None:
        self._rules = tuple(rule for group in groups for rule in group.rules)
        self._recordings: Mapping[str, list[Rule]] = defaultdict(list)
        self._alerts: Mapping[str, list[Rule]] = defaultdict(list)
        for rule in self._rules:
            (self._alerts if rule.is_alert else self._recordings)[rule.name].append(rule)
        self._direct: dict[Rule, frozenset[Rule]] = {}

    def of_alert(self, name: str) -> frozenset[Rule]:
        """All rules that affect whether an alert fires, and with which texts."""
        return self._closure(self._alerts.get(name, ()))

    def of_expression(self, expr: str) -> frozenset[Rule]:
        """All rules that affect the value of an expression."""
        return self._closure(self._read_by(expr))

    def _closure(self, rules: Iterable[Rule]) -> frozenset[Rule]:
        found: set[Rule] = set()
        waiting = list(rules)
        while waiting:
            rule = waiting.pop()
            if rule in found:
                continue
            found.add(rule)
            if rule not in self._direct:
                queried = self._queried_in_texts(rule)
                self._direct[rule] = frozenset((*self._read_by(rule.body["expr"]), *queried))
            waiting += self._direct[rule]
        return frozenset(found)

    def _read_by(self, expr: str) -> Iterable[Rule]:
        try:
            found = list(selectors(parse(expr)))
        except PromqlError:
            return self._rules
        return [rule for selector in found for rule in self._selected(selector)]

    def _selected(self, selector: Selector) -> Iterable[Rule]:
        name = selector.name or _only_value(selector.matchers, "__name__")
        if not name:
            return self._rules
        if name not in _ALERT_SERIES:
            return self._recordings.get(name, ())
        alert = _only_value(selector.matchers, "alertname")
        return self._alerts.get(alert, ()) if alert else self._all_alerts()

    def _all_alerts(self) -> list[Rule]:
        return [rule for rules in self._alerts.values() for rule in rules]

    def _queried_in_texts(self, rule: Rule) -> Iterable[Rule]:
        """The rules whose series the `query` function may read in a label or an annotation."""
        texts = (*rule.body.get("labels", {}).values(), *rule.body.get("annotations", {}).values())
        words = {word for text in texts if "query" in text for word in _WORD.findall(text)}
        recordings = [rule for word in words for rule in self._recordings.get(word, ())]
        return recordings if words.isdisjoint(_ALERT_SERIES) else recordings + self._all_alerts()


def _only_value(matchers: Iterable[Matcher], label: str) -> str:
    """The value that a label must have; empty if it may have several."""
    return next((each.value for each in matchers if each.label == label and each.op == "="), "")


class InputLabels:
    """The labels of series in the tests' input, and of the recordings made of them."""

    def __init__(self, suite: Suite) -> None:
        self._known: dict[str, set[str]] = defaultdict(set)
        texts = {
            str(series.get("series"))
            for file in suite.files
            for case in file.cases
            for series in case.body.get("input_series") or ()
        }
        for text in texts:
            for series in _selectors(text):
                self._known[series.name] |= {each.label for each in series.matchers}
        # A recording follows what it reads, unless that is in another file: twice is enough.
        for rule in (*suite.rules, *suite.rules):
            if not rule.is_alert:
                self._known[rule.name].update(self(_selectors(rule.body["expr"])))

    def __call__(self, read: Iterable[Selector]) -> Sequence[str]:
        """The labels of all these series together, in a stable order."""
        return sorted({label for each in read for label in self._known.get(each.name, ())})


def _selectors(expr: str) -> list[Selector]:
    try:
        return list(selectors(parse(expr)))
    except PromqlError:  # also the notation of native histograms
        return []
