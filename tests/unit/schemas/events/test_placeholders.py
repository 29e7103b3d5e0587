"""Which texts are no ids: templates of every common language that nobody filled in, and no id that a system gives."""

from __future__ import annotations

import re
from uuid import UUID

import pytest
from hypothesis import given
from hypothesis import strategies as st

from schemas.events.ids import OPENING, UNRENDERED, is_placeholder

TEMPLATES = {
    "ERB, EJS, JSP, ASP": ["<%= id %>", "<%- user.id -%>", "<%=Model.Id%>", "<% id %>"],
    "PHP": ["<?= $id ?>", "<?php echo $user->id; ?>", "$user_id", "$user->id", "{$user_id}", "{$user['id']}"],
    "Ruby, translations": ["%{id}", "order-%{order_id}"],
    "JavaScript": ["${userId}", "order-${order.id}", "${user?.id}"],
    "Ruby": ["#{id}", "order-#{id}", ":user_id"],
    "Jinja, Liquid, Handlebars": ["{{ id }}", "{{{id}}}", "order-{{id}}", "{% if id %}{% endif %}"],
    "Python": ["{user_id}", "{user.id}", "{user[id]}", "{0}", "%(user_id)s", "%s", "%d", "%1$s"],
    "Swift": ["\\(userId)", "%@"],
    "shells": ["$USER_ID", "$(user_id)", "%USER_ID%", "%userid%"],
    "advertisements": [
        "%%user_id%%",
        "%%CACHEBUSTER%%",
        "[user_id]",
        "[USERID]",
        "[UserId]",
        "__UID__",
        "__CLICK_ID__",
    ],
    "Mailchimp": ["*|EMAIL|*", "*|UNIQID|*"],
    "Salesforce": ["%%=v(@id)=%%", "{!Contact.Id}", "[%user_id%]"],
    "StringTemplate": ["$user_id$", "$user.id$"],
    "documentation": ["<user_id>", "<YOUR USER ID>", "{user-id}", "[Your ID]", "{id}"],
    "a URL": ["%7Buser_id%7D", "%7B%7B%20user.id%20%7D%7D", "%24%7BuserId%7D"],
    "with blanks around": ["  <%= id %> ", "\t[user_id]\n", " {user_id}", " " * 40],
}
IDS = [
    "6f9619ff-8b86-d011-b42d-00cf4fc964ff", "{6F9619FF-8B86-D011-B42D-00CF4FC964FF}", "%7B6F9619FF%7D",
    "{ABCDEFAB-CDEF-4ABC-ABCD-ABCDEFABCDEF}", '{"id":5}', "{1001}", "gid://shopify/Order/450789469", "#1001", "[1001]",
    "[PROJ-12]", ":1001", ":9c3", "urn:isbn:0451450523", "shop:order:5", "<abc.1@mail.example>", "a@b.example", "@ann",
    "$device:1917a3bc-4f5e", "$device:f1a2b3", "$RCAnonymousID:f7d0c2", "$1", "100%", "%2Fa%2F", "50%off", "*1*", "_ga",
    "__default__", "GA1.2.33.44", "C#", "user_id", "USER_ID", "id", "a<b>c", "5 < 7 > 3", "a%b%c", "x[y]", "a:user_id",
    "cart[5]", "a$b", "a*|b|*", "a|b", "1,000", "Zoë", "名前", "\\\\host\\share", "c:\\d", "$", "%", "<>", "[x1y2]",
]  # fmt: skip


@pytest.mark.parametrize("language", TEMPLATES)
def test_a_template_that_nobody_filled_in_is_no_id(language: str) -> None:
    for template in TEMPLATES[language]:
        assert is_placeholder(template), template


def test_an_id_that_holds_the_signs_of_templates_is_one() -> None:
    assert [each for each in IDS if is_placeholder(each)] == []


@given(st.uuids(version=4))
def test_a_uuid_in_any_form_is_an_id(value: UUID) -> None:
    forms = [
        str(value),
        value.urn,
        f"{{{value}}}",
        f"<{value}>",
        f"[{value}]",
        f"%7B{value}%7D",
        f"${value}",
        f":{value}",
    ]
    assert [each for each in (*forms, *map(str.upper, forms)) if is_placeholder(each)] == []


@given(st.text("{}[]<>%$:_*|#@()\\ a1\n", max_size=12))
def test_what_is_looked_at_by_its_first_sign_is_all_that_could_be_a_template(value: str) -> None:
    if "{" not in value and value[:1] not in OPENING:
        assert not any(re.search(pattern, value, re.DOTALL) for pattern in UNRENDERED)
