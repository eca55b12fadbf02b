"""The benchmark: lvsnat and ipvsadm side by side, in one run, on one kernel of the lab.

Only the standard library is used, as in the lab itself; lvsnat is measured as the program it is.
"""
