"""A plan as a diff."""

from __future__ import annotations

from unit.ui.drawing import drawn
from worlds import Child, Parent

from lvsnat.haproxy.resources import ProxiedService
from lvsnat.model.endpoint import parse_listener
from lvsnat.plan.change import Create, Delete, Update
from lvsnat.plan.guard import Objection, Risk
from lvsnat.plan.planner import Plan
from lvsnat.ui.diff import plan_lines
from lvsnat.ui.jsonout import Notation, plan_document, render

WEB = parse_listener("tcp/192.168.1.50:80")
PLAN = Plan(
    (Create(Parent("a", 1)), Update(Child("a", "x", 1), Child("a", "x", 2)), Delete(Parent("b"))),
    unmanaged=(Parent("stranger"),),
    conflicts=(Parent("taken"),),
)
RISKS = (Objection(Risk.EMPTIES, "parent a is left empty", "nobody answers"),)


def test_a_diff_is_readable_without_colour() -> None:
    assert (
        drawn(*plan_lines(PLAN, RISKS), width=40)
        == f"""\
+ parent a  setting=1
~ child x of a  setting 1 → 2
- parent b  setting=0

made by somebody else, and in the configuration (--adopt takes it over):
! parent taken  setting=0

made by somebody else, left alone:
  parent stranger  setting=0

unsafe (--force does it all the same):
! parent a is left empty: nobody answers

1 to create, 1 to change, 1 to remove, 1 to adopt  (plan {PLAN.fingerprint})
"""
    )


def test_signs_have_colours() -> None:
    text = drawn(*plan_lines(PLAN), colour=True)

    assert "\x1b[32m+ parent a" in text
    assert "\x1b[33m~ child x" in text
    assert "\x1b[31m- parent b" in text


def test_nothing_to_do_is_one_line() -> None:
    assert drawn(*plan_lines(Plan())) == "in sync: nothing to do\n"


def test_a_document_has_the_whole_plan() -> None:
    document = plan_document(PLAN, RISKS)

    assert document["summary"] == {"create": 1, "change": 1, "remove": 1}
    assert [(c["action"], c["before"], c["after"]) for c in document["changes"]] == [
        ("create", None, {"setting": "1"}),
        ("change", {"setting": "1"}, {"setting": "2"}),
        ("remove", {"setting": "0"}, None),
    ]
    assert document["risks"] == [{"what": "parent a is left empty", "why": "nobody answers"}]


def test_a_document_keeps_its_order_in_yaml() -> None:
    text = render(plan_document(Plan()), Notation.YAML)

    assert text.startswith("schema: lvsnat/plan/1\napplied: false\nfingerprint: ")


def test_a_text_that_changes_is_drawn_line_by_line_below_its_resource() -> None:
    before = ProxiedService(WEB, ("frontend web", "    bind :80", "    maxconn 5"))
    after = ProxiedService(WEB, ("frontend web", "    bind :80", "    maxconn 6"))

    text = drawn(*plan_lines(Plan((Update(before, after), Create(after)))))

    assert text.startswith(
        """\
~ proxied service tcp/192.168.1.50:80  configuration 1 line → 1 line
      frontend web
    -     maxconn 5
    +     maxconn 6
+ proxied service tcp/192.168.1.50:80  configuration=(3 lines)

"""
    )
