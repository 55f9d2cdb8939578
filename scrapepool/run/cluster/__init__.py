"""One run over the machines of a Dask cluster: shards of the hosts, each of which is a task.

``shard_files`` divides the lists among the shards, by what ``partition`` decides. ``shard_job`` says what a task is
given, ``shard_task`` runs it on a worker, ``progress`` brings its state back, ``client`` submits the tasks and waits
for them. ``supported`` refuses what cannot be divided. Only ``client``, ``connection`` and ``progress`` import Dask.
"""
