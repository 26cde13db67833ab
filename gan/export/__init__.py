"""The generator taken elsewhere: weights, ONNX, a torch program, a web page; each checked to draw what torch draws."""
