"""The index for the dependencies of a set: which of those in order answers for what is needed."""

from __future__ import annotations

import time
from collections.abc import Sequence

from conda.base.context import context

from ...index.wheels import pages
from ...index.wheels.pages import Address, NoIndex
from ...index.wheels.read import Body, read_pages
from ...mirrors.registry import Route
from ...mirrors.urls import host_of
from ...models import Notice
from ...text.sanitize import safe
from .. import failures
from ..answers import Answer
from ..failures import Failure
from .reader import answer_of

#: Projects that an index for the dependencies of torch has, to ask for if those are not known.
_USUAL = ("pip", "typing-extensions", "numpy")
#: Most projects to ask an index for before it counts as one that has nothing.
_PROJECTS = 5


def first_answering(
    indexes: Sequence[Route], projects: Sequence[str] | None
) -> tuple[Route, tuple[Notice, ...]]:
    """The first index that answers for these projects, and notices on those that do not. `projects`
    are those that are needed, None if they are not known.

    The last index is not probed: if it fails, pip reports that.
    """
    notices: list[Notice] = []
    for at, route in enumerate(indexes[:-1]):
        failure = _failure(route, projects)
        if failure is None:
            return route, tuple(notices)
        notices += failures.left(failure, [indexes[at + 1]])
    return indexes[-1], tuple(notices)


def _failure(route: Route, projects: Sequence[str] | None) -> Failure | None:
    """The failure of an index; None if it has the page of any of the projects. Makes one request in
    most cases.

    An index may be curated, so lacking the first is no failure. PyPI's own index is not asked,
    because only pip knows its address.
    """
    if not route.url or context.offline:
        return None
    failure = None
    for project in (_USUAL if projects is None else projects)[:_PROJECTS]:
        answer = _answer(route, project)
        if answer is None:
            return None
        failure = failures.from_answer(route, answer)
        if answer.code != "not_found":
            break
    return failure


def _answer(route: Route, project: str) -> Answer | None:
    """What is wrong with the page of a project on an index, None if nothing is."""
    url = f"{route.url.rstrip('/')}/{project}/"
    (body,) = read_pages([url], frozenset({host_of(url)})).values()
    answer = Answer(safe(url), "html", host=host_of(url), at=time.time())
    if not isinstance(body, Body):
        return answer_of(answer, body)
    try:
        pages.parse(body.content, Address(body.url), body.media_type)
    except NoIndex:
        return answer
    return None
