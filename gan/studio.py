"""``python -m gan.studio``: the page of :mod:`gan.export.web` in a browser, served by this machine.

It lies in a temporary folder, which goes when the command ends.
"""

import functools
import webbrowser
from http.server import SimpleHTTPRequestHandler, ThreadingHTTPServer
from os import PathLike
from pathlib import Path
from tempfile import TemporaryDirectory

from omegaconf import DictConfig

from gan.cli.command import command
from gan.error import UserError, require
from gan.terminal import say
from gan.validate import boolean, integer

HOST = "127.0.0.1"  # nobody else reaches it


class Handler(SimpleHTTPRequestHandler):
    """Sends the files of one folder, and writes no line for each."""

    def guess_type(self, path: str | PathLike[str]) -> str:
        """The type of a file; of scripts not the system's, which may be plain text."""
        return "text/javascript" if str(path).endswith(".js") else super().guess_type(path)

    def log_message(self, *_: object) -> None: ...


@command("studio")
def main(cfg: DictConfig) -> None:
    """Write the page, print its address, and serve it until Ctrl-C."""
    port, opens = integer("port", cfg.port, 0, 2**16 - 1), boolean("open", cfg.open)
    require("onnx", "onnxscript", "onnxruntime", extra="onnx")
    with TemporaryDirectory() as folder, _listen(port, Path(folder) / "page") as server:
        say("building the page")
        from gan.export import web  # imports torch, which takes seconds
        from gan.lab import Lab

        web.write_page(Path(folder) / "page", Lab(cfg.ckpt, cfg.reader), cfg)
        address = f"http://{HOST}:{server.server_port}/"
        print(f"{address}: Ctrl-C ends it", flush=True)  # noqa: T201
        if opens:
            webbrowser.open(address)
        try:
            server.serve_forever()
        except KeyboardInterrupt:
            say("ended")


def _listen(port: int, folder: Path) -> ThreadingHTTPServer:
    """A server of ``folder``. Raises UserError for a port that is taken or not allowed."""
    try:
        return ThreadingHTTPServer((HOST, port), functools.partial(Handler, directory=folder))
    except OSError as error:
        raise UserError(
            f"port: {port} cannot be used ({error.strerror}): choose another, or 0 for a free one"
        ) from error


if __name__ == "__main__":
    main()
