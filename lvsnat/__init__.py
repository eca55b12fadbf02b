"""Manage a layer-4 NAT load balancer on Linux."""
