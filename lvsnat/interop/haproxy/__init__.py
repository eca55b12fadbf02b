"""haproxy.cfg: read into services, with every line that is not taken named."""
