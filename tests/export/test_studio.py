"""The page, served by this machine until Ctrl-C."""

import os
import signal
import socket
import subprocess
import sys
import urllib.error
import urllib.request
from pathlib import Path

import pytest
from conftest import complaint

from gan import studio
from gan.export import web

PRETENDED = """
import signal
signal.signal(signal.SIGINT, signal.default_int_handler)  # a shell in the background ignores it
from gan.export import steered
steered.to_onnx = lambda *_: {"steered": b"a model", "finish": b"another"}
from gan.studio import main
main()
"""


def test_the_page_is_served_to_this_machine_until_ctrl_c(tmp_path: Path) -> None:
    for name in (web.MODULE, web.WASM):
        (path := tmp_path / "runtime" / name).parent.mkdir(parents=True, exist_ok=True)
        path.write_bytes(b"runs")
    (tmp_path / "secret").write_text("mine")
    words = [sys.executable, "-c", PRETENDED, "open=false", f"page.runtime={tmp_path / 'runtime'}", "page.title=Ours"]
    env = os.environ | {"TMPDIR": str(tmp_path)}
    with subprocess.Popen(words, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True, env=env) as running:
        assert running.stdout is not None
        address = running.stdout.readline().partition(": Ctrl-C")[0]
        assert address.startswith("http://127.0.0.1:")
        with urllib.request.urlopen(address) as page:
            assert b'id="pad"' in page.read()
        with urllib.request.urlopen(f"{address}model.js") as model:
            assert model.headers["Content-Type"] == "text/javascript"
            assert b'"title": "Ours"' in model.read()
        with pytest.raises(urllib.error.HTTPError, match="404") as refused:
            urllib.request.urlopen(f"{address}../../secret")
        refused.value.close()
        running.send_signal(signal.SIGINT)
        try:
            assert running.communicate(timeout=60)[1].endswith("ended\n")
        finally:
            running.kill()
    assert running.returncode == 0
    assert not list(tmp_path.glob("tmp*"))


def test_a_port_that_is_taken_is_one_line() -> None:
    with socket.socket() as other:
        other.bind((studio.HOST, 0))
        other.listen()
        port = other.getsockname()[1]
        said = complaint(studio.main, f"port={port}", "open=false")
    assert said == f"error: port: {port} cannot be used (Address already in use): choose another, or 0 for a free one"
    assert complaint(studio.main, "port=-1") == "error: port must be a whole number from 0 to 65,535, got -1"
