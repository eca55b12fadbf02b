"""The kernel's IPVS table as a backend."""
