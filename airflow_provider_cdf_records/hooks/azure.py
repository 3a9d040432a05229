"""Access tokens from an Airflow connection of Azure's provider, such as those of a managed identity."""

from __future__ import annotations

import time
from dataclasses import dataclass
from typing import Any

from airflow_provider_cdf_records.client import CdfAuthError, IssuedToken
from airflow_provider_cdf_records.hooks.lookup import find_connection
from airflow_provider_cdf_records.version_compat import AirflowException

MISCONFIGURED = (AirflowException, ImportError, AttributeError, TypeError, ValueError)
REFUSED = range(400, 500)
PASSING = (408, 429)


@dataclass(frozen=True)
class AzureTokens:
    """Issues a token each time it is called.

    :param conn_id: an Airflow connection of type ``azure``, with ``use_azure_identity_object`` in its extras.
    :param scopes: separated by spaces.
    """

    conn_id: str
    scopes: str

    def __call__(self) -> IssuedToken:
        """Return a new token.

        :raises CdfAuthError: quoting Azure's provider.
        """
        try:
            issued = _azure_hook(self.conn_id).get_token(*self.scopes.split())
            return IssuedToken(str(issued.token), float(issued.expires_on) - time.time())
        except Exception as error:
            raise self._failure(error) from None

    def _failure(self, error: Exception) -> CdfAuthError:
        """Return the error to raise. What Azure's library does not say to be final may pass."""
        status = getattr(error, "status_code", None)
        retryable = getattr(error, "retryable", None)
        if retryable is None:
            is_refused = status in REFUSED and status not in PASSING
            retryable = not (isinstance(error, MISCONFIGURED) or is_refused)
        words = " ".join(str(error).split()).rstrip(".")
        return CdfAuthError(
            f"The connection's extra 'azure_conn_id': connection {self.conn_id!r} gave no token: {words}.",
            status=status if isinstance(status, int) else None,
            retryable=retryable,
        )


def _azure_hook(conn_id: str) -> Any:
    """Return the hook of a connection.

    :raises Exception: of any kind, with words that say what is wrong with the connection.
    """
    connection = find_connection(conn_id, "azure_conn_id")
    try:
        hook = connection.get_hook()
    except (AirflowException, ImportError) as error:
        msg = (
            f"the hook of its type {connection.conn_type!r} cannot be loaded ({error}); "
            "pip install 'airflow-provider-cdf-records[azure]'"
        )
        raise ValueError(msg) from None
    if not hasattr(hook, "get_token"):
        msg = f"it must be of type 'azure', got {connection.conn_type!r}"
        raise ValueError(msg)
    return hook
