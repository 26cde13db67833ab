"""``python -m gan.generate``."""

from gan.generate import main

if __name__ == "__main__":
    main()
