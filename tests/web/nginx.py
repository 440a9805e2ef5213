"""Debian's nginx with TLS before the server, as a plain user runs it."""

from __future__ import annotations

import shutil
import ssl
import subprocess
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import httpx
import pytest

from acceptance.command_line import soon
from acceptance.worker_process import free_port

NGINX = shutil.which("nginx", path="/usr/sbin:/usr/bin:/usr/local/sbin:/usr/local/bin")
OPENSSL = shutil.which("openssl")

needed = pytest.mark.skipif(
    NGINX is None or OPENSSL is None, reason="needs nginx (of Debian: nginx-light) and openssl"
)

_MAIN = """\
daemon off;
pid {folder}/pid;
error_log {folder}/error.log info;
events {{}}
http {{
    access_log off;
    client_body_temp_path {folder}/body;
    proxy_temp_path {folder}/proxy;
    fastcgi_temp_path {folder}/fastcgi;
    uwsgi_temp_path {folder}/uwsgi;
    scgi_temp_path {folder}/scgi;
{config}
}}
"""


def certificate(folder: Path) -> tuple[Path, Path]:
    """Make a certificate of localhost that signs itself; gives it and its key."""
    made, key = folder / "cert.pem", folder / "key.pem"
    subprocess.run(
        [
            *(str(OPENSSL), "req", "-x509", "-newkey", "rsa:2048", "-nodes", "-days", "2"),
            *("-subj", "/CN=localhost", "-addext", "subjectAltName=DNS:localhost"),
            *("-keyout", str(key), "-out", str(made)),
        ],
        check=True,
        capture_output=True,
    )
    return made, key


@contextmanager
def nginx(folder: Path, config: str) -> Iterator[httpx.Client]:
    """Run nginx with these lines within http; CERTIFICATE, KEY and PORT in them are filled in.

    Gives a client that trusts it.
    """
    folder.mkdir()
    made, key = certificate(folder)
    port = free_port()
    for name, value in {"CERTIFICATE": made, "KEY": key, "PORT": port}.items():
        config = config.replace(name, str(value))
    file = folder / "nginx.conf"
    file.write_text(_MAIN.format(folder=folder, config=config))
    trusting = ssl.create_default_context(cafile=made)
    with (
        subprocess.Popen(
            [str(NGINX), "-p", folder, "-e", folder / "error.log", "-c", file],
            stderr=subprocess.DEVNULL,
        ) as process,
        httpx.Client(base_url=f"https://localhost:{port}", verify=trusting, timeout=240) as client,
    ):
        try:

            def listens() -> bool:
                assert process.poll() is None, (folder / "error.log").read_text()
                try:
                    client.get("/healthz")
                except httpx.ConnectError:
                    return False
                return True

            assert soon(listens)
            yield client
        finally:
            process.terminate()
            process.wait()
