"""The steps of the workflows, run as GitHub's runner does, on a rehearsed stack and a stand-in of GitHub."""

from __future__ import annotations

import json
import subprocess
from collections import Counter
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any

import pytest

from rehearsal.rehearsal import Rehearsal
from rehearsal.tools import REPOSITORY
from tests.engine.conftest import Start, quick
from tests.engine.looks import differences, promised_settings, resolve, scripts_run, servers_dialled
from tests.unit.github_stand_in import TOKEN, GitHubStandIn, github
from tests.workflow_files import WorkflowStep, job_steps

pytestmark = pytest.mark.engine

DOMAIN = "mail-domain.com"
GIVEN = {"github.token": TOKEN, "github.event.number": "5", "github.event.pull_request.body": "No word of the rules."}


class Runner:
    """A runner in the folder of the rehearsed project; `printed`: command of a step -> its output."""

    def __init__(self, rehearsal: Rehearsal, hub: GitHubStandIn, folder: Path) -> None:
        self._rehearsal = rehearsal
        self.summary, self._outputs = folder / "summary.md", folder / "outputs"
        python = rehearsal.stack.project / ".venv" / "bin" / "python"
        python.parent.mkdir(parents=True)
        python.symlink_to(rehearsal.tools.python)
        authority = folder / "authority.pem"
        authority.write_text(rehearsal.certificates.authority_pem, encoding="ascii")
        self._environment = {
            **rehearsal.stack.environment,
            "PYTHONPATH": str(REPOSITORY),
            "STACK": rehearsal.stack.name,
            "NAME": "anna",
            "LAB_OWNER": "anna",
            "GITHUB_API_URL": hub.url,
            "GITHUB_REPOSITORY": "corp/mail",
            "GITHUB_RUN_ID": "77",
            "GITHUB_OUTPUT": str(self._outputs),
            "GITHUB_STEP_SUMMARY": str(self.summary),
            "OPERATIONS_CA": str(authority),
            "OPERATIONS_RESOLVER": f"{rehearsal.private_dns.address}:{rehearsal.private_dns.port}",
        }
        self.printed: dict[str, str] = {}

    def run(self, workflow: str, job: str, **expressions: str) -> bool:
        """Whether the job succeeded. `expressions`: the values of `${{ }}` in a step's env."""
        self._outputs.write_text("", encoding="utf-8")
        known: dict[str, str] = {}
        failed = False
        for step in job_steps(workflow, job):
            if step.run and step.is_due(known, failed=failed):
                succeeded = self._step(step, {**GIVEN, **expressions})
                known[f"{step.id}.outcome"] = "success" if succeeded else "failure"
                known |= {f"{step.id}.outputs.{name}": value for name, value in self.outputs().items()}
                failed = failed or not (succeeded or step.may_fail)
        return not failed

    def outputs(self) -> dict[str, str]:
        lines = self._outputs.read_text(encoding="utf-8").splitlines()
        return {key: value for key, _, value in (line.partition("=") for line in lines)}

    def _step(self, step: WorkflowStep, expressions: Mapping[str, str]) -> bool:
        env = {name: expressions[value.strip("${} ")] for name, value in step.env.items()}
        done = subprocess.run(
            ["bash", "--noprofile", "--norc", "-eo", "pipefail", "-c", step.run],
            cwd=self._rehearsal.stack.project,
            env={**self._environment, **env},
            stdin=subprocess.DEVNULL,
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            text=True,
            timeout=240,
            check=False,
        )
        self.printed[step.run] = done.stdout
        return done.returncode == 0

    def output_of(self, part: str) -> str:
        """The output of the step whose command contains this part."""
        (text,) = [text for run, text in self.printed.items() if part in run]
        return text


@pytest.fixture
def hub() -> Iterator[GitHubStandIn]:
    with github() as kept:
        yield kept


def set_owa_url(address: str) -> Any:
    def edit(config: dict[str, Any]) -> None:
        config["exchange-cas:namespace"]["services"] = {"owa": {"externalUrl": address}}

    return edit


def set_long_ttl(config: dict[str, Any]) -> None:
    """A TTL that is too long for the loss of a server, with a drain that fits it."""
    config["exchange-cas:dns"]["ttlSeconds"] = 600
    config["exchange-cas:rotation"]["drainSeconds"] = 660


def test_a_stack_is_deployed_as_approved_checked_for_drift_and_its_changes_are_reviewed(
    start: Start, hub: GitHubStandIn, tmp_path: Path
) -> None:
    existing = start("existing", quick)
    runner = Runner(existing, hub, tmp_path)

    assert runner.run("deploy-stack", "plan"), runner.printed
    approved = runner.outputs()
    assert approved["changes"] == "true"
    assert f"owa.{DOMAIN}" in runner.summary.read_text(encoding="utf-8")
    existing.stack.change(set_owa_url("https://elsewhere.example/owa"))
    assert not runner.run("deploy-stack", "up", **{"needs.plan.outputs.plan": approved["plan"]})
    assert "not what was approved" in runner.output_of("approved")
    assert servers_dialled(existing) == set()
    existing.stack.change(lambda config: config["exchange-cas:namespace"].pop("services"))
    assert runner.run("deploy-stack", "up", **{"needs.plan.outputs.plan": approved["plan"]}), runner.printed
    assert differences(existing, "ex-cas16-2", promised_settings(DOMAIN)) == {}
    assert resolve(existing.private_dns, f"owa.{DOMAIN}")[0]
    assert runner.run("deploy-stack", "plan")
    assert runner.outputs()["changes"] == "false", "nothing is left to do, so no approval is needed"

    ran = Counter(scripts_run(existing))
    existing.organisation.change("EX-CAS16-2", "owa", "ExternalUrl", "https://old.example/owa")
    (record,) = [id for id in existing.azure.subscription.resources if id.endswith("/A/owa")]
    existing.azure.subscription.delete(record)
    assert runner.run("drift", "drift"), runner.printed
    (issue,) = hub.issues
    assert "https://old.example/owa" in issue["body"]
    assert "pulumi up" in issue["body"], "with the command that repairs it"
    assert "cas-owa-a" in issue["body"]
    assert "no changes were expected" in issue["body"]
    existing.organisation.change("EX-CAS16-2", "owa", "ExternalUrl", f"https://owa.{DOMAIN}/owa")
    assert set(existing.stack.up("--refresh").changed()) == {"cas-owa-a"}
    assert runner.run("drift", "drift"), runner.printed
    assert issue["state"] == "closed"
    looked = {script for _, script in Counter(scripts_run(existing)) - ran}
    assert looked == {"Get-ClientAccessNamespace"}, "a night writes to no server"

    existing.stack.change(set_long_ttl)
    assert not runner.run("preview", "preview"), runner.printed
    assert "ttl-too-long" in runner.output_of("--strict")
    existing.stack.change(set_owa_url("https://elsewhere.example/owa"))
    meant = {"github.event.pull_request.body": "allow: ttl-too-long=a week on the road"}
    assert runner.run("preview", "preview", **meant), runner.printed
    (review,) = hub.on(5)
    assert "https://elsewhere.example/owa" in review
    assert "a week on the road" in review
    everything = [
        *runner.printed.values(),
        *(str(entry) for entry in (*hub.issues, *hub.comments)),
    ]
    for secret in (*existing.file.secrets.values(), TOKEN):
        assert not any(secret in text for text in everything)


def test_a_lab_whose_verification_failed_is_destroyed(start: Start, hub: GitHubStandIn, tmp_path: Path) -> None:
    lab = start("lab", lambda config: config.update({"exchange-cas:configureNamespace": False}))
    stacks = sorted(file.name for file in (lab.stack.project / "stacks").iterdir())
    runner = Runner(lab, hub, tmp_path)
    assert not runner.run("lab", "lab"), "the certificate lacks this lab's names"
    assert "verdict: differences" in runner.output_of("verify --stack"), runner.printed
    assert "lab anna is gone" in runner.output_of("lab down")
    assert lab.left_over() == []
    assert sorted(file.name for file in (lab.stack.project / "stacks").iterdir()) == stacks
    assert runner.run("lab", "forgotten"), runner.printed
    assert "anna" not in runner.output_of("lab expired")


def test_a_lab_made_elsewhere_stays_and_an_unreadable_one_does_not_keep_expired_labs(
    start: Start, hub: GitHubStandIn, tmp_path: Path
) -> None:
    lab = start("lab")
    stacks = lab.stack.project / "stacks"
    runner = Runner(lab, hub, tmp_path)
    lab.stack.run("stack", "init", "lab-anna", "--no-select")
    (stacks / "Pulumi.lab-anna.yaml").unlink()
    assert not runner.run("lab", "lab")
    assert "it was made on another computer" in runner.output_of("lab up")
    assert not any("lab down" in run for run in runner.printed)

    for name, config in (("over", "exchange-cas:tags: {expires: 2020-01-01T00:00Z}"), ("torn", "[")):
        lab.stack.run("stack", "init", f"lab-{name}", "--no-select")
        (stacks / f"Pulumi.lab-{name}.yaml").write_text(f"config:\n  {config}\n", encoding="utf-8")
    assert not runner.run("lab", "forgotten"), "the job fails, so that a person looks"
    assert "lab over is gone" in runner.output_of("lab down")
    left = {row["name"] for row in json.loads(lab.stack.run("stack", "ls", "--json"))}
    assert left == {lab.stack.name, "lab-anna", "lab-torn"}
