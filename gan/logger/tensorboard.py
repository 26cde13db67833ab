"""TensorBoard: it opens on FID, samples and losses; everything else is one click away."""

import re
import shlex
from collections.abc import Mapping
from math import isfinite
from typing import Any

from tensorboard.compat.proto.event_pb2 import Event, SessionLog
from tensorboard.plugins.hparams.plugin_data_pb2 import HParamsPluginData
from torch import Tensor
from torch.utils.tensorboard import SummaryWriter
from torch.utils.tensorboard.summary import hparams

from gan.logger.board import Board, Figures, Settings, to_table

Layout = dict[str, dict[str, list[str | list[str]]]]
GROUPS = {"loss": "loss", "logit": "output", "speed": "speed"}


class TensorBoard(Board):
    """Writes ``events.out.tfevents...`` into a training's folder.

    Tags decide what is seen first: TensorBoard sorts groups and opens the first two. These are
    ``evaluation``, the objective and the samples, and ``loss``.
    """

    objective = ""

    @property
    def best(self) -> str:
        """The tag of the best value of the objective."""
        return f"scores/best {self.objective.partition('/')[2]}"

    def open(self, images: int, settings: Mapping[str, Any]) -> None:
        self.writer = SummaryWriter(str(self.folder))
        if images:  # TensorBoard then drops what lies behind
            start = Event(session_log=SessionLog(status=SessionLog.START))
            self.writer._get_file_writer().add_event(start, images + 1)
        if settings:
            config = settings["config"]
            self.objective = config["objective"]
            scores = [f"val{config['data']['tag']}/{name}" for name in config["metric"]]
            self.writer.add_custom_scalars(self._layout(scores))
            self._show_settings(*to_table(settings))
            self.add_text("command", f"`{shlex.join(['python', 'train.py', *settings['overrides']])}`")

    def tag(self, figure: str) -> str:
        """The tag of a figure: ``real images/fid_digits_usps`` of ``val_usps/fid_digits_floor``."""
        group, _, name = figure.partition("/")
        if not group.startswith("val"):
            return f"{GROUPS.get(group, 'schedule')}/{name or group}"
        if name.endswith("_floor"):
            return f"real images/{name.removesuffix('_floor')}{group.removeprefix('val')}"
        return f"{'evaluation' if figure == self.objective else 'scores'}/{name}{group.removeprefix('val')}"

    def _layout(self, scores: list[str]) -> Layout:
        """The charts of several curves: each score with its floor, and the two players."""

        def chart(*figures: str) -> list[str | list[str]]:
            return ["Multiline", [f"^{re.escape(self.tag(figure))}$" for figure in figures]]

        scores.sort(key=lambda name: name != self.objective)
        floors = {f"{name.partition('/')[2]} with its floor": chart(name, f"{name}_floor") for name in scores}
        players = {
            "losses": chart("loss/discriminator", "loss/generator", "loss/penalty"),
            "mean logits": chart("logit/real", "logit/fake"),
        }
        return {"scores": floors, "players": players}

    def _show_settings(self, typed: Settings, main: Settings) -> None:
        """Fill the tab HParams; what was typed comes first."""
        experiment, *session = hparams(typed | main, {self.best: 0.0})
        plugin = experiment.value[0].metadata.plugin_data
        contents = HParamsPluginData.FromString(plugin.content)
        for info in contents.experiment.hparam_infos:
            info.differs = info.name in typed
        contents.experiment.metric_infos[0].display_name = self.best.partition("/")[2]
        plugin.content = contents.SerializeToString()
        for summary in (experiment, *session):
            self.writer._get_file_writer().add_summary(summary)

    def add_figures(self, figures: Figures) -> None:
        for name, value in figures.items():
            self.writer.add_scalar(self.tag(name), value, self.images)

    def add_best(self, value: float) -> None:
        if isfinite(value):
            self.writer.add_scalar(self.best, value, self.images)

    def add_picture(self, name: str, picture: Tensor) -> None:
        self.writer.add_image(f"evaluation/{name}", picture, self.images)

    def add_text(self, name: str, text: str) -> None:
        self.writer.add_text(name, text, self.images)

    def save(self) -> None:
        if self.is_open:
            self.writer.flush()

    def finalize(self, status: str) -> None:
        if self.is_open:
            self.writer.close()
