"""Which errors of SQL Server and Azure SQL stay the same on a retry, by their numbers."""

from __future__ import annotations

FINAL = frozenset(
    {
        # who may do what
        229,  # no right to the object
        230,  # no right to the column
        262,  # no right to do that in the database
        297,  # no right to do that
        300,  # no right to the server
        916,  # the user may not use the database
        4060,  # the database cannot be opened for this login
        4064,  # nor can the default one
        18450,
        18452,  # the login is from a domain that is not trusted
        18456,  # login failed
        18470,  # the account is disabled
        18486,  # the account is locked
        18487,  # the password has expired
        18488,  # the password must be changed
        # what is not there
        201,  # a procedure's parameter
        207,  # a column
        208,  # a table
        911,  # a database
        2812,  # a procedure
        4104,  # a column of a table
        4121,  # a column or function
        4145,  # a condition
        195,  # a function
        # what the statement says
        102,  # syntax
        103,
        104,
        105,
        107,
        108,
        109,
        116,
        120,
        121,
        130,
        137,  # a variable that is not declared
        145,
        147,
        156,  # syntax
        157,
        164,
        170,
        174,
        189,
        205,
        206,
        209,  # ambiguous column
        245,  # conversion of a value
        220,
        232,
        235,
        241,
        242,
        243,
        244,
        248,
        249,
        295,
        306,
        319,
        402,
        421,
        451,
        452,
        468,
        512,  # a subquery returns several rows
        529,
        535,
        1011,
        1013,
        1033,
        1038,
        1046,
        8114,
        8115,
        8116,
        8117,
        8120,
        8121,
        8134,  # division by zero
        8144,
        8145,
        8146,
        8155,
        8156,
        8169,
        9420,
    }
)
# A busy or restarting server, and what Azure SQL says of one that moves, or of too many requests.
PASSING = frozenset(
    {
        64,
        233,
        596,  # the session was killed
        615,
        701,  # memory
        802,
        921,
        926,
        927,
        983,
        1204,
        1205,  # deadlock
        1221,
        1222,  # lock wait timeout
        3635,
        3906,
        3960,  # conflict of snapshots
        3961,
        4221,
        6005,  # shutdown
        8628,
        8645,
        8651,
        9001,
        10053,
        10054,
        10060,
        10061,
        10922,
        10928,
        10929,
        10936,
        14355,
        17142,
        17197,
        18401,
        20041,
        40143,
        40166,
        40197,
        40501,
        40540,
        40544,
        40549,
        40550,
        40551,
        40552,
        40553,
        40613,
        40642,
        42108,
        42109,
        49918,
        49919,
        49920,
    }
)

GONE = frozenset({6104, 6106})  # the session is one's own, or there is none of that number


def is_final_number(number: int | None) -> bool | None:
    """Return whether an error stays the same on a retry; ``None`` where its number does not say."""
    if number in FINAL:
        return True
    return False if number in PASSING else None
