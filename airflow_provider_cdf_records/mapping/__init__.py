"""Mappings, which say how a row becomes a record."""

from __future__ import annotations

from airflow_provider_cdf_records.mapping.identities import IdentityMapping, MappedIdentities
from airflow_provider_cdf_records.mapping.row_mapping import RowMapping
from airflow_provider_cdf_records.mapping.schema import ContainerId, Schema, is_definition
from airflow_provider_cdf_records.mapping.spec import MappingSpec, read_mapping

__all__ = [
    "ContainerId",
    "IdentityMapping",
    "MappedIdentities",
    "MappingSpec",
    "RowMapping",
    "Schema",
    "is_definition",
    "read_mapping",
]
