"""How generated digits are judged: ``update(imgs, real, labels)`` for each batch, then ``compute()``."""
