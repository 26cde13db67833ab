"""Loggers show and keep the figures, samples and texts of a training, over the images seen."""

from gan.logger.board import Board, boards
from gan.logger.csv import Csv
from gan.logger.tensorboard import TensorBoard
from gan.logger.wandb import Wandb

__all__ = ["Board", "Csv", "TensorBoard", "Wandb", "boards"]
