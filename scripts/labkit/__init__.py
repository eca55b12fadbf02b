"""The lab: kernels that have IPVS, and small networks to try a director in.

Two halves that do not know each other. `lab` and its siblings boot a kernel over this machine's own
files and run a command in it; `topology` and its siblings lay out network namespaces in whatever
kernel they are called in. Only the standard library is used, so that both work before any virtual
environment exists.
"""
