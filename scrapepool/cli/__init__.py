"""The command line: converts words to settings, makes one call, and returns an exit code.

``program`` runs a command of ``commands``. ``options`` declare what ``fetch`` takes, with the types of ``parameters``;
``config`` reads the configuration file; ``arguments`` finds the lists and record files that a command names; and
``fetching`` runs one fetch from its settings to its exit code.
"""
