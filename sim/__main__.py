"""``python -m sim``: the same as the command ``sim``."""

from sim.cli.app import main

main()
