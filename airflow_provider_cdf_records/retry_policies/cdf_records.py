"""A retry policy that goes by what CDF says of a failure."""

from __future__ import annotations

from datetime import timedelta
from typing import TYPE_CHECKING, Any

from airflow_provider_cdf_records.version_compat import AirflowException

if TYPE_CHECKING:
    from airflow.sdk.definitions.retry_policy import RetryDecision, RetryPolicy

    HAS_POLICIES = True
else:
    try:
        from airflow.sdk.definitions.retry_policy import RetryDecision, RetryPolicy

        HAS_POLICIES = True
    except ImportError:  # before Airflow 3.3
        RetryPolicy, HAS_POLICIES = object, False

OURS = __name__.partition(".")[0]


class CdfRetryPolicy(RetryPolicy):
    """Retries what may pass, when CDF says that it may.

    .. code-block:: python

        @task(retries=5, retry_delay=timedelta(minutes=5), retry_policy=CdfRetryPolicy())
        def clean_up():
            with CdfRecordsHook().get_conn() as cdf:
                cdf.post("/streams/delete", {"items": [{"externalId": "old"}]})

    A failure that no retry can mend fails the task at once, also one that a client of the hook raises in a
    task of your own. Where CDF or the identity provider asked to wait (``Retry-After``), the next try begins
    after that time, and not after the task's ``retry_delay``. Other failures that may pass, and those that
    are not of CDF, follow the task's own settings. A task has no more retries than without a policy.

    :param longest_wait: the next try begins after this time at most, or after the task's ``max_retry_delay``
        where it has one.
    """

    def __init__(self, *, longest_wait: timedelta = timedelta(hours=1)) -> None:
        if not HAS_POLICIES:
            msg = "CdfRetryPolicy needs Airflow 3.3 or later. Leave retry_policy out on older ones."
            raise ValueError(msg)
        if not isinstance(longest_wait, timedelta) or longest_wait <= timedelta(0):
            msg = f"longest_wait must be a timedelta above 0, got {longest_wait!r}."
            raise ValueError(msg)
        self.longest_wait = longest_wait

    def evaluate(
        self,
        exception: BaseException,
        try_number: int,  # noqa: ARG002
        max_tries: int,  # noqa: ARG002
        context: Any = None,
    ) -> RetryDecision:
        """Decide what a failure means for the task."""
        retryable = getattr(exception, "retryable", None) if _is_known(exception) else None
        if retryable is None:
            return RetryDecision.default()
        if not retryable:
            return RetryDecision.fail("Trying again cannot help.")
        asked = getattr(exception, "retry_after", None)
        if asked is None:
            return RetryDecision.default()
        longest = getattr((context or {}).get("task"), "max_retry_delay", None) or self.longest_wait
        bound = longest if isinstance(longest, timedelta) else timedelta(seconds=longest)
        wait = min(timedelta(seconds=asked), bound)
        reason = f"Asked to wait {asked:g} s (Retry-After)"
        reason += "." if wait.total_seconds() == asked else f"; bounded to {wait.total_seconds():g} s."
        return RetryDecision.retry(wait, reason)

    def serialize(self) -> dict[str, Any]:
        """Return the policy as plain JSON."""
        return {"longest_wait": self.longest_wait.total_seconds()}

    @classmethod
    def deserialize(cls, data: dict[str, Any]) -> CdfRetryPolicy:
        """Return the policy that :meth:`serialize` returned the JSON of."""
        return cls(longest_wait=timedelta(seconds=data["longest_wait"]))


def _is_known(exception: BaseException) -> bool:
    """Whether ``retryable`` of an exception is ours: others use that word, too."""
    return isinstance(exception, AirflowException) or type(exception).__module__.partition(".")[0] == OURS
