"""When to send a request again, and how long to wait before."""

from __future__ import annotations

import logging
from collections.abc import Callable
from typing import Any

from tenacity import RetryCallState, Retrying, retry_if_exception, wait_random_exponential

from airflow_provider_cdf_records.client.config import RetryPolicy
from airflow_provider_cdf_records.client.errors import (
    TOO_MANY_REQUESTS,
    CdfApiError,
    CdfAuthError,
    CdfCancelledError,
    CdfError,
)
from airflow_provider_cdf_records.client.throttle import Throttle

log = logging.getLogger(__name__)

PASSING_STATUSES = frozenset({408, 429, 500, 502, 503, 504})  # worth another attempt


def retrying(policy: RetryPolicy, throttle: Throttle) -> Retrying:
    """Return a ``tenacity`` loop that repeats passing failures, after ``Retry-After`` or a random wait.

    A ``Retry-After`` or a 429 pauses every sender that shares the throttle, not only this one. All threads
    share one loop, since a loop made for each request would leave reference cycles behind that add up. So the
    loop keeps no state of a call: that belongs to its only argument, whose ``throttled`` is counted up.
    """
    jitter = wait_random_exponential(multiplier=policy.base, max=policy.cap)

    def wait(state: RetryCallState) -> float:
        asked = getattr(_error(state), "retry_after", None)
        # Waits of 0 would add up to no `max_wait`, which is all that ends a row of 429s.
        is_endless = not asked and state.attempt_number >= policy.max_attempts
        return float(jitter(state) if asked is None or is_endless else asked)

    def max_attempts(state: RetryCallState) -> int:
        asked = getattr(_error(state), "max_attempts", None)
        return policy.max_attempts if asked is None else min(asked, policy.max_attempts)

    def was_sent_too_often(state: RetryCallState) -> bool:
        if _is_throttled(state) and policy.max_attempts > 1:
            return False  # others may have all of the budget for longer than so many attempts take
        return bool(state.attempt_number - state.args[0].throttled >= max_attempts(state))

    def waited_too_long(state: RetryCallState) -> bool:
        return state.idle_for + state.upcoming_sleep > policy.max_wait

    def before_sleep(state: RetryCallState) -> None:
        error = _error(state)
        is_throttled = _is_throttled(state)
        state.args[0].throttled += is_throttled
        if isinstance(error, CdfApiError | CdfAuthError) and (
            error.status == TOO_MANY_REQUESTS or error.retry_after is not None
        ):
            throttle.throttled(state.upcoming_sleep)
        log.log(
            logging.DEBUG if error.is_reported else logging.WARNING,
            "%s; attempt %d%s, the next in %.1f s.",
            str(error).rstrip("."),
            state.attempt_number,
            "" if is_throttled else f" of {max_attempts(state) + state.args[0].throttled}",
            state.upcoming_sleep,
        )

    return Retrying(
        retry=retry_if_exception(_is_passing),
        stop=_either(was_sent_too_often, waited_too_long),
        wait=wait,
        sleep=throttle.sleep,
        before_sleep=before_sleep,
        reraise=True,
    )


def _is_throttled(state: RetryCallState) -> bool:
    """Whether CDF asked for less; the identity provider, whose budget is no project's, does not count."""
    error = _error(state)
    return isinstance(error, CdfApiError) and error.status == TOO_MANY_REQUESTS


def _is_passing(error: BaseException) -> bool:
    return isinstance(error, CdfError) and error.retryable and not isinstance(error, CdfCancelledError)


def _either(*stops: Callable[[RetryCallState], bool]) -> Callable[[RetryCallState], bool]:
    return lambda state: any(stop(state) for stop in stops)


def _error(state: RetryCallState) -> Any:
    return state.outcome.exception() if state.outcome else None
