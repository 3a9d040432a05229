"""Reads what CDF tells about a token, and refuses a token that is certain not to work.

CDF tells only what the token may see of itself, and its answer may change in form. So a capability counts as
missing only when the list of them is not empty and all of it can be read: CDF gives that list whole or not at
all. Anything else is not known, and a load goes on.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from enum import Enum
from typing import Any, NamedTuple, TypeGuard

from airflow_provider_cdf_records.records.problems import listed

EVERYWHERE: Mapping[str, Any] = {"allProjects": {}}


class MissingCapabilityError(Exception):
    """The token may not do what the load needs."""

    retryable = False


class Capability(NamedTuple):
    """A right in CDF, such as ``streamRecordsAcl`` and ``WRITE``."""

    acl: str
    action: str

    def __str__(self) -> str:
        return f"{self.acl[0].upper()}{self.acl[1:]}:{self.action}"


class Access(Enum):
    """Whether a token has a capability in the project."""

    PRESENT = "present"
    IN_SOME_SPACES = "only in some spaces"
    NOT_KNOWN = "not known"
    MISSING = "missing"


WRITE_RECORDS = Capability("streamRecordsAcl", "WRITE")
READ_RECORDS = Capability("streamRecordsAcl", "READ")
READ_DATA_MODELS = Capability("dataModelsAcl", "READ")
READ_STREAMS = Capability("streamsAcl", "READ")
CREATE_STREAMS = Capability("streamsAcl", "CREATE")

NEEDED = (WRITE_RECORDS, READ_DATA_MODELS)  # by each verb
OF_INTEREST = (*NEEDED, READ_RECORDS, READ_STREAMS, CREATE_STREAMS)
INCLUDED_IN = {READ_DATA_MODELS: Capability("dataModelsAcl", "WRITE")}  # the second allows the first too


@dataclass(frozen=True)
class TokenAccess:
    """What is known of a token.

    :param project: the CDF project that it is for use in.
    :param subject: whom the identity provider gave it to; ``None`` where CDF does not say.
    :param projects: the projects it is for; ``None`` where CDF does not say, or not in a known form.
    :param capabilities: those of ``OF_INTEREST``.
    """

    project: str
    subject: str | None
    projects: tuple[str, ...] | None
    capabilities: Mapping[Capability, Access]

    def that_are(self, *accesses: Access) -> list[Capability]:
        """Return the capabilities of which this is known."""
        return [capability for capability, access in self.capabilities.items() if access in accesses]

    def refuse_if_useless(self) -> None:
        """Refuse the token if a load with it is certain to fail.

        :raises MissingCapabilityError: naming the projects that it is for, or the capability that it lacks.
        """
        if self.projects is not None and self.project not in self.projects:
            msg = (
                f"The token is good, but not for project {self.project!r}; its projects: "
                f"{listed(self.projects, str)}."
            )
            raise MissingCapabilityError(msg)
        for capability in NEEDED:
            if self.capabilities[capability] is Access.MISSING:
                msg = (
                    f"The token has no {capability} in project {self.project!r}; give it to a group "
                    "that the connection's client is in."
                )
                raise MissingCapabilityError(msg)


def read_token_access(answer: object, project: str) -> TokenAccess:
    """Return what an answer of CDF's ``token/inspect`` tells.

    :param answer: any JSON; ``None`` where CDF refused to answer.
    :param project: the CDF project.
    """
    told = answer if isinstance(answer, dict) else {}
    subject, entries = told.get("subject"), told.get("capabilities")
    grants = [_grants(entry, project) for entry in entries] if isinstance(entries, list) else []
    return TokenAccess(
        project,
        subject if isinstance(subject, str) else None,
        _projects(told.get("projects")),
        {capability: _access(capability, grants) for capability in OF_INTEREST},
    )


def _projects(listed: object) -> tuple[str, ...] | None:
    if not isinstance(listed, list):
        return None
    names = [item.get("projectUrlName") if isinstance(item, dict) else None for item in listed]
    known = tuple(name for name in names if isinstance(name, str))
    return known if known and len(known) == len(names) else None


def _access(capability: Capability, grants: Sequence[Mapping[Capability, Access] | None]) -> Access:
    """Return the most that any entry of a token's capabilities grants."""
    sufficient = {capability, INCLUDED_IN.get(capability)}
    found = {access for grant in grants if grant for held, access in grant.items() if held in sufficient}
    if found:
        return Access.PRESENT if Access.PRESENT in found else Access.IN_SOME_SPACES
    return Access.MISSING if grants and None not in grants else Access.NOT_KNOWN


def _grants(entry: object, project: str) -> dict[Capability, Access] | None:
    """Return what one entry of the capabilities grants in a project; ``None`` where it cannot be read."""
    if not isinstance(entry, dict):
        return None
    acls = {name: acl for name, acl in entry.items() if name.endswith("Acl")}
    is_for_project = _includes(entry.get("projectScope", EVERYWHERE), project)
    if not acls or is_for_project is None:
        return None
    granted: dict[Capability, Access] = {}
    for name, acl in acls.items():
        actions = acl.get("actions") if isinstance(acl, dict) else None
        if not _is_list_of_texts(actions):
            return None
        if is_for_project:
            granted |= dict.fromkeys((Capability(name, action) for action in actions), _extent(acl))
    return granted


def _includes(project_scope: object, project: str) -> bool | None:
    """Tell whether a scope includes a project; ``None`` where it cannot be read."""
    if not isinstance(project_scope, dict):
        return None
    if "allProjects" in project_scope:
        return True
    projects = project_scope.get("projects")
    return project in projects if _is_list_of_texts(projects) else None


def _extent(acl: Mapping[str, Any]) -> Access:
    scope = acl.get("scope")
    is_partial = isinstance(scope, dict) and "spaceIdScope" in scope and "all" not in scope
    return Access.IN_SOME_SPACES if is_partial else Access.PRESENT


def _is_list_of_texts(value: object) -> TypeGuard[list[str]]:
    return isinstance(value, list) and all(isinstance(item, str) for item in value)
