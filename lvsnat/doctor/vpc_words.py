"""Why it matters what is wrong in a VPC: a sentence for each code. No I/O here."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Final

from lvsnat.doctor.names import Code

WHY: Final[Mapping[Code, str]] = {
    Code.VIP_IS_EIP: "packets reach the director with its private address: the service sees none",
    Code.EIP_MAP: "whoever asks the Elastic IP does not come to the VIP",
    Code.EIP_BORDER: "EC2 does not map it to this director",
    Code.IGW: "nothing comes in from the internet, and nothing goes out",
    Code.ENI_UNATTACHED: "what is sent to it goes nowhere",
    Code.ENI_MANAGED: "only that service can change it",
    Code.VIP_NOT_ON_ENI: "EC2 brings packets for the VIP to nobody",
    Code.VIP_ELSEWHERE: "EC2 brings the clients' packets there",
    Code.VIP_MANAGED: (
        "amazon-ec2-net-utils takes the VIP off this host up to a minute after EC2 has moved it,"
        " also where lvsnat wants it to stay for the next takeover"
    ),
    Code.SG_LB_IN: "EC2 drops the clients' packets before this host",
    Code.SG_LB_OUT: "EC2 drops what this host forwards",
    Code.SG_RS_CLIENT: "packets keep the client's address: EC2 drops them before the real server",
    Code.NACL: "a network ACL knows no connections: each direction needs a rule",
    Code.EC2_ALLOWANCE: "EC2 drops packets of this instance that are more than its type may have",
    Code.ROUTE_MISSING: "EC2 drops the replies to these clients",
    Code.ROUTE_OTHER: "the replies to these clients pass this director by",
    Code.ROUTE_BLACKHOLE: "EC2 drops the replies to these clients",
    Code.ROUTE_STALE_OWNER: "clients come to one director, and the replies to the other",
    Code.ROUTE_SERVER: "the replies pass this director by, and whoever changes that is overruled",
    Code.SAME_TABLE_LOOP: "what this director sends to the clients comes back to it",
    Code.CLIENT_BYPASS: "the most specific route wins: these clients get no reply",
    Code.CLIENT_LOCAL: "inside a VPC the local route takes the replies past this director",
    Code.CLIENT_SAME_SUBNET: "a server answers its own subnet directly: no route table sees that",
    Code.NO_IPV6: "their replies have no way",
    Code.SRC_DST_CHECK: "EC2 drops what this host forwards: it is neither from it nor for it",
    Code.LB_EGRESS: "what this host sends to the clients is dropped",
    Code.EGRESS_UNMAPPED: "the real servers' own connections to the internet get no answer",
    Code.CT_TIMEOUT: "a connection that was idle for so long hangs, and IPVS goes on counting it",
    Code.IMDS_EXPOSED: "who sends packets through this host may ask for the keys of its role",
    Code.SG_VRRP: "both directors would think that the other one is gone",
    Code.ENI_AZ: "a VIP belongs to a subnet",
    Code.API_REACH: "a takeover could not tell EC2",
    Code.QUOTA: "EC2 refuses the VIP",
    Code.PERM: "nobody knows whether that is as it should be",
}
