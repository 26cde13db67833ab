"""What people do with generated digits: style, lines, paint, outlines, files."""
