"""What becomes of the lines that are no part of a service: reasons, by keyword. Data alone."""

from __future__ import annotations

from collections.abc import Mapping


def _words(text: str) -> frozenset[str]:
    return frozenset(text.split())


_JOURNAL = "lvsnat's HAProxy writes its log to the journal"
_SUPERVISED = "lvsnat starts HAProxy itself, or systemd does"
_USER = "lvsnat runs HAProxy as the user haproxy, with the two capabilities that it needs"
_TLS = "lvsnat ends no TLS"
_THREADS = "HAProxy spreads its threads by itself"
_TUNING = "lvsnat leaves HAProxy's tuning alone"
_OWN = "lvsnat writes its own"

GLOBAL: Mapping[str, str] = {
    "maxconn": "not taken: '[haproxy] maxconn' is that of all services (20000)",
    "hard-stop-after": "not taken: '[haproxy] hard_stop_after' says it (15m)",
    "ulimit-n": "obsolete: HAProxy counts the files that it needs from maxconn",
    "daemon": f"not needed: {_SUPERVISED}",
    "master-worker": f"not needed: {_SUPERVISED}",
    "pidfile": f"not needed: {_SUPERVISED}",
    "nbproc": "obsolete, and refused since HAProxy 2.5: it has threads",
    "nbthread": f"not needed: {_THREADS}",
    "cpu-map": f"not needed: {_THREADS}",
    "log": f"not needed: {_JOURNAL}",
    "log-send-hostname": f"not needed: {_JOURNAL}",
    "log-tag": f"not needed: {_JOURNAL}",
    "chroot": f"not needed: {_USER}",
    "user": f"not needed: {_USER}",
    "group": f"not needed: {_USER}",
    "uid": f"not needed: {_USER}",
    "gid": f"not needed: {_USER}",
    "setcap": f"not needed: {_USER}",
    "stats": "not needed: lvsnat has sockets of its own, and 'lvsnat stats' shows the numbers",
    "description": f"not needed: {_OWN}",
    "node": "not needed: 'lvsnat stats' shows the numbers",
    "quiet": "not needed: it is for HAProxy on a terminal",
    "debug": "not needed: it is for HAProxy on a terminal",
    "spread-checks": f"not taken: {_TUNING}",
    "noepoll": f"not taken: {_TUNING}",
    "nosplice": f"not taken: {_TUNING}",
    "lua-load": "not taken: lvsnat's HAProxy runs no programs",
    "external-check": "not taken: lvsnat's HAProxy runs no programs",
    "presetenv": "not taken: an import reads no environment variables",
    "setenv": "not taken: an import reads no environment variables",
}
GLOBAL_PREFIXES: Mapping[str, str] = {
    "tune.": f"not taken: {_TUNING}",
    "ssl-": f"not needed: {_TLS}",
    "ca-base": f"not needed: {_TLS}",
    "crt-base": f"not needed: {_TLS}",
    "server-state": "not needed: lvsnat's overrides keep what is drained or disabled",
    "profiling.": f"not taken: {_TUNING}",
}
GLOBAL_ELSE = "not taken: it is of the process, not of a service"

RENAMED: Mapping[str, str] = {"contimeout": "connect", "clitimeout": "client",
                              "srvtimeout": "server"}  # fmt: skip
TIMEOUTS: Mapping[str, str] = {
    "queue": "not taken for one service: '[haproxy] queue_timeout' is that of all",
    "client-fin": "not taken: '[ipvs] timeouts' has 'tcp_fin' for both modes",
    "server-fin": "not taken: '[ipvs] timeouts' has 'tcp_fin' for both modes",
    "http-request": "not taken: 'client_timeout' bounds a request, too",
    "http-keep-alive": "not taken: 'client_timeout' bounds the wait for the next request, too",
    "tunnel": "not taken: 'client_timeout' and 'server_timeout' bound a silent tunnel",
    "tarpit": "not needed: lvsnat holds nobody up",
}
LINES: Mapping[str, str] = {
    "log": f"not needed: {_JOURNAL}",
    "log-format": f"not needed: {_JOURNAL}",
    "log-tag": f"not needed: {_JOURNAL}",
    "error-log-format": f"not needed: {_JOURNAL}",
    "description": "not needed: a label",
    "id": "not needed: a label",
    "enabled": "not needed: a section is enabled",
    "retries": f"not needed: {_OWN}",
    "retry-on": "not taken: a request that was sent is not sent again",
    "backlog": f"not taken: {_TUNING}",
    "fullconn": f"not taken: {_TUNING}",
    "grace": "obsolete, and refused since HAProxy 2.4: lvsnat stops HAProxy softly",
    "bind-process": f"obsolete: {_THREADS}",
    "load-server-state-from-file": "not needed: lvsnat keeps what is drained or disabled",
    "stats": "not taken: 'lvsnat stats' shows the numbers",
    "rate-limit": f"not taken: {_TUNING}",
    "email-alert": "not taken: lvsnat sends no mail",
    "max-keep-alive-queue": f"not taken: {_TUNING}",
    "http-reuse": f"not taken: {_TUNING}; a connection to a server belongs to one client address",
    "persist": "not needed",
    "hash-preserve-affinity": f"not taken: {_TUNING}",
}
OPTIONS: Mapping[str, str] = {
    "httplog": f"not needed: {_JOURNAL}",
    "tcplog": f"not needed: {_JOURNAL}",
    "dontlognull": f"not needed: {_OWN}",
    "dontlog-normal": f"not needed: {_JOURNAL}",
    "log-health-checks": f"not needed: {_JOURNAL}",
    "log-separate-errors": f"not needed: {_JOURNAL}",
    "logasap": f"not needed: {_JOURNAL}",
    "redispatch": f"not needed: {_OWN}",
    "allbackups": "not taken: one sorry server answers while no other can",
    "httpclose": f"not taken: {_TUNING}",
    "forceclose": "obsolete: HAProxy's default closes idle connections to servers",
    "http-server-close": f"not taken: {_TUNING}",
    "http-keep-alive": "not needed: HAProxy's default in mode http",
    "http-tunnel": "obsolete, and refused since HAProxy 2.1",
    "http-pretend-keepalive": f"not taken: {_TUNING}",
    "http-use-proxy-header": f"not taken: {_TUNING}",
    "http-buffer-request": f"not taken: {_TUNING}",
    "http-ignore-probes": f"not taken: {_TUNING}",
    "http-no-delay": f"not taken: {_TUNING}",
    "abortonclose": f"not taken: {_TUNING}",
    "nolinger": "not taken: it cuts answers short; '[service.haproxy] backend_lines' may have it",
    "tcpka": f"not taken: {_TUNING}",
    "clitcpka": f"not taken: {_TUNING}",
    "srvtcpka": f"not taken: {_TUNING}",
    "tcp-smart-accept": f"not taken: {_TUNING}",
    "tcp-smart-connect": f"not taken: {_TUNING}",
    "splice-auto": f"not taken: {_TUNING}",
    "splice-request": f"not taken: {_TUNING}",
    "splice-response": f"not taken: {_TUNING}",
    "independent-streams": f"not taken: {_TUNING}",
    "idle-close-on-response": f"not taken: {_TUNING}",
    "prefer-last-server": f"not taken: {_TUNING}",
    "persist": "not taken: a server that is down gets nobody",
    "socket-stats": "not needed: 'lvsnat stats' shows the numbers",
    "contstats": "not needed: 'lvsnat stats' shows the numbers",
    "checkcache": f"not taken: {_TUNING}",
    "accept-invalid-http-request": f"not taken: {_TUNING}",
    "accept-invalid-http-response": f"not taken: {_TUNING}",
}
OTHER_CHECKS = _words(
    "ssl-hello-chk smtpchk mysql-check pgsql-check ldap-check redis-check spop-check external-check"
)
FRONTEND_LINES = _words(
    "acl http-request http-response http-after-response tcp-request tcp-response capture redirect"
    " block monitor-uri monitor-net monitor http-error errorfile errorloc errorloc302 errorloc303"
    " compression filter unique-id-format unique-id-header declare"
)
"""Lines that change what a client gets, and that a frontend of haproxy-tproxy could have."""
BACKEND_LINES = _words("use-server force-persist ignore-persist http-send-name-header use-fcgi-app")
OBSOLETE: Mapping[str, str] = {
    "reqadd": "http-request add-header",
    "reqrep": "http-request replace-header",
    "reqirep": "http-request replace-header",
    "reqdel": "http-request del-header",
    "reqidel": "http-request del-header",
    "reqdeny": "http-request deny",
    "reqideny": "http-request deny",
    "reqallow": "http-request allow",
    "reqiallow": "http-request allow",
    "reqtarpit": "http-request tarpit",
    "reqitarpit": "http-request tarpit",
    "reqpass": "http-request allow",
    "reqipass": "http-request allow",
    "reqsetbe": "use_backend",
    "reqisetbe": "use_backend",
    "rspadd": "http-response add-header",
    "rsprep": "http-response replace-header",
    "rspirep": "http-response replace-header",
    "rspdel": "http-response del-header",
    "rspidel": "http-response del-header",
    "rspdeny": "http-response deny",
    "rspideny": "http-response deny",
    "appsession": "cookie",
}
