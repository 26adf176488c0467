"""Comments and issues of one repository on GitHub, as much of them as the workflows need."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from types import TracebackType
from typing import Any

import httpx

# Whom the token of a workflow speaks for; a marker in anybody else's text is no mark of ours.
AUTHOR = "github-actions[bot]"
SECONDS = 30


class GitHubError(Exception):
    """GitHub could not be asked, or refused; the text holds no token."""


class GitHub:
    """The repository that a workflow runs in. Use it as a context manager."""

    def __init__(self, environment: Mapping[str, str]) -> None:
        """`environment` holds GITHUB_REPOSITORY, GITHUB_TOKEN and, but for github.com, GITHUB_API_URL.

        Raises GitHubError that names all that is missing.
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

    def comment(self, pull_request: int, marker: str, body: str) -> str:
        """The pull request's comment with this marker, written anew in its place or made; its address."""
        mine = self._mine(f"issues/{pull_request}/comments", marker, {})
        if mine:
            return self._write("PATCH", f"issues/comments/{mine['id']}", body=body)
        return self._write("POST", f"issues/{pull_request}/comments", body=body)

    def report(self, title: str, marker: str, body: str) -> str:
        """The open issue with this marker, written anew or opened; its address."""
        mine = self._mine("issues", marker, {"state": "open"})
        if mine:
            return self._write("PATCH", f"issues/{mine['number']}", body=body)
        return self._write("POST", "issues", title=title, body=body)

    def solve(self, marker: str, text: str) -> str | None:
        """Closes the open issue with this marker, with a last comment; its address, None where there is none."""
        mine = self._mine("issues", marker, {"state": "open"})
        if not mine:
            return None
        self._write("POST", f"issues/{mine['number']}/comments", body=text)
        return self._write("PATCH", f"issues/{mine['number']}", state="closed", state_reason="completed")

    def _mine(self, path: str, marker: str, query: Mapping[str, str]) -> dict[str, Any] | None:
        return next(
            (
                entry
                for entry in self._every(path, query)
                if entry["user"]["login"] == AUTHOR
                and (entry["body"] or "").startswith(marker)
                and "pull_request" not in entry  # GitHub lists those among the issues
            ),
            None,
        )

    def _every(self, path: str, query: Mapping[str, str]) -> Iterator[dict[str, Any]]:
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
            raise GitHubError(f"GitHub: {method} {path}: {answer.status_code} {said(answer)}{remedy(answer)}")
        return answer


def said(answer: httpx.Response) -> str:
    try:
        return str(answer.json()["message"])
    except (ValueError, KeyError, TypeError):
        return answer.reason_phrase


def remedy(answer: httpx.Response) -> str:
    if answer.status_code in (403, 404):
        return (
            ". The job needs pull-requests: write (comment) or issues: write (issue), and a fork's token has neither."
        )
    return ""
