"""Metrics of generated digits: ``update(imgs, real, labels)`` each batch, then ``compute()``."""
