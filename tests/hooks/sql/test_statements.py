"""More than one statement is refused; semicolons in texts, names and comments are none of its business."""

from __future__ import annotations

import sqlite3

import pytest

from airflow_provider_cdf_records.hooks.databases.statements import second_statement
from airflow_provider_cdf_records.version_compat import AirflowFailException
from tests.hooks.sql.test_sqlite import operator
from tests.local_cdf import LocalCdf

ONE = [
    "SELECT 1",
    "SELECT 1;",
    "SELECT 1 ; ; \n",
    "SELECT 1; -- done; SELECT 2",
    "SELECT 1 /* ; */; /* SELECT 2 */\n",
    "SELECT ';'",
    "SELECT 'it''s; x'",
    r"SELECT 'a\' AS x, 'b;c' AS y",  # all but MySQL
    r"SELECT 'a\'; b' AS x",  # MySQL
    r"SELECT E'a\'; b' AS x, 'C:\' AS y",  # PostgreSQL
    'SELECT "a;b", "c""; d"',
    "SELECT `a;b`",  # MySQL
    "SELECT [a;b] FROM t",  # SQL Server
    "SELECT ARRAY['a;b', ']'], a[1]",
    "SELECT $$a;b$$, $t$a;$$b$t$",
    "SELECT /* /* ; */ ; */ 1",
    "SELECT 1 # it's; x\n",  # MySQL
    "SELECT q'[it's;]', nq'!a;'b!' FROM dual",  # Oracle
    "SELECT data #>> '{a;b}' FROM t",
    "SELECT a -- it's; x\n FROM t",
    "SELECT 'no end; SELECT 2",  # the database says what is wrong with it
    "",
]
MORE = [
    ("SELECT 1; SELECT 2", "SELECT 2"),
    ("SELECT 1;\n\n-- and\nSELECT\n  2;", "SELECT 2;"),
    ("SELECT ';' ; DELETE FROM t", "DELETE FROM t"),
    ("SELECT begin, end FROM t; SELECT 2", "SELECT 2"),
    ("SELECT a -- it's\n; SELECT 2", "SELECT 2"),
    (r"SELECT 'C:\' AS path; SELECT 2", "SELECT 2"),
    ("SELECT $t$a;b$t$; SELECT 2", "SELECT 2"),
    ("SELECT a #>> '{b}' FROM t; SELECT 'x'", "SELECT 'x'"),
    ("SELECT 1; (SELECT 2)", "(SELECT 2)"),
    ("SELECT 1; 'x'", "'x'"),
]


@pytest.mark.parametrize("sql", ONE)
def test_one_statement_is_one(sql: str) -> None:
    assert second_statement(sql) is None


@pytest.mark.parametrize(("sql", "second"), MORE)
def test_a_second_statement_is_found(sql: str, second: str) -> None:
    assert second_statement(sql) == second


def test_more_than_one_statement_fails_the_task_for_good(cdf: LocalCdf, sqlite: sqlite3.Connection) -> None:
    message = r"sql must be one SELECT, but another statement follows the first one's semicolon: 'SELECT 2"
    with pytest.raises(AirflowFailException, match=message):
        operator("SELECT 1 AS id, 2 AS number; SELECT 2").execute({})


def test_a_semicolon_at_the_end_is_allowed(cdf: LocalCdf, sqlite: sqlite3.Connection) -> None:
    operator("SELECT ';' AS id, 2 AS number; -- the end; really").execute({})
    assert cdf.held() == {";": {"number": 2}}
