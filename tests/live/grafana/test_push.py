"""`push`, run as a user runs it, against a fake Grafana."""

from __future__ import annotations

import json
from collections.abc import Iterator
from pathlib import Path

import pytest

from generator.grafana.state import signature
from tests.live.grafana.command import RENDERED, Run, retitle, run, start
from tests.live.grafana.server import EDITOR, VIEWER, Dashboard, FakeGrafana, serving


@pytest.fixture
def grafana() -> Iterator[FakeGrafana]:
    with serving(FakeGrafana()) as found:
        yield found


@pytest.fixture
def push(grafana: FakeGrafana) -> Run:
    return lambda *arguments, **settings: run("push", grafana, *arguments, **settings)


def test_a_first_push_creates_the_folder_and_all_dashboards(grafana: FakeGrafana) -> None:
    done = start("push", grafana)
    assert (done.returncode, done.stderr) == (0, "")
    assert "created folder 'Auditor'" in done.stdout
    assert grafana.folders == {"auditor": "Auditor"}
    assert grafana.dashboards.keys() == RENDERED.keys()
    for uid, rendered in RENDERED.items():
        found = grafana.dashboards[uid]
        assert found.folder == "auditor"
        assert found.data == {**rendered, "id": found.id, "version": 1}
        assert found.versions[0]["message"] == signature(rendered)


@pytest.mark.parametrize("wrapped", [True, False], ids=["since 11.5", "before"])
def test_a_second_push_changes_nothing(grafana: FakeGrafana, push: Run, wrapped: bool) -> None:
    grafana.wrapped = wrapped
    push()
    grafana.requests.clear()
    done = push()
    assert (done.returncode, done.stderr) == (0, "")
    assert done.stdout.splitlines() == [f"{uid}: up to date" for uid in RENDERED]
    assert grafana.written == []


def test_a_dry_run_changes_nothing_and_exits_with_1_if_something_would_change(
    grafana: FakeGrafana, push: Run
) -> None:
    done = push("--dry-run")
    assert done.returncode == 1
    assert "auditor-errors: new" in done.stdout
    assert "4 of 4 dashboards would be saved in 'Auditor'" in done.stdout
    assert grafana.written == []
    push()
    grafana.requests.clear()
    done = push("--dry-run")
    assert (done.returncode, grafana.written) == (0, [])


def test_a_changed_number_is_shown_and_saved_where_it_matters(
    grafana: FakeGrafana, push: Run, tmp_path: Path
) -> None:
    push()
    grafana.requests.clear()
    overlay = tmp_path / "overlay.yaml"
    overlay.write_text("targets: {error_rate: {normal: {acceptable: 2%}}}\n")
    done = push("--overlay", str(overlay))
    assert (done.returncode, done.stderr) == (0, "")
    assert "auditor-errors: outdated\n" in done.stdout
    assert 'panel "Error ratio" (id 100)' in done.stdout
    assert "fieldConfig.defaults.thresholds.steps[2].value: 0.01 -> 0.02" in done.stdout
    assert "saved auditor-errors as version 2" in done.stdout
    saved = done.stdout.count("\nsaved ")
    assert len(grafana.written) == saved < len(RENDERED)
    assert push("--overlay", str(overlay), "--dry-run").returncode == 0


def test_an_edit_is_kept_and_the_rest_is_saved(
    grafana: FakeGrafana, push: Run, tmp_path: Path
) -> None:
    push()
    grafana.edit("auditor-errors", retitle, "clearer")
    overlay = tmp_path / "overlay.yaml"
    overlay.write_text("dashboards: {refresh: 1m}\n")
    done = push("--overlay", str(overlay))
    assert done.returncode == 1
    version = 'version 2 by alice, 2026-01-31T12:00:02Z ("clearer")'
    assert f"auditor-errors: edited in Grafana: {version}" in done.stdout
    assert 'title: "Changed by hand" -> "Verifications by status"' in done.stdout
    assert done.stderr == (
        "auditor-errors was not saved: `pull` shows where the edit belongs in the source; "
        "--force overwrites it\n"
    )
    assert grafana.dashboards["auditor-errors"].data["panels"][1]["title"] == "Changed by hand"
    assert grafana.dashboards["auditor-system"].data["refresh"] == "1m"
    done = push("--overlay", str(overlay), "--force")
    assert (done.returncode, done.stderr) == (0, "")
    assert "saved auditor-errors as version 3" in done.stdout
    assert push("--overlay", str(overlay)).returncode == 0


def test_a_reverted_edit_is_no_edit(grafana: FakeGrafana, push: Run) -> None:
    push()
    original = json.loads(json.dumps(grafana.dashboards["auditor-errors"].data))
    grafana.edit("auditor-errors", retitle)
    grafana.edit("auditor-errors", lambda data: data.update(original), "Restored from version 1")
    done = push()
    assert (done.returncode, done.stderr) == (0, "")


def test_a_migration_by_grafana_is_no_edit(grafana: FakeGrafana, push: Run) -> None:
    """Newer versions convert an older schema when it is read, without saving it."""
    push()
    grafana.dashboards["auditor-errors"].data.update(schemaVersion=42, preload=False, w={"a": 1})
    grafana.requests.clear()
    done = push()
    assert (done.returncode, grafana.written) == (0, [])


def test_manually_imported_dashboards_are_compared(grafana: FakeGrafana, push: Run) -> None:
    push()
    for each in grafana.dashboards.values():
        each.versions[0]["message"] = ""
    assert push().returncode == 0
    retitle(grafana.dashboards["auditor-errors"].data)
    done = push()
    assert done.returncode == 1
    assert "auditor-errors: edited in Grafana" in done.stdout


def test_a_deleted_dashboard_is_saved_again(grafana: FakeGrafana, push: Run) -> None:
    push()
    del grafana.dashboards["auditor-errors"]
    done = push()
    assert done.returncode == 0
    assert "saved auditor-errors as version 1" in done.stdout


def test_an_existing_folder_of_that_title_is_used(grafana: FakeGrafana, push: Run) -> None:
    """Provisioning creates it with its own uid. There may be many folders."""
    grafana.folders = {f"uid{number}": f"Folder {number}" for number in range(1500)}
    grafana.folders["of-provisioning"] = "Auditor"
    assert push().returncode == 0
    assert len(grafana.folders) == 1501
    assert {each.folder for each in grafana.dashboards.values()} == {"of-provisioning"}


@pytest.mark.parametrize(
    ("title", "uid"),
    [
        ("Prüfung & Recht", "pr-fung-recht"),
        ("§", "dashboards"),
        ("A/B " * 15, "a-b-a-b-a-b-a-b-a-b-a-b-a-b-a-b-a-b-a-b"),
    ],
    ids=["letters", "sign", "length"],
)
def test_a_folder_may_have_any_title(grafana: FakeGrafana, push: Run, title: str, uid: str) -> None:
    assert push("--folder", title).returncode == 0
    assert grafana.folders == {uid: title}
    assert push("--folder", title).returncode == 0
    assert len(grafana.folders) == 1


def test_a_moved_dashboard_is_moved_back_only_by_force(grafana: FakeGrafana, push: Run) -> None:
    push()
    grafana.folders["law"] = "Law"
    grafana.dashboards["auditor-errors"].folder = "law"
    done = push()
    assert done.returncode == 1
    assert "auditor-errors: moved: it is in 'Law', not in 'Auditor'" in done.stdout
    assert "auditor-errors was not saved: use --folder 'Law', or --force" in done.stderr
    assert push("--force").returncode == 0
    assert grafana.dashboards["auditor-errors"].folder == "auditor"
    assert push("--folder", "Law", "--force").returncode == 0
    assert {each.folder for each in grafana.dashboards.values()} == {"law"}


def test_a_provisioned_dashboard_is_never_saved(grafana: FakeGrafana, push: Run) -> None:
    push()
    found = grafana.dashboards["auditor-errors"]
    found.file = "errors.json"
    assert push().returncode == 0
    retitle(found.data)
    found.versions[0]["message"] = ""
    for arguments in ((), ("--force",)):
        done = push(*arguments)
        assert done.returncode == 1
        assert "auditor-errors: provisioned from errors.json, which is outdated" in done.stdout
        assert "auditor-errors was not saved: render its file again" in done.stderr
    assert grafana.written.count("/api/dashboards/db") == len(RENDERED)


def test_a_concurrent_save_is_never_overwritten(grafana: FakeGrafana, push: Run) -> None:
    """Not even by force: a push only overwrites what it has shown."""
    push()
    grafana.edit("auditor-errors", retitle)

    def late(_: object) -> bool:
        grafana.edit("auditor-errors", lambda data: data.update(title="Late"))
        return False

    grafana.faults["POST", "/api/dashboards/db"] = late
    done = push("--force")
    assert done.returncode == 2
    assert "somebody saved the dashboard just now; push again to see the change" in done.stderr
    assert grafana.dashboards["auditor-errors"].data["title"] == "Late"


def test_a_grafana_with_a_path() -> None:
    with serving(FakeGrafana(path="/tools/grafana")) as below:
        below.url += "/"
        assert run("push", below).returncode == 0
        assert below.dashboards.keys() == RENDERED.keys()


def test_the_token_can_come_from_a_file(push: Run, tmp_path: Path) -> None:
    (tmp_path / "token").write_text(f"{EDITOR}\n")
    assert push("--token-file", str(tmp_path / "token"), token=VIEWER).returncode == 0


def test_netrc_does_not_replace_the_token(push: Run, tmp_path: Path) -> None:
    (tmp_path / ".netrc").write_text("machine 127.0.0.1 login me password secret\n")
    assert push(HOME=str(tmp_path)).returncode == 0


def test_a_viewer_lacks_permissions(grafana: FakeGrafana, push: Run) -> None:
    done = push(token=VIEWER)
    assert done.returncode == 2
    assert "the token does not allow POST /api/folders" in done.stderr
    assert "it needs folders:create" in done.stderr
    grafana.dashboards["auditor-errors"] = Dashboard(1, "", versions=[{"data": {"version": 1}}])
    done = push(token=VIEWER)
    assert "/versions (You'll need additional permissions" in done.stderr
    assert "it needs dashboards:write" in done.stderr
