"""The language a letter is written in, from its script and its commonest words. A hint for routing, not a linguist.

Nothing is loaded and nothing learnt: some twenty small words per language tell a customer's letter of two sentences apart.
What is too short or mixed gives the letter's own Content-Language, or nothing.
"""

import re
from collections import defaultdict
from collections.abc import Iterator
from itertools import islice
from operator import itemgetter
from typing import Final

READ_CHARS: Final = 6_000
"""How much of a text is looked at."""
ENOUGH_WORDS: Final = 2
"""Common words that must be found."""
CLEARLY: Final = 1.1
"""How many times better the best language must be than the next."""

_COMMON = {
    "en": "the and you your for with this that have not are was our please thank from would can will has been to of is in we it on be if my",
    "de": "der die das und ich nicht ist sie mit den von für auf ein eine wir bitte haben es dem zu wird sind werden wie kann mir noch auch vielen",
    "fr": "le la les des et est vous je pas pour une dans que nous avec sur mon votre merci bonjour ce du au sont qui cette ne plus avez",
    "es": "el la los las que de y en un una por con para no su se del mi gracias hola es usted como pero más está son al ha lo si este",
    "pt": "o a os as que de e em um uma por com para não seu se do da meu obrigado olá é você como mas mais está são ao foi no na dos esta",
    "it": "il la le di e che un una per con non mio sono del della grazie buongiorno è come ma più questo alla dei gli ho da nel si al lei",
    "nl": "de het een en van ik niet is dat voor met op u zijn wij heeft bedankt te aan mijn uw we ook naar deze wordt als bij kunt hebben om",
    "sv": "och att det jag är en som inte på för med har vi till av kan den din mitt ett men om hej tack från ni ska eller",
    "da": "og at det jeg er en som ikke på for med har vi til af kan den din mit et men om hej tak fra du skal eller hvad blev",
    "nb": "og at det jeg er en som ikke på for med har vi til av kan den din mitt et men om hei takk fra du skal eller hva ble",
    "fi": "ja on ei että se en olen hän mutta kun niin tämä ole kiitos hei voi tai minun sinun oli joka ovat myös viesti jos",
    "pl": "i w nie na się z do jest to że jak ale mam proszę dziękuję dzień dobry czy dla od po o tak za przez oraz może są lub być",
    "cs": "a se v na je že to s z do jsem ale jak prosím děkuji dobrý den pro by jste od co tak nebo být při této není pokud vaše může po",
    "sk": "a sa v na je že to s z do som ale ako prosím ďakujem dobrý deň pre by ste od čo tak alebo byť pri tejto nie je ak vaša môže po",
    "hu": "a az és nem hogy egy van ez is meg de kérem köszönöm jó napot ha csak volt vagy mint már el lehet ön szerint után üzenet",
    "ro": "și nu este în la de cu pe o un pentru din care să mai vă mulțumesc bună ziua sunt că am dar sau prin fi dumneavoastră acest",
    "tr": "ve bir bu için ile da de ne çok olarak var ben teşekkürler merhaba mı değil sizin daha gibi kadar en bunu ya veya olan size lütfen",
    "id": "yang dan di untuk dengan ini tidak dari saya anda ke itu adalah terima kasih akan pada telah bisa dalam atau oleh silakan kami ada",
    "ca": "el la els les que de i en un una per amb no del és com més gràcies hola aquest aquesta ha són al ho si dels vostra",
    "hr": "i u je se na da za od su nije što ali kako molim hvala dobar dan sam ili bi s koji će vaša može ako ovaj",
    "sl": "in je v na se da za ne so kot pa ki bi ali hvala prosim dober dan sem od z iz po lahko vaše če tega",
    "et": "ja on ei et see ma kui oma aga ka või tere aitäh palun ning mis siis selle oli teie kas sõnum",
    "lv": "un ir ar no par uz kas nav es jūs lai vai bet paldies labdien lūdzu to kā pēc pie šo jūsu var ja",
    "lt": "ir yra kad į su iš ne tai aš jūs kaip bet ačiū laba diena prašau už ar nuo apie jei šis jūsų bus arba",
    "vi": "và của là không có cho được một với này tôi các xin cảm ơn bạn để trong những đã người khi từ sẽ chúng",
    "eo": "la kaj de en estas al ne por ke vi mi kun ĉi tiu ĝi sed aŭ el sur da ili pri povas via dankon tiun",
    "eu": "eta da ez bat du dira hau ere egin izan dut edo baina mezu zure eskerrik kaixo bere zen hori",
    "gl": "o a os as que de e en un unha por con para non do da é como máis grazas ola este esta son ao foi no na dos vostede",
    "ru": "и в не на что я с это как по но у за от вы мы для он пожалуйста спасибо здравствуйте меня мне бы так если был из к или ваш",
    "uk": "і в не на що я з це як по але у за від ви ми для він будь ласка дякую добрий день мене мені є так якщо та до або ваш",
    "bg": "и в не на че аз с това как по но у за от вие ние да е моля благодаря здравейте се ме ми ще са или ви към този тази който ако",
    "sr": "и у не на да се је са за од су што али како молим хвала добар дан сам или би који ће ваша може ако овај",
}  # fmt: skip

_WEIGHT: dict[str, list[tuple[str, float]]] = {}
for _code, _words in _COMMON.items():
    for _word in set(_words.split()):
        _WEIGHT.setdefault(_word, []).append((_code, 1.0))
_WEIGHT = {word: [(code, 1 / len(found) ** 0.5) for code, _ in found] for word, found in _WEIGHT.items()}

_SCRIPTS = (
    ("ja", re.compile("[\u3041-\u30ff]")),
    ("ko", re.compile("[\uac00-\ud7a3\u1100-\u11ff]")),
    ("zh", re.compile("[\u4e00-\u9fff]")),
    ("he", re.compile("[\u05d0-\u05ea]")),
    ("ar", re.compile("[\u0621-\u064a]")),
    ("el", re.compile("[\u0370-\u03ff]")),
    ("th", re.compile("[\u0e01-\u0e5b]")),
    ("hi", re.compile("[\u0905-\u0939]")),
    ("ka", re.compile("[\u10d0-\u10fa]")),
    ("hy", re.compile("[\u0531-\u0587]")),
)
_PERSIAN = re.compile("[پچژگکی]")
_LETTERS = re.compile(r"[^\W\d_]")
_WORD = re.compile(r"[^\W\d_]+")
_TAG = re.compile(r"\s*([A-Za-z]{2,3})(?:[-_][A-Za-z0-9]{2,8})*\s*(?:,|$)")


def find_language(text: str, stated: str = "") -> str:
    """A code of ISO 639-1 for the text, else the first of a Content-Language field; empty if neither tells."""
    text = " ".join(_prose(text[:READ_CHARS]))
    return _by_script(text) or _by_words(text) or _read_tag(stated)


def _prose(text: str) -> Iterator[str]:
    """The words outside quotes that are no addresses, links or file names."""
    for line in text.split("\n"):
        if not line.lstrip().startswith(">"):
            yield from (
                word
                for word in line.split()
                if "@" not in word and "://" not in word and "." not in word[1:-1]
            )


def _by_script(text: str) -> str:
    if text.isascii():
        return ""
    letters = len(_LETTERS.findall(text))
    for code, script in _SCRIPTS:
        share = len(script.findall(text)) / letters if letters else 0
        if share > (0.05 if code in ("ja", "ko") else 0.25):
            return "fa" if code == "ar" and len(_PERSIAN.findall(text)) * 20 > letters else code
    return ""


def _by_words(text: str) -> str:
    scores: defaultdict[str, float] = defaultdict(float)
    found = 0
    for match in islice(_WORD.finditer(text.lower()), 800):
        weights = _WEIGHT.get(match[0])
        if weights:
            found += 1
            for code, weight in weights:
                scores[code] += weight
    ranked = sorted(scores.items(), key=itemgetter(1), reverse=True)[:2]
    if found < ENOUGH_WORDS or not ranked:
        return ""
    if len(ranked) > 1 and ranked[0][1] < ranked[1][1] * CLEARLY:
        return ""
    return ranked[0][0]


def _read_tag(stated: str) -> str:
    match = _TAG.match(stated)
    return match[1].lower() if match else ""
