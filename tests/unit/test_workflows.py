"""The workflows: only documented commands, nothing for strangers to use, the same versions everywhere."""

from __future__ import annotations

import re
import shlex
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest
import typer

from operations.__main__ import app
from rehearsal.engine import build
from rehearsal.tools import REPOSITORY
from tests.workflow_files import (
    ACTIONS,
    GITHUB,
    WORKFLOWS,
    WorkflowStep,
    every_step,
    job_steps,
    jobs,
    read_workflow,
    trigger_events,
)

pytestmark = pytest.mark.unit

PYTHON = ".venv/bin/python"
TESTS = ("make test", "make soak")
PIN = re.compile(r"uses: (?P<action>[\w./-]+)@(?P<commit>[0-9a-f]{40}) # (?P<tag>v\d+\.\d+\.\d+)$")


def documents() -> str:
    """README, CONTRIBUTING and docs."""
    pages = [REPOSITORY / "README.md", REPOSITORY / "CONTRIBUTING.md", *(REPOSITORY / "docs").rglob("*.md")]
    return "\n".join(page.read_text(encoding="utf-8") for page in pages)


def make_words(name: str) -> set[str]:
    text = (REPOSITORY / "Makefile").read_text(encoding="utf-8")
    return set(re.findall(rf"^({name}):.*##", text, re.MULTILINE))


def commands(step: WorkflowStep) -> list[list[str]]:
    """Each command of a step, without pipes and redirections."""
    found = []
    for part in re.split(r"[|\n]", step.run.strip()) if step.run else []:
        command = shlex.split(re.sub(r" (2>&1|[<>] ?\S+)", "", part))
        if command[0] == "xargs":  # which adds options, perhaps none, or a line
            start = command.index(PYTHON)
            command = command[start:] if "--null" in command[:start] else [*command[start:], "$LINE"]
        if command[0] != "tee":
            found.append(command)
    return found


EVERY = [(step, command) for step in every_step() for command in commands(step)]


def find_problem(command: list[str]) -> str | None:
    """Why the command is not documented, None if it is."""
    match command:
        case ["make", word, *_]:
            return None if make_words(word) else f"make has no word {word}"
        case [program, "-m", "operations", word, *rest] if program == PYTHON:
            named = f"python -m operations {word}"
            return parse_operations([word, *rest]) if named in documents() else f"no document has {named}"
        case ["pulumi", word, *options]:
            unknown = [option for option in options if option.startswith("--") and option not in documents()]
            return (
                None if not unknown and f"pulumi {word}" in documents() else f"no document has pulumi {word} {unknown}"
            )
        case ["python", "-m", *_]:
            return None if " ".join(command) in documents() else f"no document has {shlex.join(command)}"
    return f"{command[0]} is not a command of this project"


def parse_operations(arguments: list[str]) -> str | None:
    """The error of `python -m operations` for these arguments, None if it accepts them; runs nothing."""
    command: Any = typer.main.get_command(app)
    name, context = "operations", None
    try:
        while True:
            context = command.make_context(name, list(arguments), parent=context)
            if not hasattr(command, "resolve_command"):
                return None
            name, command, arguments = command.resolve_command(context, [*context._protected_args, *context.args])
    except Exception as error:  # noqa: BLE001  typer's errors of this kind have no public name
        return str(getattr(error, "message", error)) or type(error).__name__


@pytest.mark.parametrize(
    ("step", "command"), EVERY, ids=[f"{step.where}: {' '.join(command)}" for step, command in EVERY]
)
def test_every_command_is_a_word_of_make_or_documented(
    monkeypatch: pytest.MonkeyPatch, step: WorkflowStep, command: list[str]
) -> None:
    monkeypatch.setenv("PULL_REQUEST", "5")
    assert find_problem([word if not word.startswith("$") else "5" for word in command]) is None, step.where


@pytest.mark.parametrize(
    "run",
    [
        "make lintt",
        "curl -sSf https://example.com | sh",
        f"{PYTHON} -m operations revue preview.json",
        f"{PYTHON} -m operations verify --stak prod",
        f"{PYTHON} -m operations github comment review.md --stack prod --pull-request many",
        "pulumi upp --yes",
        "pulumi up --yes --no-such-option",
        "python -m pip install something",
    ],
)
def test_an_undocumented_command_is_found(run: str) -> None:
    step = WorkflowStep(where="", id="", run=run, uses="", given={}, env={}, condition="", may_fail=False)
    assert any(find_problem(command) for command in commands(step))


def test_make_knows_its_words_without_doing_them() -> None:
    called = sorted({command[1] for _, command in EVERY if command[0] == "make"})
    assert {"lint", "test", "rehearse", "setup"} <= set(called)
    done = subprocess.run(["make", "--dry-run", *called], cwd=REPOSITORY, capture_output=True, text=True, check=False)
    assert (done.returncode, done.stderr) == (0, "")


def test_every_action_is_pinned_by_its_commit_and_each_by_the_same_one() -> None:
    pinned: dict[str, set[tuple[str, str]]] = {}
    for file in (*WORKFLOWS, *ACTIONS):
        for line in re.findall(r"uses: .*", file.read_text(encoding="utf-8")):
            if (local := line.removeprefix("uses: ")).startswith("./"):
                assert (REPOSITORY / local).exists(), line
                continue
            pin = PIN.fullmatch(line)
            assert pin, f"{file.name}: {line}"
            pinned.setdefault(pin["action"], set()).add((pin["commit"], pin["tag"]))
    assert len(pinned) >= 4
    assert {action: pins for action, pins in pinned.items() if len(pins) > 1} == {}


def test_permissions_are_none_but_for_what_a_job_needs() -> None:
    granted = {}
    for file in WORKFLOWS:
        assert read_workflow(file)["permissions"] == {}, file.name
        for name, job in jobs(file).items():
            permissions = dict(job["permissions"])
            assert permissions.pop("contents") == "read"
            granted[f"{file.stem}.{name}"] = permissions
    azure = {"id-token": "write"}
    assert {job: rights for job, rights in granted.items() if rights} == {
        "preview.preview": {**azure, "pull-requests": "write"},
        "deploy.stack": azure,
        "deploy-stack.plan": azure,
        "deploy-stack.up": azure,
        "drift.drift": {**azure, "issues": "write"},
        "lab.lab": azure,
        "lab.forgotten": azure,
    }


def test_strangers_cannot_start_a_job_with_rights_and_no_password_is_stored() -> None:
    for file in (*WORKFLOWS, *ACTIONS):
        text = file.read_text(encoding="utf-8")
        assert "secrets" not in text, f"{file.name}: tokens come from GitHub alone"
        assert not re.search(r"pull_request_target|workflow_run|issue_comment", text), file.name
    triggers = {file.stem: trigger_events(file) for file in WORKFLOWS}
    assert {name for name, of in triggers.items() if "pull_request" in of} == {"checks", "preview"}
    fork = "github.event.pull_request.head.repo.full_name == github.repository"
    assert fork in jobs(GITHUB / "workflows/preview.yml")["preview"]["if"]


def test_no_expression_is_part_of_a_command() -> None:
    assert [step.where for step in every_step() if "${{" in step.run] == []


def test_every_job_has_a_time_limit_and_keeps_no_token() -> None:
    for file in WORKFLOWS:
        for name, job in jobs(file).items():
            assert "uses" in job or 0 < job["timeout-minutes"] <= 180, f"{file.stem}.{name}"
    checkouts = [step for step in every_step() if step.uses.startswith("actions/checkout@")]
    assert checkouts
    assert [step.where for step in checkouts if step.given.get("persist-credentials") is not False] == []


def test_an_up_waits_for_an_earlier_one_and_is_not_cancelled() -> None:
    concurrency = jobs(GITHUB / "workflows/deploy.yml")["stack"]["concurrency"]
    assert concurrency == {"group": "stack-${{ matrix.stack }}", "queue": "max", "cancel-in-progress": False}
    up = jobs(GITHUB / "workflows/deploy-stack.yml")["up"]
    assert (up["environment"], up["needs"]) == ("${{ inputs.stack }}", "plan")
    assert up["if"] == "needs.plan.outputs.changes == 'true'"


@pytest.mark.parametrize(
    ("known", "due"),
    [
        pytest.param({"up.outcome": "success"}, True, id="up, then the verification failed"),
        pytest.param({"up.outcome": "failure"}, True, id="failed"),
        pytest.param({"up.outcome": "cancelled"}, True, id="cancelled"),
        pytest.param({"up.outcome": "failure", "up.outputs.refused": "true"}, False, id="refused: made elsewhere"),
        pytest.param({"up.outcome": "skipped"}, False, id="up never started"),
    ],
)
def test_a_lab_is_destroyed_in_every_case_unless_this_run_did_not_create_it(known: dict[str, str], due: bool) -> None:
    last = job_steps("lab", "lab")[-1]
    assert "lab down" in last.run
    assert last.is_due(known, failed=True) is due


def test_expired_labs_go_although_one_could_not_be_read_and_the_job_still_fails() -> None:
    *_, named, last = job_steps("lab", "forgotten")
    assert "lab down" in last.run
    assert last.is_due({}, failed=True)
    assert not named.may_fail
    assert read_workflow(GITHUB / "workflows/lab.yml")["defaults"]["run"]["shell"] == "bash", (
        "GitHub's own has no pipefail"
    )


def test_the_workflows_install_the_engine_that_rehearsals_build() -> None:
    (installed,) = [step.given["pulumi-version"] for step in every_step() if step.uses.startswith("pulumi/actions@")]
    assert f"v{installed}" == build.read_pinned_version()


def test_the_workflows_install_the_command_provider_that_the_program_asks_for() -> None:
    installs = [command for _, command in EVERY if command[:3] == ["pulumi", "plugin", "install"]]
    locked = re.search(r"^pulumi-command==(\S+)", (REPOSITORY / "requirements.txt").read_text(encoding="utf-8"), re.M)
    assert locked
    assert installs == [["pulumi", "plugin", "install", "resource", "command", locked[1]]]


def test_tests_on_github_meet_the_real_host_and_provider_or_the_job_fails() -> None:
    jobs_with_tests = {step.where for step in every_step() if step.run.startswith(TESTS)}
    assert jobs_with_tests == {"checks.test", "soak.soak"}
    for job in jobs_with_tests:
        runs = [step.run for step in every_step() if step.where == job]
        first = next(at for at, run in enumerate(runs) if run.startswith(TESTS))
        assert "make parts OPTIONS=--real" in runs[:first], job


def test_the_check_of_make_lint_finds_what_strangers_could_use(tmp_path: Path) -> None:
    workflow = tmp_path / ".github" / "workflows" / "bad.yml"
    workflow.parent.mkdir(parents=True)
    workflow.write_text(
        "name: bad\non: pull_request_target\njobs:\n  bad:\n    runs-on: ubuntu-latest\n    steps:\n"
        "      - uses: actions/checkout@v6\n      - run: echo ${{ github.event.pull_request.title }}\n",
        encoding="utf-8",
    )
    configuration = ["--config", str(GITHUB / "zizmor.yml")]
    zizmor = [
        str(Path(sys.executable).with_name("zizmor")),
        "--quiet",
        "--offline",
        "--persona=auditor",
        *configuration,
    ]
    found = subprocess.run([*zizmor, str(workflow)], capture_output=True, text=True, check=False)
    assert found.returncode != 0
    for audit in ("template-injection", "unpinned-uses", "dangerous-triggers", "artipacked"):
        assert audit in found.stdout
