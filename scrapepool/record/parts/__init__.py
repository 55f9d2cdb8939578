"""Records as a folder of parts: numbered files that are each complete, in a local folder or in object storage."""
