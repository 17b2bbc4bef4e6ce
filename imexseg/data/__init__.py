"""From files on disk to batches: description → pairs → read → check → load; convert writes this layout from others."""
