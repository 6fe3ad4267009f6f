"""The recipes of the pages under docs/, carried out in a copy of the repository."""

from __future__ import annotations

import shutil
import subprocess
import sys
from dataclasses import dataclass
from itertools import pairwise
from pathlib import Path

from markdown_it import MarkdownIt

from tests.bundle import ROOT

_SKIPPED = shutil.ignore_patterns(".git", ".venv", ".tools", "build", "__pycache__", ".*_cache")


@dataclass(frozen=True)
class Block:
    """Code of a page; `before` is the paragraph above it, which may name the file it goes to."""

    language: str
    text: str
    before: str


def blocks(page: str, heading: str) -> list[Block]:
    """The blocks of code below a heading of a page."""
    found: list[Block] = []
    current = paragraph = ""
    tokens = MarkdownIt().parse((ROOT / "docs" / page).read_text())
    for token, inner in pairwise(tokens):
        if token.type == "heading_open" and token.tag == "h2":
            current = inner.content
        elif token.type == "paragraph_open" and token.level == 0:
            paragraph = inner.content
        elif inner.type == "fence" and inner.level == 0 and current == heading:
            found.append(Block(inner.info, inner.content, paragraph))
    return found


def block(page: str, heading: str, language: str) -> str:
    """The first block of code in a language below a heading of a page."""
    found = (each.text for each in blocks(page, heading) if each.language == language)
    text = next(found, None)
    assert text is not None, f"{page} has no block of {language} below {heading}"
    return text


def carry_out(folder: Path, page: str, heading: str) -> None:
    """Write the files and make the edits that a recipe shows."""
    for each in blocks(page, heading):
        if each.language == "diff":
            edit(folder, each.text)
        elif each.before.endswith("`:"):
            path = folder / each.before.split("`")[-2]
            path.write_text(each.text)


def repository(folder: Path) -> Path:
    """A copy of the working tree, committed to a repository of its own."""
    copy = folder / "copy"
    shutil.copytree(ROOT, copy, ignore=_SKIPPED)
    git(copy, "init", "--quiet")
    git(copy, "add", "--all")
    identity = ("-c", "user.name=tests", "-c", "user.email=tests@example.com")
    git(copy, *identity, "commit", "--quiet", "--message=before")
    return copy


def git(folder: Path, *arguments: str) -> str:
    done = subprocess.run(
        ["/usr/bin/env", "git", *arguments], cwd=folder, capture_output=True, text=True, check=True
    )
    return done.stdout


def changed(folder: Path) -> list[str]:
    """The paths that differ from the commit, untracked ones too."""
    status = git(folder, "status", "--porcelain", "--untracked-files=all")
    return sorted(line[3:] for line in status.splitlines())


def edit(folder: Path, diff: str) -> None:
    """Apply a diff without line numbers: its removed lines stand in the file just once."""
    head, *lines = diff.splitlines(keepends=True)
    path = folder / head.removeprefix("--- ").strip()
    before = "".join(line[1:] for line in lines if line[0] in " -")
    after = "".join(line[1:] for line in lines if line[0] in " +")
    text = path.read_text()
    assert text.count(before) == 1, f"{path} has not what the page says"
    path.write_text(text.replace(before, after))


def generator(folder: Path, *arguments: str) -> str:
    done = subprocess.run(
        [sys.executable, "-m", "generator", *arguments],
        cwd=folder,
        capture_output=True,
        text=True,
        check=False,
        timeout=120,
    )
    assert done.returncode == 0, done.stdout + done.stderr
    return done.stdout
