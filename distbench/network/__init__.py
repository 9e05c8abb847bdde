"""Links between processes: framing, session and handshake are pure; only ``tcp`` touches a socket."""
