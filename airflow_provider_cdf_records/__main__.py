"""``python -m airflow_provider_cdf_records``: the commands ``suggest`` and ``check``."""

from __future__ import annotations

import sys

from airflow_provider_cdf_records.commands.running import main

if __name__ == "__main__":
    sys.exit(main())
