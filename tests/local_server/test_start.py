"""What a server imports when it starts."""

from __future__ import annotations

import subprocess
import sys


def test_a_server_without_certificates_does_not_import_what_checks_signatures() -> None:
    code = (
        "import sys, airflow_provider_cdf_records.local_server.running; "
        "print(sorted({'jwt', 'cryptography', 'airflow', 'yaml'} & sys.modules.keys()))"
    )
    printed = subprocess.run([sys.executable, "-c", code], check=True, capture_output=True, text=True)
    assert printed.stdout == "[]\n"
