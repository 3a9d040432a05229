"""What is held is a few batches, however long the source."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from pathlib import Path

ROOT = Path(__file__).parent.parent.parent
ALLOWED = 60  # MB above what the imported package takes

SINK = """
import asyncio

async def serve(reader, writer):
    while True:
        head = await reader.readuntil(b"\\r\\n\\r\\n")
        length = int(head.lower().split(b"content-length:")[1].split(b"\\r\\n")[0])
        while length:
            length -= len(await reader.read(min(length, 1 << 20)))
        writer.write(b"HTTP/1.1 202 Accepted\\r\\nContent-Length: 2\\r\\n\\r\\n{}")
        await writer.drain()

async def main():
    server = await asyncio.start_server(serve, "127.0.0.1", 0)
    print(server.sockets[0].getsockname()[1], flush=True)
    await server.serve_forever()

asyncio.run(main())
"""
LOAD = """
import json, resource
from airflow_provider_cdf_records.hooks.cdf_records import CdfRecordsHook
from tests.sample_records import STREAM, a_record

def peak():
    return resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024

hook = CdfRecordsHook()
hook.upsert_records(STREAM, [a_record("warm")], check_schema=False)
imported = peak()
rows = (a_record(str(n), number=n, text="some text") for n in range(2_000_000))
summary = hook.upsert_records(STREAM, rows, check_schema=False)
print(json.dumps({"imported": imported, "peak": peak(), "upserted": summary.upserted}))
"""


def test_two_million_records_of_a_generator_take_little_memory() -> None:
    sink = subprocess.Popen([sys.executable, "-c", SINK], stdout=subprocess.PIPE, text=True)
    try:
        assert sink.stdout is not None
        host = f"http://127.0.0.1:{int(sink.stdout.readline())}"
        connection = {"conn_type": "cdf", "host": host, "schema": "p", "extra": {"token": "t"}}
        environment = os.environ | {
            "AIRFLOW_CONN_CDF_DEFAULT": json.dumps(connection),
            "PYTHONPATH": str(ROOT),
        }
        done = subprocess.run(
            [sys.executable, "-c", LOAD], env=environment, capture_output=True, text=True, check=True
        )
    finally:
        sink.kill()
        sink.wait()
        if sink.stdout:
            sink.stdout.close()
    measured = json.loads(done.stdout.splitlines()[-1])
    assert measured["upserted"] == 2_000_000
    assert measured["peak"] - measured["imported"] <= ALLOWED, measured
