"""An audit: one run played twice, in processes that differ in all that must not matter, and compared event by event."""
