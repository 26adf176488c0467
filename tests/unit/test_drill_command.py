"""`python -m operations drill` as a user types it, while the test stops servers, and ended with Ctrl-C."""

from __future__ import annotations

import json
import os
import re
import signal
import subprocess
import sys
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import dns.resolver
import pytest
from typer.testing import CliRunner, Result

from operations.__main__ import app
from rehearsal import losses
from rehearsal.tools import REPOSITORY
from tests.unit.drill_namespace import PATIENCE, DrillNamespace, wait_until
from tests.unit.servers import AUTODISCOVER, DOMAIN, OWA, PASSWORD, USER

pytestmark = pytest.mark.unit

CLIENTS, BEAT = 4, 0.1
VARIABLE = "EXCHANGE_DRILL_PASSWORD"
SERVED = f"All {CLIENTS} clients are served. Stop a server now."


def command_line(namespace: DrillNamespace, folder: Path) -> list[str]:
    """The command without a report."""
    authority = folder / "authority.pem"
    authority.write_text(namespace.farm.certificates.authority_pem, encoding="ascii")
    there = ("--ca", str(authority), "--port", str(namespace.port), "--resolver", f"127.0.0.1:{namespace.dns.port}")
    whose = ("--mailbox", f"user@{DOMAIN}", "--user", USER, "--clients", str(CLIENTS), "--beat", str(BEAT))
    return ["drill", *whose, *there]


class DrillProcess:
    """Runs the command and reads its standard error."""

    def __init__(
        self,
        namespace: DrillNamespace,
        folder: Path,
        *words: str,
        password: str | None = PASSWORD,
        stdin: int = subprocess.DEVNULL,
    ) -> None:
        self.report = folder / "report.html"
        typed = command_line(namespace, folder)
        environment = {name: value for name, value in os.environ.items() if name != VARIABLE}
        if password is not None:
            environment[VARIABLE] = password
        self.process = subprocess.Popen(
            [sys.executable, "-m", "operations", *typed, "--report", str(self.report), *words],
            cwd=REPOSITORY,
            env=environment,
            stdin=stdin,
            start_new_session=True,  # otherwise the prompt would use the terminal of the test run
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
            text=True,
        )

    def read_until(self, words: str) -> None:
        assert self.process.stderr
        assert any(words in line for line in self.process.stderr), f"it ended without printing: {words}"

    def read_prompt(self, words: str) -> None:
        """Reads until the prompt, which does not end its line."""
        assert self.process.stderr
        printed = ""
        while words not in printed:
            letter = self.process.stderr.read(1)
            assert letter, f"it ended without asking: {printed}"
            printed += letter

    def interrupt(self) -> None:
        self.process.send_signal(signal.SIGINT)

    def end(self) -> tuple[int, str, str]:
        """Exit code, standard output, and the unread rest of standard error."""
        out, err = self.process.communicate(timeout=120)
        assert PASSWORD not in out + err
        assert "Traceback" not in err
        return self.process.returncode, out, err


@pytest.fixture
def typed(namespace: DrillNamespace, tmp_path: Path) -> Iterator[Callable[..., DrillProcess]]:
    """Starts the command; ends what still runs after the test."""
    started: list[DrillProcess] = []

    def start(*words: str, **options: Any) -> DrillProcess:
        started.append(DrillProcess(namespace, tmp_path, *words, **options))
        return started[-1]

    yield start
    for terminal in started:
        terminal.process.kill()
        terminal.process.communicate()


@pytest.fixture
def here(namespace: DrillNamespace, tmp_path: Path) -> Callable[..., Result]:
    """Runs the command in this process, without a terminal."""

    def run(*words: str, password: str | None = PASSWORD) -> Result:
        result = CliRunner().invoke(app, [*command_line(namespace, tmp_path), *words], env={VARIABLE: password})
        assert result.exception is None or isinstance(result.exception, SystemExit)
        assert PASSWORD not in result.output
        return result

    return run


def wait_for_answer(namespace: DrillNamespace, status: int) -> None:
    """Waits until a client of the lost server has had an answer with this status."""
    wait_until(lambda: sum(row.status == status for row in tuple(namespace.lost.https.requests)) > CLIENTS / 2)


def test_a_watch_without_a_loss_ends_with_ctrl_c_a_report_and_figures(typed: Callable[..., DrillProcess]) -> None:
    terminal = typed()
    terminal.read_until(SERVED)
    terminal.interrupt()
    code, out, err = terminal.end()
    assert code == 2
    assert "ended by hand" in err
    assert "nothing was measured" in err
    assert f"report: {terminal.report}" in err.replace("\n", "")
    assert "requests/s" in err
    (row,) = [line for line in out.splitlines() if "as observed" in line]
    assert "within 20 s" in out
    number, noticed, *others = [cell.strip() for cell in row.split("│")[2:6]]
    worst = max(float(seconds) for seconds in re.findall(r"(\d+\.\d+) s", row))
    assert (number, others) == (str(CLIENTS), ["0%", "0%"])
    assert noticed == "0%" or worst >= 2 * BEAT, "only a client that the computer slowed down notices something"
    page = terminal.report.read_text(encoding="utf-8")
    assert page.count("<svg") == 1
    assert DOMAIN in page
    assert PASSWORD not in page


def test_the_drill_ends_once_every_client_is_served_again_and_the_json_says_the_same(
    namespace: DrillNamespace, typed: Callable[..., DrillProcess]
) -> None:
    terminal = typed("--json")
    terminal.read_until(SERVED)
    losses.crash_web_site(namespace.lost)
    code, out, err = terminal.end()
    (result,) = json.loads(out)
    assert (code, result["kept"], "ended by hand" in err) == (0, True, False)
    figures = result["figures"]
    assert (figures["clients"], figures["moved"], figures["unserved"], figures["failed_requests"]) == (4, 2, 0, 0)
    assert {client["after"] for client in result["clients"]} == {"EX02"}
    assert f"{figures['worst']:.2f} s" in terminal.report.read_text(encoding="utf-8"), "the page has the same figure"


def test_after_a_slow_answer_the_watch_continues_until_its_time_is_up(
    namespace: DrillNamespace, typed: Callable[..., DrillProcess]
) -> None:
    seconds = 2
    terminal = typed("--json", "--seconds", str(seconds))
    terminal.read_until(SERVED)
    namespace.slow_once(0.7)
    code, out, err = terminal.end()
    (result,) = json.loads(out)
    assert result["seconds"] >= seconds
    assert result["figures"]["worst"] > 0.5, "one client waited for it"
    assert code == 2
    assert "nothing was measured" in err


def test_ctrl_c_while_clients_are_not_served_misses_the_budget(
    namespace: DrillNamespace, typed: Callable[..., DrillProcess]
) -> None:
    terminal = typed("--json")
    terminal.read_until(SERVED)
    losses.make_unavailable(namespace.lost, namespace.farm.organisation)
    wait_for_answer(namespace, 503)
    terminal.interrupt()
    code, out, err = terminal.end()
    (result,) = json.loads(out)
    assert (code, result["kept"], "ended by hand" in err) == (1, False, True)
    assert result["figures"]["failed_requests"] > 0
    assert result["figures"]["unserved"] > 0


def test_the_drill_ends_when_its_time_is_up_and_a_missed_budget_is_exit_code_1(here: Callable[..., Result]) -> None:
    ended = here("--seconds", "1", "--budget", "0.01", "--json")
    (result,) = json.loads(ended.stdout)
    assert (ended.exit_code, result["kept"]) == (1, False)
    assert 1 <= result["seconds"] < PATIENCE, "without the option it would be 120"


def test_ctrl_c_before_clients_are_served_prints_nothing(
    namespace: DrillNamespace, typed: Callable[..., DrillProcess]
) -> None:
    for server in (namespace.lost, namespace.other):
        losses.silence_server(server)
    terminal = typed()
    wait_until(lambda: bool(namespace.dns.queries))
    terminal.interrupt()
    assert terminal.end() == (130, "", "")
    assert not terminal.report.exists()


def test_ctrl_c_at_the_password_prompt_ends_with_130(
    typed: Callable[..., DrillProcess],
) -> None:
    keyboard, stdin = os.openpty()
    try:
        terminal = typed(password=None, stdin=stdin)
        terminal.read_prompt("Password:")
        terminal.interrupt()
        code, out, _ = terminal.end()
    finally:
        os.close(keyboard)
        os.close(stdin)
    assert (code, out) == (130, "")


def test_autodiscover_can_have_another_name_than_the_mailbox_implies(
    namespace: DrillNamespace, typed: Callable[..., DrillProcess]
) -> None:
    terminal = typed("--mailbox", "user@elsewhere.example", "--autodiscover", AUTODISCOVER)
    terminal.read_until(SERVED)
    terminal.interrupt()
    assert terminal.end()[0] == 2
    assert {query.name for query in namespace.dns.queries} == {AUTODISCOVER, OWA}


@pytest.mark.parametrize(("retransmissions", "timer"), [(2, 7.0), (4, 21.0), (6, 123.0)])
def test_the_connect_timer_follows_from_the_retransmissions(
    here: Callable[..., Result], retransmissions: int, timer: float
) -> None:
    watch = ("--clients", "1", "--seconds", "1", "--json")
    ended = here("--max-syn-retransmissions", str(retransmissions), *watch)
    (result,) = json.loads(ended.stdout)
    assert result["connectTimerSeconds"] == timer


@pytest.mark.parametrize("password", [None, ""])
def test_without_a_password_and_a_terminal_no_drill_starts(here: Callable[..., Result], password: str | None) -> None:
    ended = here(password=password)
    assert (ended.exit_code, ended.stdout) == (2, "")
    assert "EXCHANGE_DRILL_PASSWORD: set this variable" in ended.stderr


@pytest.mark.parametrize(
    ("words", "reason"),
    [
        (("--max-syn-retransmissions", "3"), "only 2, 4 and 6 were measured"),
        (("--mailbox", "someone"), "--mailbox: someone is not a mail address"),
        (("--mailbox", "me@a b"), "--mailbox: autodiscover.a b, whose host cannot be looked up."),
        (("--autodiscover", "https://a/"), "--autodiscover: https://a/, whose host cannot be looked up."),
        (("--ca", "/nowhere.pem"), "--ca /nowhere.pem: No such file"),
        (("--resolver", "a:b:c"), "write HOST or HOST:PORT"),
        (("--resolver", "dns.mail-domain.com"), "--resolver dns.mail-domain.com: write its IP address"),
        (("--report", "/nowhere/report.html"), "--report /nowhere/report.html: No such file"),
    ],
)
def test_an_invalid_option_is_one_clear_error(here: Callable[..., Result], words: tuple[str, ...], reason: str) -> None:
    ended = here(*words)
    assert (ended.exit_code, ended.stdout) == (2, "")
    assert reason in " ".join(ended.stderr.replace("│", " ").split())


def test_without_a_known_name_server_the_error_names_the_option(
    here: Callable[..., Result], monkeypatch: pytest.MonkeyPatch
) -> None:
    def none(*_: object) -> None:
        raise dns.resolver.NoResolverConfiguration

    monkeypatch.setattr("operations.drill.outlook.transport._create_resolver", none)
    ended = here()
    assert (ended.exit_code, ended.stdout) == (2, "")
    assert ended.stderr.endswith("Name one: --resolver.\n")


def test_a_refused_account_is_tried_once_for_all_clients(
    namespace: DrillNamespace, typed: Callable[..., DrillProcess]
) -> None:
    terminal = typed(password="a wrong one")  # noqa: S106 - opens nothing
    code, _, err = terminal.end()
    assert code == 2
    assert "401" in err
    sites = (namespace.lost.https, namespace.other.https)
    tried = [row for site in sites for row in site.requests if row.path.startswith("/autodiscover")]
    assert [row.status for row in tried] == [401, 401], "asked without the password, then with it, once"
