"""The door of ``python -m pipeline.report``: what the command does stands in ``pipeline/page``."""

from pipeline.commands.parser import run_command
from pipeline.page.command import main

if __name__ == "__main__":
    run_command(main)
