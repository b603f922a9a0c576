"""The tree of parts: found in slices, decoded late, bounded."""

from postroom.mail import limits
from postroom.mail.letter import read
from tests.mail.letters import ANA, bound, letter, multipart

PNG = "Content-Type: image/png\nContent-Transfer-Encoding: base64\nContent-ID: <logo@x>\n\niVBORw0KGgo="


def types(found) -> list[str]:
    return [part.type for part in found.root.walk()]


def test_parts_are_found_in_order():
    found = multipart("Content-Type: text/plain\n\nHello", PNG)
    assert types(found) == ["multipart/mixed", "text/plain", "image/png"]
    assert [part.content() for part in found.root.children] == [b"Hello", b"\x89PNG\r\n\x1a\n"]
    assert found.root.children[1].content_id == "logo@x"


def test_the_line_break_before_a_delimiter_belongs_to_it():
    found = multipart("Content-Type: text/plain\n\nHello\n")
    assert found.root.children[0].body == b"Hello\r\n"


def test_a_longer_boundary_of_a_child_is_not_the_parents():
    inner = 'Content-Type: multipart/mixed; boundary="cutter"\n\n--cutter\n\nHello\n--cutter--'
    found = multipart(inner, PNG)
    assert types(found) == ["multipart/mixed", "multipart/mixed", "text/plain", "image/png"]


def test_what_follows_a_delimiter_on_its_line_is_ignored():
    found = letter(
        "Content-Type: multipart/mixed; boundary=cut", body=b"--cut  \r\n\r\nHello\r\n--cut-- \r\n"
    )
    assert found.text == "Hello"


def test_an_unclosed_multipart_is_read_and_flagged():
    found = multipart("Content-Type: text/plain\n\nHello", closed=False)
    assert found.text.strip() == "Hello"
    assert "truncated" in found.defects


def test_a_multipart_without_boundary_is_shown_as_text():
    for fields in (["Content-Type: multipart/mixed"], ["Content-Type: multipart/mixed; boundary=absent"]):
        found = letter(*fields, body="--x\r\n\r\nHello\r\n--x--\r\n")
        assert "Hello" in found.text
        assert "mime-defect" in found.defects


def test_an_attached_message_is_one_attachment_named_after_its_subject():
    found = multipart(
        "Content-Type: text/plain\n\nSee below",
        "Content-Type: message/rfc822\n\nSubject: Old/order\n\nInside",
    )
    assert [one.name for one in found.attachments] == ["Old_order.eml"]
    inner = found.root.children[1].message
    assert inner is not None
    assert inner.headers.get("subject") == "Old/order"
    assert inner.text() == "Inside"
    assert found.root.children[1].children == (inner,)


def test_an_attached_message_in_base64_is_opened_all_the_same():
    found = multipart(
        "Content-Type: message/rfc822\nContent-Transfer-Encoding: base64\n\nU3ViamVjdDogeAoKaGk="
    )
    assert found.attachments[0].name == "x.eml"


def test_parts_of_a_digest_are_messages():
    found = multipart("\nSubject: one\n\nhi", kind="digest")
    assert found.root.children[0].type == "message/rfc822"
    assert found.attachments[0].name == "one.eml"


def test_nothing_is_decoded_before_it_is_asked_for():
    found = multipart("Content-Type: text/plain\n\nHello", PNG)
    picture = found.attachments[0]
    assert found.text == "Hello"
    assert "_content" not in vars(picture.part)
    assert abs(picture.part.approx_size - 8) <= 1
    assert "_content" not in vars(picture.part)
    assert picture.size == 8
    assert "_content" in vars(picture.part)


def test_depth_is_bounded_and_the_rest_stays_an_attachment():
    raw = ANA + b"".join(
        b"Content-Type: multipart/mixed; boundary=b%d\r\n\r\n--b%d\r\n" % (level, level)
        for level in range(1_000)
    )
    found = read(raw + b"\r\nHello\r\n")
    assert "mime-limit" in found.defects
    assert max(part.depth for part in found.root.walk()) == limits.DEPTH
    assert [one.name for one in found.attachments] == ["rest.eml"]
    assert b"Hello" in found.attachments[0].content()


def test_fifty_levels_are_read():
    raw = ANA + b"".join(
        b"Content-Type: multipart/mixed; boundary=b%d\r\n\r\n--b%d\r\n" % (level, level)
        for level in range(limits.DEPTH)
    )
    found = read(raw + b"\r\nHello\r\n")
    assert found.text.strip() == "Hello"
    assert "mime-limit" not in found.defects


def test_the_number_of_parts_is_bounded_and_the_rest_stays_an_attachment():
    parts = ["Content-Type: text/x-note\n\nx"] * (limits.PARTS + 200)
    found = multipart(*parts)
    assert "mime-limit" in found.defects
    assert len(found.root.children) == limits.PARTS + 1
    assert found.attachments[-1].name == "rest.eml"
    assert found.attachments[-1].content().count(b"text/x-note") == 200


def test_a_child_with_its_parents_boundary_is_flagged():
    found = letter(
        "Content-Type: multipart/mixed; boundary=cut",
        body=bound("Content-Type: multipart/mixed; boundary=cut\n\nx"),
    )
    assert "mime-limit" in found.defects


def test_two_transfer_encodings_are_ambiguous():
    found = letter("Content-Transfer-Encoding: 7bit", "Content-Transfer-Encoding: base64", body="SGk=")
    assert "mime-ambiguous" in found.defects
    assert found.text == "SGk="


def test_text_outside_the_parts_is_flagged_not_shown():
    body = b"hidden words before\r\n" + bound("Content-Type: text/plain\n\nHello") + b"hidden words after\r\n"
    found = letter("Content-Type: multipart/mixed; boundary=cut", body=body)
    assert found.text == "Hello"
    assert "hidden-text" in found.defects
    usual = b"This is a multi-part message in MIME format.\r\n" + bound("Content-Type: text/plain\n\nHello")
    assert "hidden-text" not in letter("Content-Type: multipart/mixed; boundary=cut", body=usual).defects
