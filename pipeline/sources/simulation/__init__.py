"""The physiology behind ``pipeline.sources.synthetic``: hearts, what illness does to them, and who has it."""
