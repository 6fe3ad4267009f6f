import errno
import os
from pathlib import Path

import pytest

from generator import files
from generator.files import MARK


def test_only_what_differs_is_written(tmp_path: Path) -> None:
    (tmp_path / "alerts").mkdir()
    (tmp_path / "alerts/a.yml").write_text("same\n")
    before = (tmp_path / "alerts/a.yml").stat().st_mtime_ns
    assert files.write(tmp_path, {"alerts/a.yml": "same\n", "docs/b.md": "new\n"}) == ["docs/b.md"]
    assert (tmp_path / "alerts/a.yml").stat().st_mtime_ns == before
    assert (tmp_path / "docs/b.md").read_text() == "new\n"


def test_a_full_disk_leaves_every_file_as_it_was(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    (tmp_path / "a.yml").write_text("old\n")
    stage = files._stage  # noqa: SLF001  # the moment at which a disk fills up

    def full(target: Path, text: str) -> Path:
        if target.name == "b.yml":
            raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC), str(target))
        return stage(target, text)

    monkeypatch.setattr(files, "_stage", full)
    with pytest.raises(OSError, match="No space left"):
        files.write(tmp_path, {"a.yml": "new\n", "b.yml": "new\n"})
    assert [path.name for path in tmp_path.iterdir()] == ["a.yml"]
    assert (tmp_path / "a.yml").read_text() == "old\n"


def test_a_files_mode_is_kept(tmp_path: Path) -> None:
    (tmp_path / "a.yml").write_text("old\n")
    (tmp_path / "a.yml").chmod(0o600)
    files.write(tmp_path, {"a.yml": "new\n"})
    assert (tmp_path / "a.yml").stat().st_mode & 0o777 == 0o600


def test_leftovers_are_the_generators_own_files_alone(tmp_path: Path) -> None:
    (tmp_path / "alerts").mkdir()
    (tmp_path / "alerts/old.yml").write_text(f"# {MARK} by `make`.\n")
    (tmp_path / "alerts/mine.yml").write_text("groups: []\n")
    (tmp_path / "alerts/known.yml").write_text(f"# {MARK} by `make`.\n")
    assert files.leftovers(tmp_path, ["alerts/known.yml"]) == ["alerts/old.yml"]


def test_a_scenario_that_is_gone_is_left_over(tmp_path: Path) -> None:
    (tmp_path / "promtool-tests/scenarios").mkdir(parents=True)
    (tmp_path / "promtool-tests/scenarios/old.yml").write_text(f"# {MARK} by `make`.\n")
    assert files.leftovers(tmp_path, []) == ["promtool-tests/scenarios/old.yml"]


def test_what_is_not_text_is_told(tmp_path: Path) -> None:
    (tmp_path / "t.yaml").write_bytes(b"ab\xff")
    with pytest.raises(files.UnreadableError, match=r"t\.yaml: byte 3 is not UTF-8 text"):
        files.read(tmp_path / "t.yaml")
