"""Azure's Blob storage (Azurite) and SFTP, each a server of the test process's own."""

from __future__ import annotations

import re
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest

from tests.servers.processes import ROOT, answers, free_port, program, running, server_folder

ACCOUNT = "devstoreaccount1"  # the account that Azurite always has, and its key, which is public
ACCOUNT_KEY = "Eby8vdM02xNOcqFlqUwJPLlmEtlCDXJ1OUzFT50uSRZ6IFsuFq2UVErCz4I6tq/K1SZFPTOtr/KBHBeksoGMGw=="
SFTP_USER, SFTP_PASSWORD = "loader", "the-password-of-sftp"
SFTP_SERVER = """
import asyncio, sys, asyncssh

class Server(asyncssh.SSHServer):
    def password_auth_supported(self):
        return True

    def validate_password(self, username, password):
        return (username, password) == (sys.argv[3], sys.argv[4])

class Folder(asyncssh.SFTPServer):
    def __init__(self, channel):
        super().__init__(channel, chroot=sys.argv[2].encode())

    def open(self, path, pflags, attrs):
        if path.startswith(b"/locked/") and pflags & asyncssh.FXF_WRITE:
            raise asyncssh.SFTPPermissionDenied("Permission denied")
        return super().open(path, pflags, attrs)

def sftp(channel):
    return Folder(channel)

async def serve():
    key = asyncssh.generate_private_key("ssh-ed25519")
    await asyncssh.create_server(
        Server, "127.0.0.1", int(sys.argv[1]), server_host_keys=[key], sftp_factory=sftp, allow_scp=True
    )
    await asyncio.Event().wait()

asyncio.run(serve())
"""


@dataclass
class Azurite:
    """Azure's Blob storage on this machine."""

    port: int
    log: Path

    def requests(self, container: str) -> list[str]:
        """Return the methods and addresses of all requests about a container so far."""
        found = re.findall(rf'"(\w+ /{ACCOUNT}/{container}[/?]\S*) HTTP', self.log.read_text())
        return [str(one) for one in found]

    @property
    def url(self) -> str:
        return f"http://127.0.0.1:{self.port}/{ACCOUNT}"

    def connection_fields(self, **fields: Any) -> dict[str, Any]:
        """Return a connection as Airflow's own hook takes it: an account, its key, and where it is."""
        return {"conn_type": "wasb", "login": ACCOUNT, "password": ACCOUNT_KEY, "host": self.url} | fields

    @property
    def connection_string(self) -> str:
        return (
            f"DefaultEndpointsProtocol=http;AccountName={ACCOUNT};AccountKey={ACCOUNT_KEY};"
            f"BlobEndpoint={self.url};"
        )

    def container(self, name: str) -> Any:
        """Return the official client of a container."""
        from azure.storage.blob import BlobServiceClient

        return BlobServiceClient.from_connection_string(self.connection_string).get_container_client(name)


@dataclass
class SftpServer:
    """A server, whose root is a folder of this machine."""

    port: int
    root: Path

    def connection_fields(self) -> dict[str, Any]:
        extra = {"no_host_key_check": "true"}
        fields: dict[str, Any] = {"conn_type": "sftp", "host": "127.0.0.1", "port": self.port}
        return fields | {"login": SFTP_USER, "password": SFTP_PASSWORD, "extra": extra}


@contextmanager
def azurite_server() -> Iterator[Azurite]:
    with server_folder(None) as folder:
        port = free_port()
        command = [program(str(ROOT / ".servers/node_modules/.bin/azurite-blob"), "azurite-blob")]
        command += ["--inMemoryPersistence", "--blobHost", "127.0.0.1", "--blobPort", str(port)]
        command += ["--skipApiVersionCheck", "--disableTelemetry"]
        with running(command, lambda: answers(port), folder):
            yield Azurite(port, folder / "server.log")


@contextmanager
def sftp_server() -> Iterator[SftpServer]:
    with server_folder(None) as folder:
        root = folder / "root"
        root.mkdir()
        port = free_port()
        command = [sys.executable, "-c", SFTP_SERVER, str(port), str(root), SFTP_USER, SFTP_PASSWORD]
        with running(command, lambda: answers(port), folder):
            yield SftpServer(port, root)


def read_in_small_blocks(monkeypatch: pytest.MonkeyPatch) -> None:
    """Have blobs be asked for 64 kB at a time instead of 50 MB."""
    size = property(lambda _: 1 << 16, lambda *_: None)  # also for file systems that are kept from before
    monkeypatch.setattr("adlfs.AzureBlobFileSystem.blocksize", size, raising=False)
