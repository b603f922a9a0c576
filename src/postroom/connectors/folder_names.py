"""Folder names between the server's bytes and our text, and what a folder is for. No network.

IMAP writes names in modified UTF-7 (RFC 3501 section 5.1.3). Servers also send names that break this rule; those are
shown as `raw:` with percent-encoded bytes, so that every name goes back to the server exactly as it came.
"""

from __future__ import annotations

from collections.abc import Iterable
from urllib.parse import quote_from_bytes, unquote_to_bytes

from imapclient import imap_utf7

from postroom.connectors.base import Folder

RAW = "raw:"

# SPECIAL-USE attributes (RFC 6154), compared in lower case: Cyrus sends \sent, Gmail's XLIST used \Spam and \Starred
BY_ATTRIBUTE = {
    "\\inbox": "inbox",
    "\\sent": "sent",
    "\\drafts": "drafts",
    "\\trash": "trash",
    "\\junk": "junk",
    "\\spam": "junk",
    "\\archive": "archive",
    "\\all": "all",
    "\\allmail": "all",
}

# What folders are called where the server does not say: the words of common servers and mail programs, lower case
BY_NAME = {
    "sent": (
        "sent", "sent items", "sent messages", "sent mail", "sent-mail", "gesendet", "gesendete elemente", "gesendete objekte",
        "gesendete nachrichten", "envoyés", "éléments envoyés", "messages envoyés", "enviados", "elementos enviados",
        "mensajes enviados", "itens enviados", "inviati", "posta inviata", "elementi inviati", "verzonden", "verzonden items",
        "skickat", "skickade objekt", "sendt", "sendte elementer", "sendt post", "lähetetyt", "wysłane", "elementy wysłane",
        "odeslané", "odeslaná pošta", "odoslané", "elküldött elemek", "отправленные", "надіслані", "gönderilmiş öğeler",
        "gönderilmiş postalar", "送信済みアイテム", "送信済みメール", "已发送", "已发送邮件", "寄件備份", "보낸 편지함", "보낸메일함",
        "απεσταλμένα", "trimise", "изпратени", "poslano", "saadetud", "nosūtītie", "išsiųsti",
    ),
    "drafts": (
        "drafts", "draft", "entwürfe", "entwurf", "brouillons", "borradores", "rascunhos", "bozze", "concepten", "utkast",
        "kladder", "luonnokset", "szkice", "wersje robocze", "koncepty", "rozepsané", "piszkozatok", "черновики", "чернетки",
        "taslaklar", "下書き", "草稿", "草稿箱", "임시 보관함", "임시보관함", "πρόχειρα", "ciorne", "чернови", "nacrti", "skice",
    ),
    "trash": (
        "trash", "deleted", "deleted items", "deleted messages", "bin", "papierkorb", "gelöscht", "gelöschte elemente",
        "gelöschte objekte", "corbeille", "éléments supprimés", "papelera", "elementos eliminados", "lixo", "lixeira",
        "itens excluídos", "cestino", "posta eliminata", "elementi eliminati", "prullenbak", "verwijderde items", "papperskorgen",
        "borttaget", "borttagna objekt", "slettet post", "slettede elementer", "papirkurv", "roskakori", "poistetut", "kosz",
        "elementy usunięte", "koš", "odstraněná pošta", "kôš", "törölt elemek", "lomtár", "корзина", "удаленные", "удалённые",
        "кошик", "çöp kutusu", "silinmiş öğeler", "ごみ箱", "削除済みアイテム", "已删除", "已删除邮件", "刪除的郵件", "지운 편지함",
        "휴지통", "κάδος απορριμμάτων", "διαγραμμένα", "coș de gunoi", "кошче", "smeće",
    ),
    "junk": (
        "junk", "junk mail", "junk email", "junk e-mail", "spam", "bulk mail", "bulk", "spamverdacht", "unerwünscht",
        "unerwünschte werbung", "werbung", "courrier indésirable", "indésirables", "pourriel", "correo no deseado",
        "correo basura", "lixo eletrônico", "posta indesiderata", "ongewenste e-mail", "ongewenste reclame", "skräppost",
        "søppelpost", "uønsket mail", "roskaposti", "wiadomości-śmieci", "nevyžádaná pošta", "nevyžiadaná pošta", "levélszemét",
        "нежелательная почта", "спам", "önemsiz e-posta", "gereksiz", "迷惑メール", "垃圾邮件", "垃圾郵件", "스팸", "정크 메일",
        "ανεπιθύμητη αλληλογραφία", "mesaje nedorite", "спам поща", "neželena pošta",
    ),
    "archive": (
        "archive", "archives", "archiv", "archivo", "arquivo", "archivio", "archief", "arkiv", "arkisto", "archiwum", "archív",
        "архив", "архів", "arşiv", "アーカイブ", "存档", "封存", "보관함", "αρχειοθήκη", "arhivă", "arhiv",
    ),
    "outbox": (
        "outbox", "postausgang", "boîte d'envoi", "bandeja de salida", "posta in uscita", "postvak uit", "utkorg", "utboks",
        "udbakke", "lähtevät", "skrzynka nadawcza", "исходящие", "giden kutusu", "送信トレイ", "发件箱",
    ),
    "all": ("all mail", "alle nachrichten", "tous les messages", "todos"),
}  # fmt: skip

ROLE_OF = {name: role for role, names in BY_NAME.items() for name in names}
NOT_RECEIVING = {"sent", "drafts", "trash", "outbox", "archive", "all"}


def name_of(wire: bytes) -> str:
    """The folder name as text. Anything that would not go back to the same bytes comes out as `raw:...`."""
    try:
        name = imap_utf7.decode(wire) if wire.isascii() else ""
    except (UnicodeError, ValueError):
        name = ""
    printable = all(ord(c) >= 32 and ord(c) != 127 and not 0xD800 <= ord(c) <= 0xDFFF for c in name)
    if name and printable and not name.startswith(RAW) and imap_utf7.encode(name) == wire:
        return name
    return RAW + quote_from_bytes(wire, safe=" /.[]()")


def wire_of(name: str) -> bytes:
    """The bytes of a folder name on the wire, unquoted."""
    if name.startswith(RAW):
        return unquote_to_bytes(name[len(RAW) :])
    return imap_utf7.encode(name)


def role_of(name: str, attributes: Iterable[str], delimiter: str = "") -> str:
    """inbox, sent, drafts, trash, junk, archive, outbox, all, or '' - by what the server says, else by the name."""
    for attribute in attributes:
        if role := BY_ATTRIBUTE.get(attribute.lower()):
            return role
    if name.upper() == "INBOX":
        return "inbox"
    last = name.rpartition(delimiter)[2] if delimiter else name
    return ROLE_OF.get(last.strip().casefold(), "") or ROLE_OF.get(last.strip().lower(), "")


def receiving(folders: Iterable[Folder], delimiter: str = "/") -> list[Folder]:
    """The folders where mail arrives: all but Sent, Drafts, Trash, Outbox, archives and whatever lies in those."""
    folders = list(folders)
    closed = [f.name for f in folders if f.role in NOT_RECEIVING]

    def inside(name: str) -> bool:
        return any(name == top or (delimiter and name.startswith(top + delimiter)) for top in closed)

    return [f for f in folders if f.selectable and not inside(f.name)]
