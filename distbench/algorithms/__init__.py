"""The algorithms that come with distbench; each module imports only the public names, as a user's would."""
