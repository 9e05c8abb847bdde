"""What a run did, as a digest and later as files."""
