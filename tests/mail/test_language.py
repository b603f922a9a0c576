"""Telling languages apart in letters of a sentence or two."""

import pytest

from postroom.mail.language import find_language


@pytest.mark.parametrize(
    ("text", "code"),
    [
        ("Hello, where is my order? I have not heard from you.", "en"),
        ("Guten Tag, meine Bestellung ist noch nicht da, bitte prüfen Sie das.", "de"),
        ("Bonjour, je n'ai pas reçu ma commande, merci de me répondre.", "fr"),
        ("Hola, no he recibido mi pedido, gracias por su ayuda.", "es"),
        ("Olá, não recebi o meu pedido, obrigado pela ajuda.", "pt"),
        ("Buongiorno, non ho ricevuto il mio ordine, grazie.", "it"),
        ("Hallo, ik heb mijn bestelling niet ontvangen, bedankt.", "nl"),
        ("Dzień dobry, nie otrzymałem jeszcze zamówienia, proszę o odpowiedź.", "pl"),
        ("Здравствуйте, я не получил мой заказ, спасибо.", "ru"),
        ("Добрий день, я не отримав замовлення, дякую за відповідь.", "uk"),
        ("こんにちは、注文した商品がまだ届きません。", "ja"),
        ("您好，我还没有收到我的订单。", "zh"),
        ("안녕하세요, 주문한 상품이 아직 도착하지 않았습니다.", "ko"),
        ("שלום, עדיין לא קיבלתי את ההזמנה שלי.", "he"),
        ("مرحبا، لم أستلم طلبي بعد، شكرا لكم.", "ar"),
        ("Καλημέρα, δεν έχω λάβει την παραγγελία μου.", "el"),
    ],
)
def test_customers_are_told_apart(text, code):
    assert find_language(text) == code


def test_too_little_text_leaves_it_to_the_field():
    assert find_language("OK", "de-AT, en") == "de"
    assert find_language("OK") == ""
    assert find_language("", "<script>") == ""


def test_quotes_and_links_do_not_count():
    assert (
        find_language("Danke, ich habe es bekommen.\n> Where is the order that you sent to me and the bill\n")
        == "de"
    )
