"""The command line: a module per noun, and how things are shown. It asks ``project`` and decides nothing."""
