"""Tells what a connection can be used for."""

from __future__ import annotations

from airflow_provider_cdf_records.client import CdfApiError, CdfClient
from airflow_provider_cdf_records.load.preflight import look_at_token
from airflow_provider_cdf_records.load.token_access import Access, MissingCapabilityError, TokenAccess

FORBIDDEN = 403


def report_on(client: CdfClient) -> tuple[bool, str]:
    """Return whether loads may work, as far as is known, and what is known.

    :raises CdfError: when CDF cannot be reached, or refuses the token.
    """
    access = look_at_token(client)
    found = [_who_and_where(client, access), *_capabilities(access)]
    try:
        access.refuse_if_useless()
    except MissingCapabilityError as error:
        return False, " ".join([str(error), *found])
    if access.projects is None:
        found.insert(1, _look_at_streams(client))
    return True, " ".join(found)


def _who_and_where(client: CdfClient, access: TokenAccess) -> str:
    whose = "of an unknown subject" if access.subject is None else f"of {access.subject!r}"
    return f"Project {client.project!r} at {client.base_url}, with a token {whose}."


def _capabilities(access: TokenAccess) -> list[str]:
    return [
        f"{kind.value.capitalize()}: {', '.join(map(str, capabilities))}."
        for kind in Access
        if (capabilities := access.that_are(kind))
    ]


def _look_at_streams(client: CdfClient) -> str:
    """Find out whether the project takes the token, where CDF says nothing about the token itself."""
    try:
        client.get("/streams")
    except CdfApiError as error:
        if error.status != FORBIDDEN:
            raise
        return f"CDF does not say whether the token is for the project; {error}."
    return "CDF does not say which projects the token is for, but shows it this project's streams."
