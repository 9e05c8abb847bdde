"""All nodes in one process: virtual time, one seed, links in memory."""
