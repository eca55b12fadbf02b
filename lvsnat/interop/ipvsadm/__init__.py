"""The text that ``ipvsadm -Sn`` writes and ``ipvsadm -R`` reads."""
