from collections.abc import Mapping
from pathlib import Path

import pytest

from generator.config import load
from generator.files import import_beside
from generator.thresholds import ConfigError, Importer, Position, Thresholds
from generator.thresholds.settings import BoundAlert
from tests.unit.thresholds.cases import Case, read_cases
from tests.unit.thresholds.good import FILE, GOOD, edited, problems

ROOT = Path(__file__).parents[3]
YAML = "staging.yaml"
JSONNET = "production.jsonnet"


def overlaid(*overlays: tuple[str, str]) -> Thresholds:
    return load(GOOD, FILE, overlays)


def test_only_what_is_named_changes() -> None:
    changed = overlaid((YAML, "targets: {latency: {p95: {poor: 3s}}}"))
    assert dict(changed) == dict(
        load(edited("acceptable: 1s, poor: 2s", "acceptable: 1s, poor: 3s"), FILE)
    )


def test_a_list_is_replaced_whole() -> None:
    changed = overlaid((YAML, "service: {latency_buckets: [1s, 10s]}"))
    assert changed.service.latency_buckets == (1.0, 10.0)
    assert "service.latency_buckets[2]" not in changed.positions


def test_null_removes_an_optional_key() -> None:
    changed = overlaid((YAML, "alerts: {high_latency: {critical: null}}"))
    assert changed.alert("high_latency", BoundAlert).critical is None
    assert changed.alert("high_latency", BoundAlert).warning is not None
    assert "alerts.high_latency.critical" not in changed.positions


def test_null_removes_a_label() -> None:
    changed = overlaid((YAML, "service: {labels: {team: null, site: north}}"))
    assert changed.service.labels == {"site": "north"}


def test_null_adds_nothing_where_nothing_was() -> None:
    assert dict(overlaid((YAML, "alerts: {low_confidence: {info: ~}}"))) == dict(overlaid())


def test_a_key_can_be_added() -> None:
    added = "alerts: {low_confidence: {info: {fires_at: confidence.acceptable, for: 1h}}}"
    info = overlaid((YAML, added)).alert("low_confidence", BoundAlert).info
    assert info is not None
    assert (info.fires_at, info.for_) == ("confidence.acceptable", 3600.0)


def test_later_overlays_win() -> None:
    changed = overlaid(
        (YAML, "service: {expected_workers: 2, labels: {site: north}}"),
        (JSONNET, "{service: {expected_workers: 1 + 7}}"),
    )
    assert changed.service.expected_workers == 8
    assert changed.service.labels == {"team": "legal", "site": "north"}


def test_positions_point_to_the_file_that_set_the_value() -> None:
    changed = overlaid((YAML, "targets:\n  latency:\n    p95:\n      poor: 3s\n"))
    assert changed.positions["targets.latency.p95.poor"] == Position(YAML, 4, 13)
    assert changed.positions["targets.latency.p95.target"].file == FILE


def test_jsonnet_positions() -> None:
    source = (
        "local bound(x) = { poor: x + 's' };\n"
        "{\n"
        "  // poor: a comment\n"
        "  slo: { period: '28d', 'why': 'x: y' },\n"
        "  service: { expected_workers: 2, database_pool+: { size: 3, why: 'seen' } },\n"
        "  targets: { latency: { p95: bound(3), p99: { target: '1500ms' } } },\n"
        "}\n"
    )
    positions = overlaid((JSONNET, source)).positions
    assert positions["slo.period"] == Position(JSONNET, 4, 10)
    assert positions["slo.why"] == Position(JSONNET, 4, 25)
    assert positions["service.database_pool.size"] == Position(JSONNET, 5, 53)
    assert positions["service.database_pool.why"] == Position(JSONNET, 5, 62)
    # No such path is written out, but only one key of that name.
    assert positions["targets.latency.p95.poor"] == Position(JSONNET, 1, 20)
    assert positions["targets.latency.p99.target"] == Position(JSONNET, 6, 47)


def test_jsonnet_position_is_only_the_file_where_nothing_is_certain() -> None:
    source = (
        "local f(x) = { poor: x }; local g(x) = { poor: x }; {targets: {latency: {p95: f('3s')}}}"
    )
    assert str(overlaid((JSONNET, source)).positions["targets.latency.p95.poor"]) == JSONNET


@pytest.mark.parametrize("case", read_cases("broken_overlays.txt"), ids=lambda case: case.name)
def test_message(case: Case) -> None:
    ((_, overlay),) = case.hunks
    assert problems(GOOD, (case.name.partition(":")[0], overlay)) == list(case.messages)


def test_a_nul_in_jsonnet() -> None:
    assert problems(GOOD, (JSONNET, "{a: '\0'}")) == [
        f"{JSONNET}:1:6: found the character U+0000, expected text without control characters"
    ]


def test_problems_of_all_files_come_at_once_in_their_order() -> None:
    base = edited("period: 30d", "period: monthly")
    found = problems(base, (JSONNET, "{slo: {availability: 2}}"), (YAML, "x: 1"), ("b.yaml", "["))
    assert [line.split(":")[0] for line in found] == [FILE, JSONNET, YAML, "b.yaml"]


def test_json_is_an_overlay_too() -> None:
    changed = load(GOOD, FILE, [("o.json", '{"service": {"expected_workers": 2}}')])
    assert changed.service.expected_workers == 2
    assert changed.positions["service.expected_workers"] == Position("o.json", 1, 14)


def reader(files: Mapping[str, str]) -> Importer:
    def read(folder: str, path: str) -> tuple[str, bytes]:
        if path not in files:
            raise FileNotFoundError(f"no {path}")
        return folder + path, files[path].encode()

    return read


def test_imports_are_read_by_the_caller() -> None:
    files = {"lib.libsonnet": "{ workers: 6 }"}
    source = "local lib = import 'lib.libsonnet'; { service: { expected_workers: lib.workers } }"
    changed = load(GOOD, FILE, [(f"deploy/{JSONNET}", source)], reader(files))
    assert changed.service.expected_workers == 6


def test_an_error_in_an_import_is_placed_in_the_imported_file() -> None:
    files = {"lib.libsonnet": "{\n  workers: error 'none' }"}
    source = "{\n  service: (import 'lib.libsonnet') }"
    with pytest.raises(ConfigError) as caught:
        load(GOOD, FILE, [(f"deploy/{JSONNET}", source)], reader(files))
    assert str(caught.value) == ("deploy/lib.libsonnet:2:12: jsonnet error: none")


def test_nothing_is_read_from_the_disk_without_a_reader() -> None:
    source = f"{{slo: {{why: importstr '{Path(__file__).as_posix()}'}}}}"
    assert "couldn't open import" in problems(GOOD, (JSONNET, source))[0]


@pytest.mark.parametrize("name", ["staging.yaml", "production.jsonnet"])
def test_examples_fit_the_committed_file(name: str) -> None:
    base = (ROOT / "thresholds.yaml").read_text(encoding="utf-8")
    overlay = ROOT / "deploy/overlays" / name
    changed = load(base, FILE, [(name, overlay.read_text(encoding="utf-8"))])
    assert changed.service.labels["environment"] == name.partition(".")[0]


def test_imports_from_the_disk_stay_in_the_folder(tmp_path: Path) -> None:
    folder = tmp_path / "overlays"
    (folder / "lib").mkdir(parents=True)
    (folder / "lib/sizes.libsonnet").write_text("import 'more.libsonnet'", encoding="utf-8")
    (folder / "lib/more.libsonnet").write_text("{ workers: 6 }", encoding="utf-8")
    (tmp_path / "outside.libsonnet").write_text("{ workers: 7 }", encoding="utf-8")
    name = str(folder / JSONNET)

    def overlay(path: str) -> Thresholds:
        source = f"{{ service: {{ expected_workers: (import '{path}').workers }} }}"
        return load(GOOD, FILE, [(name, source)], import_beside)

    assert overlay("lib/sizes.libsonnet").service.expected_workers == 6
    outside = (tmp_path / "outside.libsonnet").as_posix()
    for path, reason in {
        "../outside.libsonnet": "imports stay in the folder of the file that imports",
        outside: "imports stay in the folder of the file that imports",
        "none.libsonnet": "No such file or directory",
    }.items():
        with pytest.raises(ConfigError, match=reason):
            overlay(path)
