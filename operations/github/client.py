"""GitHub's REST API for comments and issues of one repository."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from types import TracebackType
from typing import Any

import httpx

# The account of a workflow's token. Markers in other accounts' texts are copies: ignore them.
AUTHOR = "github-actions[bot]"
SECONDS = 30


class GitHubError(Exception):
    """GitHub did not answer, or refused; the text never holds the token."""


class GitHub:
    """The repository that a workflow runs in. Use it as a context manager."""

    def __init__(self, environment: Mapping[str, str]) -> None:
        """Reads GITHUB_REPOSITORY, GITHUB_TOKEN and, except on github.com, GITHUB_API_URL.

        Raises GitHubError that names every missing variable.
        """
        missing = [key for key in ("GITHUB_REPOSITORY", "GITHUB_TOKEN") if not environment.get(key)]
        if missing:
            raise GitHubError(f"{' and '.join(missing)} not set: run this in a workflow, with the token in its env.")
        self._client = httpx.Client(
            base_url=f"{environment.get('GITHUB_API_URL') or 'https://api.github.com'}"
            f"/repos/{environment['GITHUB_REPOSITORY']}/",
            headers={
                "Authorization": f"Bearer {environment['GITHUB_TOKEN']}",
                "Accept": "application/vnd.github+json",
                "X-GitHub-Api-Version": "2022-11-28",
            },
            timeout=SECONDS,
        )

    def __enter__(self) -> GitHub:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._client.close()

    def write_comment(self, pull_request: int, marker: str, body: str) -> str:
        """Replaces the pull request's comment that starts with the marker, or adds one; returns its URL."""
        mine = self._find(f"issues/{pull_request}/comments", marker, {})
        if mine:
            return self._write("PATCH", f"issues/comments/{mine['id']}", body=body)
        return self._write("POST", f"issues/{pull_request}/comments", body=body)

    def write_issue(self, title: str, marker: str, body: str) -> str:
        """Replaces the text of the open issue that starts with the marker, or opens one; returns its URL."""
        mine = self._find("issues", marker, {"state": "open"})
        if mine:
            return self._write("PATCH", f"issues/{mine['number']}", body=body)
        return self._write("POST", "issues", title=title, body=body)

    def close_issue(self, marker: str, comment: str) -> str | None:
        """Closes the open issue that starts with the marker; returns its URL, None where no issue is open."""
        mine = self._find("issues", marker, {"state": "open"})
        if not mine:
            return None
        self._write("POST", f"issues/{mine['number']}/comments", body=comment)
        return self._write("PATCH", f"issues/{mine['number']}", state="closed", state_reason="completed")

    def _find(self, path: str, marker: str, query: Mapping[str, str]) -> dict[str, Any] | None:
        return next(
            (
                entry
                for entry in self._list(path, query)
                if entry["user"]["login"] == AUTHOR
                and (entry["body"] or "").startswith(marker)
                and "pull_request" not in entry  # GitHub lists pull requests among the issues
            ),
            None,
        )

    def _list(self, path: str, query: Mapping[str, str]) -> Iterator[dict[str, Any]]:
        answer = self._ask("GET", path, params={**query, "per_page": "100"})
        while True:
            yield from answer.json()
            following = answer.links.get("next")
            if not following:
                return
            answer = self._ask("GET", following["url"])

    def _write(self, method: str, path: str, **content: str) -> str:
        return str(self._ask(method, path, json=content).json()["html_url"])

    def _ask(self, method: str, path: str, **request: Any) -> httpx.Response:
        try:
            answer = self._client.request(method, path, **request)
        except httpx.HTTPError as error:
            raise GitHubError(f"GitHub: {method} {path}: {type(error).__name__}: {error}") from None
        if not answer.is_success:
            raise GitHubError(
                f"GitHub: {method} {path}: {answer.status_code} {read_message(answer)}{remedy_for(answer)}"
            )
        return answer


def read_message(answer: httpx.Response) -> str:
    try:
        return str(answer.json()["message"])
    except (ValueError, KeyError, TypeError):
        return answer.reason_phrase


def remedy_for(answer: httpx.Response) -> str:
    if answer.status_code in (403, 404):
        return ". The job needs pull-requests: write (comment) or issues: write (issue); a fork's token has neither."
    return ""
