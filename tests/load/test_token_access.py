"""What the answer of ``token/inspect`` says, and what it does not."""

from __future__ import annotations

from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st
from jsonschema import Draft202012Validator

from airflow_provider_cdf_records.load.token_access import (
    CREATE_STREAMS,
    NEEDED,
    READ_DATA_MODELS,
    READ_RECORDS,
    WRITE_RECORDS,
    Access,
    MissingCapabilityError,
    TokenAccess,
    read_token_access,
)

PROJECT = "project"
SPACES = {"spaceIdScope": {"spaceIds": ["plant"]}}


def an_entry(acl: str, *actions: str, scope: Any = None, **more: Any) -> dict[str, Any]:
    return {acl: {"actions": list(actions), "scope": scope or {"all": {}}}, **more}


GOOD: dict[str, Any] = {
    "subject": "me",
    "projects": [{"projectUrlName": "other", "groups": [1]}, {"projectUrlName": PROJECT, "groups": [2]}],
    "capabilities": [
        an_entry("streamRecordsAcl", "READ", "WRITE", projectScope={"projects": [PROJECT]}),
        an_entry("dataModelsAcl", "READ", projectScope={"allProjects": {}}),
    ],
}
OF_RECORDS, OF_MODELS = GOOD["capabilities"]


def access_of(**changes: Any) -> TokenAccess:
    return read_token_access(GOOD | changes, PROJECT)


def access_to(capability: Any, *capabilities: Any) -> Access:
    return access_of(capabilities=list(capabilities)).capabilities[capability]


def test_a_good_token_has_a_subject_projects_and_what_is_needed() -> None:
    access = access_of()
    assert (access.subject, access.projects) == ("me", ("other", PROJECT))
    assert access.that_are(Access.PRESENT) == [*NEEDED, READ_RECORDS]
    assert access.capabilities[CREATE_STREAMS] is Access.MISSING
    access.refuse_if_useless()


def test_the_right_to_write_data_models_includes_reading_them() -> None:
    assert access_to(READ_DATA_MODELS, an_entry("dataModelsAcl", "WRITE")) is Access.PRESENT


def test_the_right_to_write_records_does_not_include_reading_them() -> None:
    assert access_to(READ_RECORDS, an_entry("streamRecordsAcl", "WRITE")) is Access.MISSING


@pytest.mark.parametrize(
    ("scope", "access"),
    [
        ({"projects": [PROJECT, "other"]}, Access.PRESENT),
        ({"allProjects": {}}, Access.PRESENT),
        ({"projects": ["other"]}, Access.MISSING),
        ({"projects": []}, Access.MISSING),
        ({}, Access.NOT_KNOWN),
        (None, Access.NOT_KNOWN),
        ([PROJECT], Access.NOT_KNOWN),
        ({"projects": PROJECT}, Access.NOT_KNOWN),
        ({"projects": [1]}, Access.NOT_KNOWN),
    ],
)
def test_a_capability_counts_in_the_projects_of_its_scope(scope: Any, access: Access) -> None:
    entry = an_entry("streamRecordsAcl", "WRITE", projectScope=scope)
    assert access_to(WRITE_RECORDS, entry) is access


def test_a_capability_in_some_spaces_is_told_from_one_in_all() -> None:
    partial = an_entry("streamRecordsAcl", "WRITE", scope=SPACES)
    assert access_to(WRITE_RECORDS, partial) is Access.IN_SOME_SPACES
    assert access_to(WRITE_RECORDS, partial, OF_RECORDS, partial) is Access.PRESENT
    access_of(capabilities=[partial, OF_MODELS]).refuse_if_useless()


@pytest.mark.parametrize(
    "odd",
    [
        None,
        1,
        "streamRecordsAcl",
        [],
        {},
        {"projectScope": {"allProjects": {}}},
        {"streamRecordsAcl": None},
        {"streamRecordsAcl": {}},
        {"streamRecordsAcl": {"actions": None}},
        {"streamRecordsAcl": {"actions": {"WRITE": True}}},
        {"streamRecordsAcl": {"actions": [1]}},
    ],
)
def test_nothing_is_missing_from_a_list_that_cannot_be_read_in_full(odd: Any) -> None:
    assert access_to(WRITE_RECORDS, OF_MODELS, odd) is Access.NOT_KNOWN
    assert access_to(WRITE_RECORDS, odd, OF_RECORDS) is Access.PRESENT


@pytest.mark.parametrize("projects", [None, [], [PROJECT], [{}], {}, "p", 1, [{"projectUrlName": "p"}, {}]])
def test_projects_that_are_not_listed_as_usual_are_not_known(projects: Any) -> None:
    access = access_of(projects=projects)
    assert access.projects is None
    access.refuse_if_useless()


NAMES = st.sampled_from(
    [
        *("subject", "projects", "capabilities", "projectUrlName", "projectScope", "allProjects", PROJECT),
        *("other", "streamRecordsAcl", "dataModelsAcl", "actions", "scope", "READ", "WRITE", "spaceIdScope"),
    ]
)
ANY_JSON = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | NAMES | st.text(max_size=3),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(NAMES, inner, max_size=3),
    max_leaves=12,
)


@st.composite
def nearly_good_answers(draw: st.DrawFn) -> Any:
    """A good answer, parts of which are left out or replaced by anything."""
    changes = draw(st.lists(st.integers(0, 40), max_size=4))
    count = 0

    def changed(node: Any) -> Any:
        nonlocal count
        count += 1
        if count in changes:
            return draw(ANY_JSON)
        if isinstance(node, dict):
            return {name: changed(inner) for name, inner in node.items() if draw(st.integers(0, 20))}
        if isinstance(node, list):
            return [changed(inner) for inner in node if draw(st.integers(0, 10))]
        return node

    return changed(GOOD)


PROJECTS_IN_FULL = Draft202012Validator(
    {
        "type": "array",
        "minItems": 1,
        "items": {
            "type": "object",
            "required": ["projectUrlName"],
            "properties": {"projectUrlName": {"type": "string"}},
        },
    }
)
TEXTS = {"type": "array", "items": {"type": "string"}}
PROJECT_SCOPE = {
    "type": "object",
    "anyOf": [
        {"required": ["allProjects"]},
        {"required": ["projects"], "properties": {"projects": TEXTS}},
    ],
}
CAPABILITIES_IN_FULL = Draft202012Validator(
    {
        "type": "array",
        "minItems": 1,
        "items": {
            "type": "object",
            "properties": {"projectScope": PROJECT_SCOPE},
            "patternProperties": {
                "Acl$": {"type": "object", "required": ["actions"], "properties": {"actions": TEXTS}}
            },
            "anyOf": [{"required": [acl]} for acl in ("streamRecordsAcl", "dataModelsAcl")],
        },
    }
)


def lacks(capabilities: list[dict[str, Any]], acl: str, *actions: str) -> bool:
    """Tell whether none of the actions is there for the project."""
    here = [
        entry
        for entry in capabilities
        if "projectScope" not in entry
        or "allProjects" in entry["projectScope"]
        or PROJECT in entry["projectScope"]["projects"]
    ]
    return not any(
        action in entry.get(acl, {"actions": []})["actions"] for entry in here for action in actions
    )


@given(ANY_JSON | nearly_good_answers())
def test_only_an_answer_that_is_in_full_refuses_a_token(answer: Any) -> None:
    try:
        read_token_access(answer, PROJECT).refuse_if_useless()
    except MissingCapabilityError as refusal:
        if "not for project" in str(refusal):
            assert PROJECTS_IN_FULL.is_valid(answer["projects"])
            assert PROJECT not in [item["projectUrlName"] for item in answer["projects"]]
        else:
            capabilities = answer["capabilities"]
            assert CAPABILITIES_IN_FULL.is_valid(capabilities)
            assert lacks(capabilities, "streamRecordsAcl", "WRITE") or lacks(
                capabilities, "dataModelsAcl", "READ", "WRITE"
            )
