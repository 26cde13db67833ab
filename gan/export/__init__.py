"""Export: the generator as weights, as a program, as a web page; all draw the same images."""
