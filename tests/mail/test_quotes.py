"""What somebody said is told from what was quoted, in many languages; prose that looks like it is left alone; nothing is lost."""

import time
from dataclasses import dataclass

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from postroom.mail.quotes import MOST_CHARACTERS, fold, fold_html, show
from postroom.mail.text import html_to_text

ATTRIBUTIONS = {
    "en": "On Wed, May 6, 2020 at 3:12 PM Ann Lee <ann@shop.example> wrote:",
    "en wrapped": "On Wed, May 6, 2020 at 3:12 PM Ann Lee from the Lamp Shop\n<ann@shop.example> wrote:",
    "en three lines": "On May 6, 2020, at 3:12 PM, Ann Lee\n<ann@shop.example>\nwrote:",
    "en open bracket": "On Wed, May 6, 2020 at 3:12 PM Ann Lee <\nann@shop.example> wrote:",
    "en at": "At 5/6/2020 03:12 PM, you wrote:",
    "en dashes": "---- On Wed, 06 May 2020 15:12:00 +0200 Ann Lee <ann@shop.example> wrote ----",
    "address and colon only": "Wednesday, 6 May 2020, 3:12 PM +0300 from ann@shop.example <ann@shop.example>:",
    "iso day": "2020-05-06 15:12 GMT+02:00 Ann Lee <ann@shop.example>:",
    "de": "Am Mi., 6. Mai 2020 um 15:12 Uhr schrieb Ann Lee <ann@shop.example>:",
    "de apple": "Am 06.05.2020 um 15:12 schrieb Ann Lee <ann@shop.example>:",
    "de web": '"Ann Lee" <ann@shop.example> schrieb am 06.05.2020 um 15:12:',
    "fr": "Le mer. 6 mai 2020 à 15:12, Ann Lee <ann@shop.example> a écrit :",
    "es": "El mié, 6 may 2020 a las 15:12, Ann Lee (<ann@shop.example>) escribió:",
    "it": "Il giorno mer 6 mag 2020 alle ore 15:12 Ann Lee <ann@shop.example> ha scritto:",
    "pt": "Em qua., 6 de mai. de 2020 às 15:12, Ann Lee <ann@shop.example> escreveu:",
    "nl": "Op wo 6 mei 2020 om 15:12 schreef Ann Lee <ann@shop.example>:",
    "nl apple": "Op 6 mei 2020 om 15:12 heeft Ann Lee <ann@shop.example> het volgende geschreven:",
    "sv": "Den ons 6 maj 2020 kl 15:12 skrev Ann Lee <ann@shop.example>:",
    "no": "ons. 6. mai 2020 kl. 15:12 skrev Ann Lee <ann@shop.example>:",
    "da": "Den ons. 6. maj 2020 kl. 15.12 skrev Ann Lee <ann@shop.example>:",
    "fi": "ke 6. toukok. 2020 klo 15.12 Ann Lee (ann@shop.example) kirjoitti:",
    "pl": "śr., 6 maj 2020 o 15:12 Ann Lee <ann@shop.example> napisał(a):",
    "cs": "st 6. 5. 2020 v 15:12 odesílatel Ann Lee <ann@shop.example> napsal:",
    "hu": "Ann Lee <ann@shop.example> ezt írta (időpont: 2020. máj. 6., Sze, 15:12):",
    "ro": "În mie., 6 mai 2020 la 15:12, Ann Lee <ann@shop.example> a scris:",
    "ru": "ср, 6 мая 2020 г. в 15:12, Ann Lee <ann@shop.example>:",
    "ru apple": "6 мая 2020 г., в 15:12, Ann Lee <ann@shop.example> написал(а):",
    "uk": "ср, 6 трав. 2020 о 15:12 Ann Lee <ann@shop.example> пише:",
    "bg": "На ср, 6.05.2020 г. в 15:12 Ann Lee <ann@shop.example> написа:",
    "tr": "Ann Lee <ann@shop.example>, 6 May 2020 Çar, 15:12 tarihinde şunu yazdı:",
    "el": "Στις Τετ, 6 Μαΐ 2020 στις 3:12 μ.μ., ο χρήστης Ann Lee <ann@shop.example> έγραψε:",
    "he": "\u202bבתאריך יום ד׳, 6 במאי 2020 ב-15:12 מאת \u202aAnn Lee\u202c\u200f <\u202aann@shop.example\u202c\u200f>:\u202c",
    "ar": "في الأربعاء، ٦ مايو ٢٠٢٠ في ٣:١٢ م تمت كتابة ما يلي بواسطة Ann Lee <ann@shop.example>:",
    "ja": "2020年5月6日(水) 15:12 Ann Lee <ann@shop.example>:",
    "ja apple": "2020/05/06 15:12、Ann Lee <ann@shop.example>のメール:",
    "zh": "Ann Lee <ann@shop.example> 于2020年5月6日周三 下午3:12写道：",
    "zh apple": "在 2020年5月6日，下午3:12，Ann Lee <ann@shop.example> 写道：",
    "ko": "2020년 5월 6일 (수) 오후 3:12, Ann Lee <ann@shop.example>님이 작성:",
    "vi": "Vào Th 4, 6 thg 5, 2020 vào lúc 15:12 Ann Lee <ann@shop.example> đã viết:",
}  # fmt: skip


@pytest.mark.requirement("CA-11")
@pytest.mark.parametrize("language", ATTRIBUTIONS)
@pytest.mark.parametrize("old", ["> Your lamp is ready.\n> Ann\n", "Your lamp is ready.\n\nAnn\n"])
def test_the_line_above_a_quote_is_known_in_every_language(language: str, old: str) -> None:
    folded = fold(f"Danke, ich komme.\n\n{ATTRIBUTIONS[language]}\n\n{old}")
    assert folded.visible.strip() == "Danke, ich komme."
    assert "lamp is ready" in folded.folded


HEADERS = {
    "en": "From: Ann Lee <ann@shop.example>\nSent: Wednesday, May 6, 2020 3:12 PM\nTo: Bo Berg\nSubject: Your lamp",
    "en bold": "*From:* Ann Lee <ann@shop.example>\n*Sent:* Wednesday, May 6, 2020 3:12 PM\n*To:* Bo Berg\n*Subject:* Your lamp",
    "en wrapped": "From: Ann Lee\n<ann@shop.example>\nSent: Wednesday, May 6, 2020 3:12 PM\nTo: Bo Berg\n<bo@berg.example>\nSubject: Your lamp",
    "line": "________________________________\nFrom: Ann Lee <ann@shop.example>\nSent: Wednesday\nTo: Bo\nSubject: Your lamp",
    "de": "Von: Ann Lee\nGesendet: Mittwoch, 6. Mai 2020 15:12\nAn: Bo Berg\nBetreff: Lampe",
    "fr": "De : Ann Lee\nEnvoyé : mercredi 6 mai 2020 15:12\nÀ : Bo Berg\nObjet : Lampe",
    "es": "De: Ann Lee\nEnviado el: miércoles\nPara: Bo Berg\nAsunto: Lámpara",
    "it": "Da: Ann Lee\nInviato: mercoledì\nA: Bo Berg\nOggetto: Lampada",
    "pt": "De: Ann Lee\nEnviada em: quarta\nPara: Bo Berg\nAssunto: Lâmpada",
    "nl": "Van: Ann Lee\nVerzonden: woensdag\nAan: Bo Berg\nOnderwerp: Lamp",
    "sv": "Från: Ann Lee\nSkickat: onsdag\nTill: Bo Berg\nÄmne: Lampa",
    "no": "Fra: Ann Lee\nSendt: onsdag\nTil: Bo Berg\nEmne: Lampe",
    "fi": "Lähettäjä: Ann Lee\nLähetetty: keskiviikko\nVastaanottaja: Bo Berg\nAihe: Lamppu",
    "pl": "Od: Ann Lee\nWysłano: środa\nDo: Bo Berg\nTemat: Lampa",
    "cs": "Od: Ann Lee\nOdesláno: středa\nKomu: Bo Berg\nPředmět: Lampa",
    "hu": "Feladó: Ann Lee\nElküldve: szerda\nCímzett: Bo Berg\nTárgy: Lámpa",
    "ro": "De la: Ann Lee\nTrimis: miercuri\nCătre: Bo Berg\nSubiect: Lampa",
    "ru": "От: Ann Lee\nОтправлено: среда\nКому: Bo Berg\nТема: Лампа",
    "uk": "Від: Ann Lee\nНадіслано: середа\nКому: Bo Berg\nТема: Лампа",
    "tr": "Kimden: Ann Lee\nGönderildi: Çarşamba\nKime: Bo Berg\nKonu: Lamba",
    "el": "Από: Ann Lee\nΣτάλθηκε: Τετάρτη\nΠρος: Bo Berg\nΘέμα: Λάμπα",
    "he": "מאת: Ann Lee\nנשלח: יום רביעי\nאל: Bo Berg\nנושא: מנורה",
    "ar": "من: Ann Lee\nتم الإرسال: الأربعاء\nإلى: Bo Berg\nالموضوع: مصباح",
    "ja": "差出人: Ann Lee\n送信日時: 2020年5月6日\n宛先: Bo Berg\n件名: ランプ",
    "zh": "发件人: Ann Lee\n发送时间: 2020年5月6日\n收件人: Bo Berg\n主题: 灯",
    "zh full width": "寄件者：Ann Lee\n寄件日期：2020年5月6日\n收件者：Bo Berg\n主旨：燈",
    "ko": "보낸 사람: Ann Lee\n보낸 날짜: 2020년 5월 6일\n받는 사람: Bo Berg\n제목: 램프",
    "vi": "Từ: Ann Lee\nĐã gửi: Thứ Tư\nĐến: Bo Berg\nChủ đề: Đèn",
}  # fmt: skip


@pytest.mark.parametrize("language", HEADERS)
def test_the_header_lines_of_an_original_are_known_in_every_language(language: str) -> None:
    folded = fold(f"Thank you!\n\n{HEADERS[language]}\n\nYour lamp is ready.\n")
    assert folded.visible.strip() == "Thank you!"
    assert "lamp is ready" in folded.folded


@pytest.mark.parametrize(
    "mark",
    [
        "-----Original Message-----", "----- Original Message -----", "-------- Ursprüngliche Nachricht --------", "-----Message d'origine-----",
        "-----Mensaje original-----", "-----Messaggio originale-----", "-----Mensagem original-----", "-----Oorspronkelijk bericht-----",
        "-----Ursprungligt meddelande-----", "-----Alkuperäinen viesti-----", "-----Исходное сообщение-----", "------------------ 原始邮件 ------------------",
        "----- Reply message -----", "---Původní zpráva---", "-----원본 메시지-----", "##- Please type your reply above this line -##",
    ],
)  # fmt: skip
def test_the_mark_above_an_original_is_known(mark: str) -> None:
    folded = fold(f"Yes please.\n\n{mark}\n\nShall we send it?\n")
    assert folded.visible.strip() == "Yes please."


@pytest.mark.parametrize(
    "line",
    [
        "Sent from my iPhone", "Sent from my Galaxy S21 Ultra", "Sent from Outlook for iOS<https://aka.ms/x>", "Get Outlook for Android<https://aka.ms/x>",
        "Gesendet von meinem iPhone", "Von meinem Samsung Gerät gesendet", "Envoyé de mon iPhone", "Enviado desde mi iPhone", "Inviato da iPhone",
        "Verstuurd vanaf mijn iPhone", "Skickat från min iPhone", "Sendt fra min iPhone", "Lähetetty iPhonesta", "Wysłane z iPhone'a",
        "Отправлено с iPhone", "iPhoneから送信", "发自我的iPhone", "從我的 iPhone 傳送", "iPhone'umdan gönderildi", "Sent from my phone, please excuse typos",
        "(sent from a phone)", "Sent via mobile", "Sent from Mailbox for iPad", "Odesláno z iPhonu", "Enviado do meu iPhone",
    ],
)  # fmt: skip
def test_what_a_phone_adds_is_folded(line: str) -> None:
    folded = fold(f"I will come on Monday.\n\n{line}\n")
    assert folded.visible.strip() == "I will come on Monday."
    assert folded.blocks[-1].kind == "signature"


@pytest.mark.parametrize(
    "text",
    [
        "On Monday I wrote:\n\nthe lamp is broken.\nNothing came back.",
        "I called twice. On 6 May 2020 at 15:12 I wrote:\nplease send me another lamp.",
        "On page 3 of the manual the author wrote:\nPress the button.\nWhich button?",
        "On your side, what did the shop say?\n\nOn this day nothing worked.",
        "The notification was sent from my iPhone app to all users.",
        "Sent from my desk, which is easier than my phone to write on.",
        "From: now on I want letters\nTo: my new address, please",
        "I wanted to ask with regards to the lamp.\nAs regards the price, it is fine.",
        "Name: Bo Berg\nFrom: bo@berg.example\nSubject: Broken lamp\nMessage: it does not light",
        "My times:\n2020-05-06 14:30\n6.5.2020 14:30\nMay 6, 2020 at 14:30\nWhich one suits you?",
        "This is a fix -- not a signature.\nBye",
        "Prices:\n--------------------------------\nLamp 20\nBulb 3\n\nPlease tell me which of these you still sell, and whether they can be sent abroad.",
        "The message is confidential between us, please do not tell my husband.",
        ">>> >>> http://shop.example <<<",
        "```\n# not a heading\n####\ncode\n```\nEnd of the letter.",
    ],
)
def test_prose_that_looks_like_a_quote_stays_visible(text: str) -> None:
    assert fold(text).visible == text


def test_answers_between_quoted_lines_stay_visible_with_what_they_answer() -> None:
    text = "On Wed, May 6, 2020 at 3:12 PM Ann Lee <ann@shop.example> wrote:\n> Which colour?\n\nGreen.\n\n> Which size?\n\nThe big one.\n\n> Ann\n"
    folded = fold(text)
    for words in ("> Which colour?", "Green.", "> Which size?", "The big one."):
        assert words in folded.visible
    assert "wrote:" in folded.folded
    assert "> Ann" in folded.folded


def test_an_answer_below_the_quote_is_visible_and_the_quote_folded() -> None:
    folded = fold("On 6 May 2020, at 15:12, Ann Lee wrote:\n\n> Which colour?\n\nGreen, please.\n")
    assert folded.visible.strip() == "Green, please."


def test_an_answer_around_the_quote_is_visible() -> None:
    folded = fold(
        "Hello Ann,\n\nOn 6 May 2020, at 15:12, Ann Lee wrote:\n\n> Which colour?\n\nGreen.\n\nBo\n"
    )
    assert "Hello Ann," in folded.visible
    assert "Green." in folded.visible
    assert "Which colour" not in folded.visible


@pytest.mark.parametrize("mark", ["| ", "AL> "])
def test_other_marks_below_an_attribution_are_a_quote_and_the_answer_stays(mark: str) -> None:
    text = f"Hello,\n\nOn 6 May 2020, at 15:12, Ann Lee wrote:\n\n{mark}Which colour?\n{mark}Which size?\n\nGreen.\n"
    folded = fold(text)
    assert "Green." in folded.visible
    assert "Which colour?" in folded.folded


def test_the_answers_of_a_web_form_are_no_signature() -> None:
    text = "Order from the shop\n\n--------------------\nName: Bo Berg\nPhone: +49 30 1234567\nEmail: bo@berg.example\n"
    assert fold(text).visible.strip() == text.strip()


def test_words_on_the_line_of_the_attribution_are_kept() -> None:
    folded = fold("Yes On Wed, May 6, 2020 at 3:12 PM, ann@shop.example wrote:\n> Shall we?\n")
    assert folded.visible.strip() == "Yes"


def test_a_quoted_line_that_was_broken_without_its_mark_is_no_answer() -> None:
    text = "Yes.\n\nOn 6 May 2020, at 15:12, Ann Lee wrote:\n> This line was so long that the mail program broke it somewhere in\nthe middle.\n> End\n"
    assert fold(text).visible.strip() == "Yes."


FORWARDS = [
    "---------- Forwarded message ----------\nFrom: Ann Lee <ann@shop.example>\nDate: Wed\nSubject: Lamp\n\nYour lamp is ready.\n",
    "Begin forwarded message:\n\n> From: Ann Lee <ann@shop.example>\n> Subject: Lamp\n>\n> Your lamp is ready.\n",
    "> Begin forwarded message:\n>\n> From: Ann Lee <ann@shop.example>\n> Subject: Lamp\n>\n> Your lamp is ready.\n",
    "-------- Weitergeleitete Nachricht --------\nBetreff: Lampe\nVon: Ann\n\nYour lamp is ready.\n",
    "-------- Message transféré --------\nSujet : Lampe\nDe : Ann\n\nYour lamp is ready.\n",
    "---------- Vidarebefordrat meddelande ----------\nFrån: Ann\nÄmne: Lampa\n\nYour lamp is ready.\n",
    "---------- Пересылаемое сообщение ----------\nОт: Ann\nТема: Лампа\n\nYour lamp is ready.\n",
]


@pytest.mark.parametrize("forward", FORWARDS)
@pytest.mark.parametrize("before", ["", "See below.\n\n"])
def test_a_forwarded_letter_stays_visible(forward: str, before: str) -> None:
    assert "Your lamp is ready." in fold(before + forward).visible


def test_an_original_alone_is_what_the_writer_wants_to_show() -> None:
    assert "lamp is ready" in fold(f"{HEADERS['en']}\n\nYour lamp is ready.\n").visible


def test_signatures_and_disclaimers_are_folded_but_a_greeting_is_not() -> None:
    text = (
        "Please call me.\n\nBest regards,\nBo\n\n-- \nBo Berg\nBerg & Co\n+49 30 1234567\n\n"
        "**********\nThis e-mail and any files transmitted with it are confidential and intended solely for the addressee. "
        "If you have received this e-mail in error please notify us.\n**********\n"
    )
    folded = fold(text)
    assert folded.visible.strip() == "Please call me.\n\nBest regards,\nBo"
    assert [block.kind for block in folded.blocks] == ["said", "signature", "disclaimer"]


def test_the_foot_of_a_mailing_list_is_folded() -> None:
    text = "How do I reset it?\n\n_______________________________________________\nlamps mailing list\nlamps@lists.example\nhttps://lists.example/listinfo/lamps\n"
    assert fold(text).visible.strip() == "How do I reset it?"


PARTS = [
    "> quoted\n", ">> deep\n", "words\n", "\n", "-- \n", "--\n", "____________\n", "Sent from my iPhone\n", "-----Original Message-----\n",
    "On Wed, May 6, 2020 at 3:12 PM Ann <a@b.example> wrote:\n", "yes On 6 May 2020, at 15:12, Ann wrote:\n", "From: Ann <a@b.example>\n",
    "Sent: Wed\n", "To: Bo\n", "Subject: x\n", "---------- Forwarded message ----------\n", "\r\n", "\r", "\u2028", "\x0b", " ", "\ufeff", "*****\n",
    "This e-mail is confidential and intended solely for the use of the addressee named above.\n", "Am\n", "schrieb:\n", "<a@b.example>\n", "wrote:",
]  # fmt: skip


@pytest.mark.requirement("CA-11")
@given(st.lists(st.sampled_from(PARTS) | st.text(max_size=8), max_size=30).map("".join), st.booleans())
@settings(max_examples=600, deadline=None)
def test_the_blocks_joined_are_the_text(text: str, forwarded: bool) -> None:
    folded = fold(text, forwarded=forwarded)
    assert "".join(block.text for block in folded.blocks) == text
    assert all(block.text for block in folded.blocks)


MEGABYTE = 1_000_000
HOSTILE = {
    "marks": ">" * MEGABYTE, "marked lines": ">\n" * 500_000, "marks and words": "> a\nb\n\n" * 120_000, "spaces": " " * MEGABYTE,
    "blank lines": " \n" * 500_000, "on": "On " * 330_000, "on lines": "On \n" * 250_000, "dates": "On 3 May 2020 at 10:00 Bob\n" * 37_000,
    "almost": "On Mon, 3 May 2020 bob@shop.example wrote\n" * 23_000, "headers": "From: a@b.example\n" * 60_000, "dashes": "-" * MEGABYTE,
    "dash lines": "----------\n" * 90_000, "delimiters": "--\n" * 330_000, "phones": "x\n\nSent from my iPhone\n\n" * 40_000,
    "disclaimers": "this e-mail is confidential and intended solely for the use\n\n" * 16_000, "fences": "*****\nx\n" * 125_000,
    "wrote": "<a@b.example> wrote:\n" * 47_000, "one word": "x" * MEGABYTE, "colons": "a: b\n" * 200_000, "directions": "\u200f" * MEGABYTE,
}  # fmt: skip


@pytest.mark.parametrize("name", HOSTILE)
def test_a_megabyte_of_anything_is_folded_in_linear_time(name: str) -> None:
    started = time.process_time()
    fold(HOSTILE[name])
    assert time.process_time() - started < 5


GMAIL = '<div dir="ltr">Green.</div><br><div class="gmail_quote"><div class="gmail_attr">On Wed, May 6, 2020 at 3:12 PM Ann &lt;<a href="mailto:ann@shop.example">ann@shop.example</a>&gt; wrote:<br></div><blockquote class="gmail_quote">Which colour?</blockquote></div>'
QUOTED_HTML = {
    "gmail": GMAIL,
    "outlook": "<p>Green.</p><div style='border:none;border-top:solid #E1E1E1 1.0pt;padding:3.0pt 0cm 0cm 0cm'><p><b>Von:</b> Ann<br><b>Gesendet:</b> Mittwoch<br><b>An:</b> Bo<br><b>Betreff:</b> Lampe</p></div><p>Which colour?</p>",
    "outlook web": "<div>Green.</div><div id='appendonsend'></div><hr><div id='divRplyFwdMsg'><b>From:</b> Ann<br><b>Sent:</b> Wed<br><b>To:</b> Bo<br><b>Subject:</b> Lamp</div><div>Which colour?</div>",
    "apple": "<div>Green.</div><div><br><blockquote type='cite'><div>On May 6, 2020, at 3:12 PM, Ann &lt;ann@shop.example&gt; wrote:</div><div>Which colour?</div></blockquote></div>",
    "thunderbird": "<p>Green.</p><div class='moz-cite-prefix'>On 5/6/20 3:12 PM, Ann wrote:<br></div><blockquote type='cite' cite='mid:x'>Which colour?</blockquote>",
    "yahoo": "<div>Green.</div><div id='ydp1yahoo_quoted_1' class='ydp1yahoo_quoted'><div>On Wednesday, May 6, 2020, Ann wrote:</div><div>Which colour?</div></div>",
    "proton": "<div>Green.</div><div class='protonmail_quote'>On Wednesday Ann wrote:<br><blockquote>Which colour?</blockquote></div>",
    "hotmail": "<div>Green.<br><hr>Date: Wed, 6 May 2020 15:12:00 +0200<br>From: ann@shop.example<br>To: bo@berg.example<br>Subject: Lamp<br><br>Which colour?</div>",
    "plain blockquote": "Green.<div>On 6-May-2020, at 3:12 PM, Ann &lt;ann@shop.example&gt; wrote:</div><blockquote>Which colour?</blockquote>",
}  # fmt: skip


@pytest.mark.requirement("CA-11")
@pytest.mark.parametrize("program", QUOTED_HTML)
def test_the_quote_is_cut_out_of_html(program: str) -> None:
    visible, quoted = fold_html(QUOTED_HTML[program])
    assert html_to_text(visible).strip() == "Green."
    assert "Which colour?" in html_to_text(quoted)


def test_words_below_the_quoted_html_stay() -> None:
    visible, _ = fold_html("<div>message</div><blockquote type=cite>old</blockquote><div>Bo Berg</div>")
    assert html_to_text(visible).split() == ["message", "Bo", "Berg"]


def test_answers_between_quotes_in_html_stay() -> None:
    html = "<div class=gmail_quote><div>On Wed, May 6, 2020 at 3:12 PM Ann &lt;ann@shop.example&gt; wrote:</div><blockquote>Which colour?</blockquote><div>Green.</div><blockquote>Which size?</blockquote><div>Big.</div></div>"
    visible, _ = fold_html(f"<div>Hi</div>{html}")
    for words in ("Which colour?", "Green.", "Which size?", "Big."):
        assert words in html_to_text(visible)


def test_a_forwarded_letter_in_html_stays() -> None:
    html = "<div>FYI</div><div class=gmail_quote>---------- Forwarded message ---------<br>From: Ann<br>Subject: Lamp<br><br>Your lamp is ready.</div>"
    assert fold_html(html) == (html, "")


def test_html_that_is_all_quote_is_left_alone() -> None:
    html = "<blockquote type=cite>Which colour?</blockquote>"
    assert fold_html(html) == (html, "")


@given(
    st.lists(
        st.sampled_from(
            [
                *QUOTED_HTML.values(),
                "<div>",
                "</div>",
                "<blockquote>",
                "</blockquote>",
                "<hr>",
                "x",
                "<table><td>",
            ]
        ),
        max_size=6,
    ).map("".join)
)
@settings(max_examples=200, deadline=None)
def test_cutting_html_loses_no_words(html: str) -> None:
    visible, quoted = fold_html(html)
    assert sorted(_words(visible) + _words(quoted)) == sorted(_words(html))


def _words(html: str) -> list[str]:
    return [word for word in html_to_text(html).split() if word.isalpha()]


@pytest.mark.parametrize(
    "html",
    [
        "<div>" * 190_000,
        "<blockquote>a</blockquote>b" * 30_000,
        "<hr>From: " * 90_000,
        "<div class=gmail_quote>a" * 40_000,
    ],
)
def test_hostile_html_is_cut_in_linear_time(html: str) -> None:
    started = time.process_time()
    fold_html(html)
    assert time.process_time() - started < 5


@dataclass(frozen=True)
class Note:
    """As much of a letter as show() reads."""

    text: str = ""
    html: str = ""
    subject: str = "Re: Lamp"


def test_the_plain_text_is_shown_when_there_is_one() -> None:
    shown = show(Note(text="Green.\n\n> Which colour?\n", html=GMAIL))
    assert (shown.text.strip(), shown.from_html) == ("Green.", False)
    assert "Which colour?" in shown.folded


@pytest.mark.parametrize(
    "text", ["", " \n\u00a0\n", "This message is in HTML. Please use a reader that shows HTML."]
)
def test_the_html_is_shown_when_the_plain_text_says_nothing(text: str) -> None:
    shown = show(Note(text=text, html=GMAIL))
    assert (shown.text.strip(), shown.from_html) == ("Green.", True)
    assert "Which colour?" in shown.folded


def test_a_subject_that_says_forward_keeps_the_original_visible() -> None:
    text = f"Please look at this.\n\n{HEADERS['de']}\n\nYour lamp is ready.\n"
    assert "lamp is ready" in show(Note(text=text, subject="WG: Lampe")).text
    assert "lamp is ready" not in show(Note(text=text, subject="AW: Lampe")).text
    assert "Which colour?" in show(Note(html=QUOTED_HTML["outlook"], subject="Fwd: Lamp")).text


def test_a_letter_without_words_shows_nothing() -> None:
    assert show(Note()).text == ""


def test_nothing_of_a_very_long_text_is_dropped() -> None:
    for line in ("> quoted words\n", "said words\n", "On Monday Ann <ann@x.example> wrote:\n> a\n"):
        text = line * (MOST_CHARACTERS // len(line) + 5_000)
        assert "".join(block.text for block in fold(text).blocks) == text
