"""Which errors of MySQL and MariaDB stay the same on a retry, by their numbers."""

from __future__ import annotations

FINAL = frozenset(
    {
        # who may do what
        1044,  # no right to the database
        1045,  # wrong user or password
        1130,  # the host may not connect
        1142,  # no right to the table
        1143,  # no right to the column
        1227,  # a privilege is missing
        1345,  # no right to EXPLAIN or show
        1370,  # no right to the routine
        1410,  # no right to create users
        1698,  # wrong user or password, without one
        1820,  # the password must be changed
        1862,  # the password has expired
        3118,  # the account is locked
        4151,  # the account is locked (MariaDB)
        # what is not there
        1046,  # no database chosen
        1049,  # unknown database
        1051,  # unknown table
        1054,  # unknown column
        1109,  # unknown table
        1115,  # unknown character set
        1146,  # no such table
        1193,  # unknown system variable
        1273,  # unknown collation
        1298,  # unknown time zone
        1305,  # no such procedure or function
        1356,  # the view refers to what is not there
        1449,  # the definer is not there
        1630,  # no such function
        # what the statement says
        1052,  # ambiguous column
        1055,  # not in GROUP BY
        1056,
        1060,  # two columns of one name
        1064,  # syntax
        1065,  # empty query
        1066,  # two tables of one name
        1111,  # invalid use of a group function
        1120,
        1140,  # columns mixed with group functions
        1149,  # syntax
        1210,  # wrong arguments
        1221,  # wrong use of clauses
        1222,  # UNION of different numbers of columns
        1235,  # not supported
        1241,  # wrong number of columns
        1242,  # a subquery returns several rows
        1247,  # a reference that is not supported
        1248,  # a derived table without an alias
        1267,  # collations that do not go together
        1270,
        1271,
        1318,  # wrong number of arguments of a procedure
        1365,  # division by zero
        1411,  # incorrect value for a function
        1582,  # wrong number of parameters of a function
        1583,
        1584,
        1690,  # out of range
        1292,  # incorrect value
        1366,  # incorrect value
        3141,  # invalid JSON text
        3143,  # invalid JSON path
        # what the client lacks
        2049,  # only the old form of authentication is left
        2059,  # a plugin of authentication cannot be loaded
        2061,  # it failed
    }
)

# Of these, some drivers have classes that other errors of theirs make final.
PASSING = frozenset(
    {
        1040,  # too many connections
        1041,  # out of memory
        1053,  # the server shuts down
        1077,
        1079,
        1129,  # the host is blocked after many errors
        1152,  # a connection was aborted
        1158,  # network
        1159,
        1160,
        1161,
        1184,
        1203,  # too many connections of the user
        1205,  # lock wait timeout
        1213,  # deadlock
        1226,  # a limit of the user
        1290,  # an option such as --read-only
        1317,  # the query was interrupted
        1412,  # the table definition has changed
        1614,
        1637,
        1835,  # malformed packet
        1836,  # read only
        1927,  # the connection was killed
        1969,  # max_statement_time (MariaDB)
        3024,  # max_execution_time
        3168,
        3169,
        4031,  # the client was inactive for too long
    }
)

GONE = frozenset({1094})  # unknown thread id


def is_final_number(number: int | None) -> bool | None:
    """Return whether an error stays the same on a retry; ``None`` where its number does not say."""
    if number in FINAL:
        return True
    if number is not None and (number in PASSING or 2000 <= number < 3000):  # noqa: PLR2004 (of the client)
        return False
    return None
