"""Engines that hear and speak on this machine, with models that are kept as files."""
