"""Comments and issues on GitHub: one of each for a stack, found by their markers; and the comparison of previews."""

from __future__ import annotations

import json
from collections.abc import Iterator
from pathlib import Path

import pytest
from typer.testing import CliRunner, Result

from operations.__main__ import app
from tests.unit.github_stand_in import TOKEN, GitHubStandIn, github

pytestmark = pytest.mark.unit


@pytest.fixture
def hub(monkeypatch: pytest.MonkeyPatch) -> Iterator[GitHubStandIn]:
    with github() as kept:
        monkeypatch.setenv("GITHUB_API_URL", kept.url)
        monkeypatch.setenv("GITHUB_REPOSITORY", "corp/mail")
        monkeypatch.setenv("GITHUB_TOKEN", TOKEN)
        monkeypatch.setenv("GITHUB_SERVER_URL", "https://github.example")
        monkeypatch.setenv("GITHUB_RUN_ID", "77")
        monkeypatch.delenv("GITHUB_OUTPUT", raising=False)
        yield kept


@pytest.fixture
def review(tmp_path: Path) -> Path:
    file = tmp_path / "review.md"
    file.write_text("## prod\n\nnothing changes\n", encoding="utf-8")
    return file


def type_command(*words: str) -> Result:
    return CliRunner().invoke(app, ["github", *words])


def write_review(review: Path, stack: str = "prod") -> Result:
    return type_command("comment", str(review), "--stack", stack, "--pull-request", "5")


def test_a_review_is_one_comment_whose_text_is_replaced(hub: GitHubStandIn, review: Path) -> None:
    for _ in range(120):
        hub.comment(5, "a person's", author="somebody")
    assert write_review(review).exit_code == 0
    review.write_text("## prod\n\none address goes\n", encoding="utf-8")
    again = write_review(review)
    assert (again.exit_code, again.output.strip()) == (0, hub.comments[-1]["html_url"])
    mine = [body for body in hub.on(5) if body != "a person's"]
    assert len(mine) == 1, "it was found on the second page"
    assert "one address goes" in mine[0]
    assert "nothing changes" not in mine[0]
    assert "https://github.example/corp/mail/actions/runs/77" in mine[0]


def test_two_stacks_have_two_comments(hub: GitHubStandIn, review: Path) -> None:
    for stack in ("prod", "prod-north", "prod"):
        assert write_review(review, stack).exit_code == 0
    assert len(hub.on(5)) == 2


def test_a_marker_in_another_persons_text_is_ignored(hub: GitHubStandIn, review: Path) -> None:
    write_review(review)
    copied = hub.comments.pop()["body"]
    theirs = hub.comment(5, copied, author="somebody")
    assert write_review(review).exit_code == 0
    assert len(hub.on(5)) == 2
    assert theirs["body"] == copied


def test_without_a_review_the_comment_says_so(hub: GitHubStandIn, review: Path, tmp_path: Path) -> None:
    write_review(review)
    assert write_review(tmp_path / "none.md").exit_code == 0
    (body,) = hub.on(5)
    assert "no review" in body
    assert "nothing changes" not in body, "the last preview's review is replaced"


def test_drift_has_one_issue_until_it_is_solved_and_then_a_new_one(hub: GitHubStandIn, tmp_path: Path) -> None:
    servers, azure = tmp_path / "servers.txt", tmp_path / "azure.txt"
    servers.write_text("EX02 owa.InternalUrl ```\n@everyone", encoding="utf-8")
    hub.issue("<!-- exchange-cas drift prod -->", pull_request={})
    looks = (str(servers), str(azure))
    assert type_command("issue", *looks, "--stack", "prod").exit_code == 0
    assert type_command("issue", *looks, "--stack", "prod").exit_code == 0
    (issue,) = [issue for issue in hub.issues if issue.get("title") == "Drift: prod"]
    assert "EX02 owa.InternalUrl" in issue["body"]
    assert "````text\nEX02" in issue["body"], "the text cannot close its block"
    assert type_command("issue", *looks, "--stack", "lab", "--solved").output.strip() == "no issue is open"

    assert type_command("issue", *looks, "--stack", "prod", "--solved").exit_code == 0
    assert issue["state"] == "closed"
    assert len(hub.on(issue["number"])) == 1
    assert type_command("issue", *looks, "--stack", "prod").exit_code == 0
    assert [issue["state"] for issue in hub.issues if "title" in issue] == ["closed", "open"]


def test_a_body_never_exceeds_githubs_limit(hub: GitHubStandIn, review: Path, tmp_path: Path) -> None:
    review.write_text("ä" * 70_000, encoding="utf-8")
    assert write_review(review).exit_code == 0
    long = tmp_path / "azure.txt"
    long.write_text("x" * 200_000, encoding="utf-8")
    short = tmp_path / "servers.txt"
    short.write_text("EX01 is fine", encoding="utf-8")
    assert type_command("issue", str(long), str(short), "--stack", "prod").exit_code == 0
    assert "EX01 is fine" in hub.issues[-1]["body"], "the long report leaves room for the other"
    assert "the rest is in the run's log" in hub.issues[-1]["body"]


def test_a_refusal_of_github_is_printed_with_the_remedy_and_without_the_token(
    hub: GitHubStandIn, review: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    hub.refuses = 403
    refused = write_review(review)
    assert refused.exit_code == 2
    assert "403 Resource not accessible by integration. The job needs pull-requests: write" in refused.output
    monkeypatch.setenv("GITHUB_TOKEN", "another")
    unknown = write_review(review)
    assert (unknown.exit_code, "401 Bad credentials" in unknown.output) == (2, True)
    assert TOKEN not in refused.output
    assert "another" not in unknown.output
    monkeypatch.setenv("GITHUB_API_URL", "http://127.0.0.1:1")
    assert write_review(review).exit_code == 2
    monkeypatch.delenv("GITHUB_TOKEN")
    monkeypatch.setenv("GITHUB_REPOSITORY", "")
    both = write_review(review)
    assert (both.exit_code, "GITHUB_REPOSITORY and GITHUB_TOKEN not set" in both.output) == (2, True)


def test_allow_lines_of_a_description_are_passed_on_word_for_word() -> None:
    description = (
        'Renames the site.\r\n\r\nallow: zone-deleted=it\'s "moved" $(id)\r\n  Allow: ttl-too-long = for a week\r\n'
    )
    words = CliRunner().invoke(app, ["github", "allowed"], env={"DESCRIPTION": description}).stdout
    assert words.split("\0") == [
        "--allow",
        'zone-deleted=it\'s "moved" $(id)',
        "--allow",
        "ttl-too-long=for a week",
        "",
    ]
    assert CliRunner().invoke(app, ["github", "allowed"], env={"DESCRIPTION": "we allow: nothing"}).stdout == ""


def step(operation: str, urn: str, **states: object) -> dict[str, object]:
    return {"op": operation, "urn": f"urn:{urn}", **states}


def record(*addresses: str, dependencies: str = "") -> dict[str, object]:
    return {"inputs": {"aRecords": list(addresses)}, "dependencies": [dependencies]}


UPDATE = step("update", "owa", oldState=record("10.0.0.1", "10.0.0.2"), newState=record("10.0.0.1"))
# The engine gives no replaceReasons for a command whose trigger differs.
REPLACED = step("replace", "ex02", oldState=record(), newState=record(), diffReasons=["triggers"])
CREATED = step("create", "zone", newState={"inputs": {"name": "a"}})
SAME = step("same", "ex01", oldState=record(), newState=record())


@pytest.fixture
def outputs(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    file = tmp_path / "outputs"
    monkeypatch.setenv("GITHUB_OUTPUT", str(file))
    return file


def write_preview(folder: Path, *steps: dict[str, object]) -> Path:
    file = folder / "preview.json"
    file.write_text(json.dumps({"steps": steps, "changeSummary": {"same": 1}}), encoding="utf-8")
    return file


@pytest.mark.parametrize(
    ("steps", "answer"),
    [
        ([SAME], "false"),
        ([SAME, step("read", "key")], "false"),
        ([SAME, UPDATE], "true"),
        ([CREATED], "true"),
        ([step("same", "zone", oldState={**record(), "protect": True}, newState=record())], "true"),
        (
            [step("same", "zone", oldState={**record(), "protect": True}, newState={**record(), "protect": True})],
            "false",
        ),
        ([], "false"),
    ],
)
def test_the_next_steps_learn_whether_a_preview_changes_anything(
    tmp_path: Path, outputs: Path, steps: list[dict[str, object]], answer: str
) -> None:
    assert type_command("changes", str(write_preview(tmp_path, *steps))).exit_code == 0
    assert outputs.read_text(encoding="utf-8").splitlines()[0] == f"changes={answer}"


@pytest.mark.parametrize(
    "text",
    [
        "",
        "[]",
        "3",
        "error: no stack",
        '{"steps": []}',
        '{"steps": [{}], "changeSummary": {}}',
        '{"steps": [], "changeSummary": {}, "diagnostics": [{"severity": "error", "message": "no key"}]}',
    ],
)
def test_a_file_without_a_complete_preview_is_refused(tmp_path: Path, outputs: Path, text: str) -> None:
    file = tmp_path / "preview.json"
    file.write_text(text, encoding="utf-8")
    refused = type_command("changes", str(file))
    assert (refused.exit_code, "`pulumi preview --json`" in refused.output) == (2, True)
    assert type_command("changes", str(tmp_path / "none.json")).exit_code == 2
    assert not outputs.exists()


LATER = {
    "in another order": ([REPLACED, SAME, UPDATE, CREATED], True),
    "with other dependencies": (
        [CREATED, REPLACED, {**UPDATE, "newState": record("10.0.0.1", dependencies="urn:group")}],
        True,
    ),
    "another name of what is created": (
        [step("create", "zone", newState={"inputs": {"name": "b"}}), REPLACED, UPDATE],
        False,
    ),
    "another value": ([CREATED, REPLACED, {**UPDATE, "newState": record("10.0.0.2")}], False),
    "another value before": ([CREATED, REPLACED, {**UPDATE, "oldState": record("10.0.0.1", "10.0.0.9")}], False),
    "another operation": ([CREATED, {**REPLACED, "op": "delete"}, UPDATE], False),
    "another reason": ([CREATED, {**REPLACED, "diffReasons": ["connection"]}, UPDATE], False),
    "one reason more": ([CREATED, {**REPLACED, "replaceReasons": ["id"]}, UPDATE], False),
    "another resource": ([step("create", "group"), REPLACED, UPDATE], False),
    "one more": ([CREATED, REPLACED, UPDATE, step("delete", "ex01", oldState=record())], False),
    "one less": ([REPLACED, UPDATE], False),
}


@pytest.mark.parametrize("later", LATER)
def test_only_the_approved_plan_is_deployed(tmp_path: Path, outputs: Path, later: str) -> None:
    type_command("changes", str(write_preview(tmp_path, CREATED, UPDATE, REPLACED)))
    agreed = outputs.read_text(encoding="utf-8").splitlines()[1].removeprefix("plan=")
    steps, is_approved = LATER[later]
    answer = type_command("approved", str(write_preview(tmp_path, *steps)), "--plan", agreed)
    assert (answer.exit_code, "not what was approved" in answer.output) == (0 if is_approved else 1, not is_approved)
