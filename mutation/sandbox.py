"""The files that promtool runs, in a temporary folder."""

from __future__ import annotations

import json
import textwrap
from functools import cache
from pathlib import Path

from mutation.mutants import Mutant
from mutation.slices import Slice
from mutation.suite import Body, Group, Rule
from mutation.yamlfile import dump


class Sandbox:
    """Writes test and rule files; rule files without a mutant are shared between slices."""

    def __init__(self, folder: Path) -> None:
        self._folder = folder
        self._shared: dict[tuple[frozenset[Rule], Path], Path] = {}
        self._count = 0

    def write_test(self, slice_: Slice, mutant: Mutant | None = None) -> list[Path]:
        """The test file of a slice in which the mutant, if any, replaces its rule.

        The rule file with the mutant follows; like the test file, no other test uses it.
        """
        own: list[Path] = []
        names = ""
        for file in dict.fromkeys(group.file for group in slice_.groups):
            if mutant and mutant.rule.file == file:
                path = self._write("rules", _rule_file(slice_, file, mutant))
                own.append(path)
            else:
                path = self._shared_rules(slice_, file)
            names += f"- {path.name}\n"
        return [self._write("test", f"rule_files:\n{names}{slice_.document}"), *own]

    def write_rule(self, mutant: Mutant) -> Path:
        """A rule file with the mutant alone."""
        return self._write(
            "rule", f"groups:\n- name: mutant\n  rules:\n  - {_one_line(mutant.body)}\n"
        )

    def _shared_rules(self, slice_: Slice, file: Path) -> Path:
        key = (slice_.rules, file)
        if key not in self._shared:
            self._shared[key] = self._write("rules", _rule_file(slice_, file, None))
        return self._shared[key]

    def _write(self, kind: str, text: str) -> Path:
        self._count += 1
        path = self._folder / f"{kind}{self._count}.yml"
        path.write_text(text, "utf-8")
        return path


def _rule_file(slice_: Slice, file: Path, mutant: Mutant | None) -> str:
    lines = ["groups:\n"]
    for group in slice_.groups:
        if group.file == file:
            lines.append(_head(group))
            for rule in group.rules:
                if rule in slice_.rules:
                    is_mutated = mutant is not None and rule is mutant.rule
                    body = mutant.body if mutant and is_mutated else rule.normalized
                    lines.append(f"  - {_one_line(body)}\n")
    return "".join(lines)


@cache
def _head(group: Group) -> str:
    head = textwrap.indent(dump(group.head), "  ")
    return f"-{head[1:]}  rules:\n"


def _one_line(body: Body) -> str:
    """JSON, which is YAML as well."""
    return json.dumps(body, ensure_ascii=False)
