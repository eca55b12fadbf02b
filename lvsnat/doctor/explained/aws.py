"""The codes of a VPC: the way in, and what is around it. No I/O here.

``lvsnat aws verify`` and ``lvsnat aws plan`` use the same ones.
"""

from __future__ import annotations

from typing import Final

from lvsnat.doctor.explained.entry import Entry
from lvsnat.doctor.finding import Finding, Severity
from lvsnat.doctor.names import Code
from lvsnat.doctor.vpc_words import WHY

UNREACHED_IN_VPC: Final = frozenset({Code.NACL, Code.SG_LB_OUT, Code.SG_RS_CLIENT})
"""What keeps packets from a real server, checks too."""
LOST_IN_VPC: Final = UNREACHED_IN_VPC | {
    Code.EC2_ALLOWANCE,
    Code.SAME_TABLE_LOOP,
    Code.ROUTE_MISSING,
    Code.ROUTE_OTHER,
    Code.ROUTE_BLACKHOLE,
    Code.ROUTE_STALE_OWNER,
    Code.ROUTE_SERVER,
    Code.CLIENT_BYPASS,
    Code.CLIENT_LOCAL,
    Code.SRC_DST_CHECK,
    Code.LB_EGRESS,
}
"""Where the VPC loses packets, that they do not come back says nothing of the real server."""
_APPLY: Final = "'lvsnat aws apply' puts it right"
_GROUPS: Final = "'lvsnat aws apply --security-groups' adds the rule"


def example(code: Code, severity: Severity, subject: str, *words: str) -> Finding:
    """A finding: what is seen, what is expected and the remedy; all of a code have one reason."""
    seen, expected, remedy = words
    return Finding(code, severity, subject, seen, expected, WHY[code], remedy)


WAY_IN: Final = (
    Entry(
        "The service listens on the Elastic IP",
        "The internet gateway puts the private address in the place of the Elastic IP, before"
        " anything of the instance sees a packet. So neither IPVS nor HAProxy ever has one for it.",
        example(
            Code.VIP_IS_EIP, Severity.BROKEN, "the VIP",
            "203.0.113.7 is the Elastic IP eipalloc-0a1b2c3d: no packet in a VPC has it as its"
            " destination",
            "a private address of the VPC",
            "let the service listen on a private address of the director's subnet (10.0.1.0/24),"
            " and map the Elastic IP to it: --eip-allocation eipalloc-0a1b2c3d",
        ),
    ),
    Entry(
        "The director's interface is on no instance",
        "What is sent to it, and every route that leads to it (`blackhole`), goes nowhere.",
        example(
            Code.ENI_UNATTACHED, Severity.BROKEN, "eni-0a1b2c3d attachment", "unattached",
            "attached",
            "attach it to the director, or name the interface that the director has: --eni",
        ),
    ),
    Entry(
        "A service of AWS keeps the director's interface",
        "A NAT gateway or a load balancer has it: EC2 lets nobody else change it.",
        example(
            Code.ENI_MANAGED, Severity.BROKEN, "eni-0a1b2c3d", "kept by a service of AWS",
            "the director's own", "name the director's own interface: --eni",
        ),
    ),
    Entry(
        "No interface has the VIP",
        "An address of this host's kernel alone is none to EC2: it brings packets to the interface"
        " that it has assigned the address to, and drops what leaves with another one.",
        example(
            Code.VIP_NOT_ON_ENI, Severity.BROKEN, "VIP 10.0.1.200", "nobody", "eni-0a1b2c3d",
            _APPLY,
        ),
    ),
    Entry(
        "Another interface has the VIP",
        "The other director, after a failover; or a machine that took the address. With `peer_eni`"
        " in [aws], a director whose peer has the VIPs and the routes counts as the standby, and is"
        " looked at as one.",
        example(
            Code.VIP_ELSEWHERE, Severity.BROKEN, "VIP 10.0.1.200", "eni-0d1e2f3a", "eni-0a1b2c3d",
            "'lvsnat aws takeover' fetches it, if this director is to be active",
        ),
    ),
    Entry(
        "The system adds and removes the VIP by itself",
        "amazon-ec2-net-utils (on Amazon Linux) asks the metadata service about every minute, adds"
        " each address that EC2 assigns, and removes each one that it does not. Told only where"
        " `peer_eni` says that the VIP may move.",
        example(
            Code.VIP_MANAGED, Severity.RISK, "VIP 10.0.1.200",
            "added and removed by amazon-ec2-net-utils", "by lvsnat alone",
            "'systemctl disable --now refresh-policy-routes@INTERFACE.timer', with the name of the"
            " interface",
        ),
    ),
    Entry(
        "The VPC has no internet gateway",
        "Without one an Elastic IP cannot be mapped, and nobody comes in by it.",
        example(
            Code.IGW, Severity.BROKEN, "vpc-0a1b2c3d internet gateway", "none", "one",
            "attach an internet gateway to the VPC: an Elastic IP needs it",
        ),
    ),
    Entry(
        "The Elastic IP belongs to another network border group",
        "Local zones have a group of their own; EC2 maps an Elastic IP only within its group.",
        example(
            Code.EIP_BORDER, Severity.BROKEN, "eipalloc-0a1b2c3d 203.0.113.7 border group",
            "us-west-2", "us-west-2-lax-1",
            "allocate one there: 'aws ec2 allocate-address --network-border-group us-west-2-lax-1'",
        ),
    ),
    Entry(
        "The Elastic IP stands for something else than the VIP",
        "Mapped to the interface alone it stands for its primary address, on which no service"
        " listens. Where none is asked for (`eip_allocation` in [aws]) and the primary address has"
        " one, this is a note: the clients may come from elsewhere.",
        example(
            Code.EIP_MAP, Severity.BROKEN, "eipalloc-0a1b2c3d 203.0.113.7",
            "eni-0a1b2c3d 10.0.1.10", "eni-0a1b2c3d 10.0.1.200", _APPLY,
        ),
        frozenset({Code.VIP_NOT_ON_ENI, Code.VIP_ELSEWHERE, Code.IGW, Code.EIP_BORDER}),
    ),
    Entry(
        "The director's security group keeps clients out",
        "No rule lets the clients in to the service's port. Where the configuration names no"
        " clients, a group that lets some networks in alone is meant so.",
        example(
            Code.SG_LB_IN, Severity.BROKEN, "sg-0a1b2c3d tcp/80 from 0.0.0.0/0", "kept out",
            "let in", _GROUPS,
        ),
    ),
    Entry(
        "A network ACL drops packets of a service, or its replies",
        "An ACL knows no connections: in the director's subnet and in the real servers', both"
        " directions need a rule, replies for the ports 1024-65535. Inside a subnet none is asked.",
        example(
            Code.NACL, Severity.BROKEN, "acl-0a1b2c3d of subnet-0a1b2c3d",
            "dropping tcp/1024-65535 to 0.0.0.0/0", "letting all through",
            "allow them in acl-0a1b2c3d, both ways: it forgets what it has let in",
        ),
    ),
    Entry(
        "EC2 drops packets, because the type of instance may have no more",
        "The driver's counters (`ethtool -S eth0`) grew while the doctor looked."
        " conntrack_allowance_exceeded: the security groups remember as many connections as they"
        " can, and new ones are dropped, which is broken; the others are bandwidth, packets per"
        " second and queries to the services of the link, a risk.",
        example(
            Code.EC2_ALLOWANCE, Severity.BROKEN, "eth0 conntrack_allowance_exceeded",
            "12 packets in 3.0 s", "none",
            "let the security groups track nothing: one rule in and one out that let everything"
            " through, and nft for the rest; or take a larger type of instance",
        ),
    ),
    Entry(
        "The director's security group keeps what it forwards from leaving",
        "To the director's group, what it sends on to a real server is a new connection: its"
        " outbound rules must let it out. At first they let everything out.",
        example(
            Code.SG_LB_OUT, Severity.BROKEN, "sg-0a1b2c3d outbound",
            "keeping back tcp/8080 to 10.0.2.55/32", "letting out what goes to the real servers",
            "allow it in the outbound rules of sg-0a1b2c3d: they let everything out at first",
        ),
    ),
    Entry(
        "A real server's security group keeps clients out",
        "Packets keep the client's address, so a rule for the director's group or address does not"
        " fit. It must let in whom the director's group lets in, and the director for checks.",
        example(
            Code.SG_RS_CLIENT, Severity.BROKEN, "sg-0d1e2f3a tcp/8080 from 0.0.0.0/0",
            "let in from 10.0.0.0/16 alone", "let in", _GROUPS,
        ),
    ),
)  # fmt: skip

AROUND: Final = (
    Entry(
        "Real servers' own connections leave with an address that has no public one",
        "`egress` of [host] masquerades with the primary address of the interface, or with the one"
        " that it names. The internet gateway drops what comes from an address without an Elastic"
        " IP or another public one.",
        example(
            Code.EGRESS_UNMAPPED, Severity.RISK, "egress of real servers as 10.0.1.10",
            "without a public address", "with one",
            'the internet gateway drops what they send: egress = "10.0.1.200" in [host]',
        ),
    ),
    Entry(
        "Security groups forget idle connections before IPVS does",
        "They forget an idle TCP connection after 350 seconds on Nitro v6, and after five days"
        " before; IPVS keeps it for 900 seconds.",
        example(
            Code.CT_TIMEOUT, Severity.RISK,
            "eni-0a1b2c3d security groups forget idle TCP connections", "after 350 s",
            "after 900 s or later, as in IPVS",
            "let both forget at the same time: timeouts = { tcp = 350 } in [ipvs]",
        ),
    ),
    Entry(
        "The director's metadata service answers others",
        "With the source/destination check off, packets for it may come in from the network. It is"
        " safe with tokens (IMDSv2), a hop limit of 1, and `block_imds` of [host].",
        example(
            Code.IMDS_EXPOSED, Severity.RISK, "i-0a1b2c3d metadata", "IMDSv1 and hop limit 2",
            "IMDSv2 only, for this instance alone",
            "'aws ec2 modify-instance-metadata-options --instance-id i-0a1b2c3d --http-tokens"
            " required --http-put-response-hop-limit 1'; and keep block_imds in [host] on",
        ),
    ),
    Entry(
        "The directors' security groups keep out VRRP",
        "keepalived's VRRP is protocol 112, in both directions, by unicast. Told with `peer_eni`.",
        example(
            Code.SG_VRRP, Severity.RISK, "eni-0a1b2c3d VRRP from 10.0.1.11", "kept out", "let in",
            "both would think that they are active: allow protocol 112 from the other director in"
            " sg-0a1b2c3d",
        ),
    ),
    Entry(
        "Director and peer, or real servers, are in different zones or subnets",
        "The other director in another subnet: the VIP cannot follow it there. `lvsnat aws plan`"
        " says it also of real servers in another zone, whose traffic AWS bills both ways.",
        example(
            Code.ENI_AZ, Severity.RISK, "eni-0d1e2f3a subnet, of the other director",
            "subnet-0d1e2f3a", "subnet-0a1b2c3d",
            "the VIP belongs to its subnet and cannot follow: give each director a VIP of its own;"
            " the Elastic IP and the routes move",
        ),
    ),
    Entry(
        "A director has no way of its own to the EC2 API",
        "A takeover calls EC2 before it has VIP or Elastic IP. It needs an interface endpoint, a"
        " NAT gateway, or a public address of the interface itself. With `peer_eni` it is also told"
        " where EC2 did not answer now.",
        example(
            Code.API_REACH, Severity.RISK, "eni-0a1b2c3d to the EC2 API",
            "none: 10.0.1.10 has no public address", "a way of its own",
            "a takeover calls EC2 before it has VIP or Elastic IP: give the interface a public"
            " address of its own, or the VPC an interface endpoint (com.amazonaws.eu-west-1.ec2)",
        ),
    ),
    Entry(
        "A limit of AWS is reached",
        "The interface has no room for the VIP, by the type of its instance. `lvsnat aws plan` says"
        " it also of a route table.",
        example(
            Code.QUOTA, Severity.BROKEN, "eni-0a1b2c3d IPv4 addresses", "5 with the VIPs",
            "4 at most (t3.small)",
            "remove a secondary address, or take a larger type of instance",
        ),
    ),
    Entry(
        "Something of the VPC may not be looked at",
        "The policy of the caller lacks the call that is named; the rest was looked at.",
        example(
            Code.PERM, Severity.NOTE, "DescribeNetworkAcls", "not allowed", "allowed",
            "what it would tell is not checked: 'lvsnat aws iam-policy --role reader' has it",
        ),
    ),
)  # fmt: skip
