"""The words mail programs of many languages put around quoted text; tables only, no rules (those are in quotes.py).

The words are what Outlook, Apple Mail, Gmail, Thunderbird, Yahoo, Zimbra, Lotus Notes and the phones write. One line per
language, so that a reader of the language can check it. Compared without case.
"""

# language: (from, date, to, subject, copy), alternatives behind "|"
HEADERS: dict[str, tuple[str, str, str, str, str]] = {
    "en": ("from|sender", "sent|date|sent at|sent on", "to|recipient", "subject", "cc|bcc|reply-to|importance|attachments|resent-from|organization|priority"),
    "de": ("von|absender", "gesendet|datum|gesendet am|gesendet um", "an|empfänger", "betreff", "cc|kopie|bcc|antwort an|antwort-an|wichtigkeit|anlagen|priorität"),
    "fr": ("de|expéditeur|exp", "envoyé|envoyé le|date|date d'envoi|message du", "à|a|pour|destinataire", "objet|sujet", "cc|copie à|copie|cci|répondre à|importance"),
    "es": ("de|remitente", "enviado|enviado el|fecha|enviada", "para|a|destinatario", "asunto", "cc|cco|responder a|con copia|importancia"),
    "it": ("da|mittente", "inviato|data|inviato il|inviata", "a|per|destinatario", "oggetto", "cc|ccn|rispondi a|copia|priorità"),
    "pt": ("de|remetente", "enviado|enviada|data|enviado em|enviada em", "para|destinatário", "assunto", "cc|cco|responder a|responder para|com cópia"),
    "nl": ("van|afzender", "verzonden|datum|verzonden op|verstuurd", "aan|naar", "onderwerp", "cc|bcc|kopie|antwoord aan"),
    "sv": ("från|avsändare", "skickat|datum|skickades", "till", "ämne", "kopia|cc|svar till|prioritet"),
    "no": ("fra|avsender", "sendt|dato|sendt den", "til", "emne", "kopi|cc|svar til"),
    "da": ("fra|afsender", "sendt|dato|sendt den", "til", "emne|vedr", "cc|kopi|svar til"),
    "fi": ("lähettäjä|keneltä", "lähetetty|päivämäärä|päiväys|pvm", "vastaanottaja|kenelle", "aihe|otsikko", "kopio|cc|vastausosoite"),
    "is": ("frá", "sent|dagsetning", "til", "efni", "afrit"),
    "pl": ("od|nadawca", "wysłano|data|wysłane|wysłany", "do|adresat", "temat", "dw|do wiadomości|kopia|udw|odpowiedz do"),
    "cs": ("od|odesílatel", "odesláno|datum|odeslané|posláno", "komu|pro", "předmět", "kopie|skrytá"),
    "sk": ("od|odosielateľ", "odoslané|dátum|poslané", "komu|pre", "predmet", "kópia"),
    "sl": ("od|pošiljatelj", "poslano|datum", "za", "zadeva", "kp|kopija"),
    "hr": ("od|šalje|pošiljatelj", "poslano|datum", "za|prima", "predmet", "kopija"),
    "sr": ("од|шаље", "послато|датум", "за|прима", "предмет|наслов", "копија"),
    "hu": ("feladó|küldő", "elküldve|küldve|dátum|küldés dátuma", "címzett|címzettek", "tárgy", "másolatot kap|másolat"),
    "ro": ("de la|expeditor", "trimis|trimis la|data|dată", "către|catre|la", "subiect|subiectul", "cc|copie"),
    "ru": ("от|от кого|отправитель", "отправлено|дата|дата отправки", "кому|получатель", "тема", "копия|копии"),
    "uk": ("від|від кого|відправник", "надіслано|дата|відправлено", "кому|до", "тема", "копія"),
    "bg": ("от|подател", "изпратено|дата", "до", "относно|тема", "копие"),
    "el": ("από|αποστολέας", "στάλθηκε|ημερομηνία|απεσταλμένα|ημ/νία", "προς", "θέμα", "κοιν|κοινοποίηση"),
    "tr": ("kimden|gönderen", "gönderildi|tarih|gönderilme tarihi|gönderim", "kime|alıcı", "konu", "bilgi"),
    "et": ("saatja|kellelt", "saadetud|kuupäev", "saaja|kellele", "teema", "koopia"),
    "lv": ("no|sūtītājs", "nosūtīts|datums|sūtīts", "kam|adresāts", "tēma|temats", "kopija"),
    "lt": ("nuo|siuntėjas", "išsiųsta|data|siųsta", "kam|gavėjas", "tema", "kopija"),
    "he": ("מאת|מ", "נשלח|תאריך", "אל|ל|נמען", "נושא", "עותק"),
    "ar": ("من|المرسل", "تم الإرسال|التاريخ|أُرسلت|تاريخ الإرسال|مرسل", "إلى|الى|المستلم", "الموضوع", "نسخة"),
    "fa": ("از|فرستنده", "تاریخ|ارسال شده", "به|گیرنده", "موضوع", "رونوشت"),
    "ja": ("差出人|送信元|送信者|from", "送信日時|日時|日付|送信日", "宛先|送信先", "件名", "cc|返信先"),
    "zh": ("发件人|寄件者|寄件人|發件人|发信人", "发送时间|日期|寄件日期|傳送時間|發送時間|时间|发送日期|已发送|已傳送", "收件人|收件者", "主题|主旨|主題", "抄送|副本"),
    "ko": ("보낸 사람|보낸사람|발신", "보낸 날짜|날짜|보낸날짜", "받는 사람|받는사람|수신", "제목", "참조"),
    "vi": ("từ|người gửi", "đã gửi|ngày|gửi|thời gian", "đến|tới|người nhận", "chủ đề|tiêu đề", "cc|đồng gửi"),
    "th": ("จาก", "ส่ง|วันที่|ส่งเมื่อ", "ถึง", "เรื่อง", "สำเนา|สำเนาถึง"),
    "id": ("dari|pengirim", "dikirim|tanggal", "kepada|ke|untuk", "perihal|subjek|hal", "cc|tembusan"),
    "ca": ("de", "enviat|data", "per a|a|per", "assumpte|tema", "cc|còpia"),
}  # fmt: skip

# Words that say "wrote" in the line above a quote.
WROTE = (
    "wrote|writes|has written|said",
    "schrieb|geschrieben|hat geschrieben|schreibt|folgendes",
    "a écrit|écrivait|ecrit|a ecrit|a envoyé",
    "escribió|escribio|ha escrito|va escriure|ha escrit",
    "ha scritto|scrive|scritto",
    "escreveu|escreve",
    "schreef|het volgende geschreven|geschreven",
    "skrev|skrifaði|skreiv",
    "kirjoitti",
    r"napisał|napisała|napisał\(a\)|pisze",
    r"napsal|napsala|napsal\(a\)|napísal|napísala|napísal\(a\)|je napisal|je napisala|napisao|napisala|je napisao/la",
    "ezt írta|írta",
    "a scris",
    r"написал|написала|написал\(а\)|пишет|писал|написа|пише|писав|написав|написала|пишува",
    "έγραψε",
    "yazdı|şunu yazdı|şunları yazdı",
    "kirjutas|rakstīja|rašė|parašė",
    "כתב|כתבה|כתב/ה|מאת",
    "كتب|كتبت|تمت كتابة|نوشت",
    "のメール|さんが書きました|さんは書きました|さんのメッセージ|書きました|wrote",
    "写道|寫道|写到|提到",
    "님이 작성|작성|님의 말",
    "đã viết|viết",
    "menulis|เขียน|เขียนว่า",
)

# Words the line above a quote starts with.
OPENERS = (
    "on|at|in a message dated",
    "am|vom",
    "le|dans un message du",
    "el|en fecha",
    "il|in data|il giorno",
    "em|no dia|a",
    "op",
    "den|d|på|þann",
    "dnia|w dniu",
    "dne|dňa|dana|dne.",
    "în|pe data de|la data de",
    "в|у|на",
    "στις|την",
    "בתאריך|ב",
    "في|بتاريخ|در",
    "在|于",
    "vào|lúc",
    "pada|เมื่อ",
)

# What stands between dashes above an original.
ORIGINAL = (
    "original message|original appointment|original mail|originalmessage|reply message|original email",
    "ursprüngliche nachricht|originalnachricht|original-nachricht|ursprünglicher termin|ursprüngliche mail",
    "message d'origine|message original|message d’origine|message initial",
    "mensaje original|missatge original",
    "messaggio originale|messaggio original",
    "mensagem original",
    "oorspronkelijk bericht|origineel bericht|oorspronkelijke bericht",
    "ursprungligt meddelande|originalmeddelande|ursprungsmeddelande",
    "opprinnelig melding|original melding|opprinnelig meddelelse",
    "oprindelig meddelelse|oprindelig besked|original meddelelse|original besked",
    "alkuperäinen viesti",
    "wiadomość oryginalna|oryginalna wiadomość|oryginalny e-mail|treść oryginalnej wiadomości",
    "původní zpráva|původní e-mail|pôvodná správa|pôvodný e-mail|izvorno sporočilo|izvirno sporočilo|izvorna poruka|originalna poruka",
    "eredeti üzenet",
    "mesaj original|mesajul original|mesaj iniţial|mesaj inițial",
    "исходное сообщение|оригинальное сообщение|оригинал сообщения|первоначальное сообщение",
    "вихідне повідомлення|оригінальне повідомлення|початкове повідомлення|оригинално съобщение|първоначално съобщение",
    "αρχικό μήνυμα|πρωτότυπο μήνυμα",
    "orijinal mesaj|özgün ileti|orjinal mesaj",
    "הודעה מקורית|ההודעה המקורית",
    "الرسالة الأصلية|رسالة أصلية|پیام اصلی",
    "元のメッセージ|original message|オリジナルメッセージ",
    "原始邮件|原邮件|原始郵件|原始信件|邮件原件|原始信息|原始訊息",
    "원본 메시지|원본 메일|original message",
    "thư gốc|tin nhắn gốc|thư ban đầu",
    "pesan asli|ข้อความต้นฉบับ",
    "algne kiri|sākotnējais ziņojums|originalus laiškas|pirminis pranešimas",
)

# What stands above a letter that is passed on.
FORWARDED = (
    "forwarded message|forwarded by|forwarded mail|begin forwarded message|forwarded email|forward message",
    "weitergeleitete nachricht|weitergeleitete mail|weitergeleitet von|anfang der weitergeleiteten nachricht|anfang der weitergeleiteten e-mail",
    "message transféré|message transmis|début du message transféré|début du message réexpédié|message réexpédié|transféré par|courriel transféré",
    "mensaje reenviado|inicio del mensaje reenviado|reenviado por|missatge reenviat",
    "messaggio inoltrato|inizio messaggio inoltrato|inoltrato da|inizio del messaggio inoltrato",
    "mensagem encaminhada|mensagem reencaminhada|início da mensagem reencaminhada|início da mensagem encaminhada|encaminhado por",
    "doorgestuurd bericht|begin doorgestuurd bericht|doorgestuurde bericht|begin van doorgestuurd bericht",
    "vidarebefordrat meddelande|vidarebefordrat brev|påbörjat vidarebefordrat meddelande|vidarebefordrat mail|börja vidarebefordrat meddelande",
    "videresendt melding|videresendt meddelelse|start på videresendt melding|begynnelse på videresendt melding",
    "videresendt besked|videresendt mail|start på videresendt besked|begynder på videresendt meddelelse",
    "välitetty viesti|edelleenlähetetty viesti|välitetty viesti alkaa|välitetyn viestin alku",
    "wiadomość przekazana|przekazana wiadomość|wiadomość przesłana dalej|początek przekazywanej wiadomości|przesłana wiadomość|treść przekazanej wiadomości",
    "přeposlaná zpráva|přeposlaná správa|začátek přeposílané zprávy|preposlaná správa|posredovano sporočilo|proslijeđena poruka|prosleđena poruka|začiatok preposlanej správy",
    "továbbított üzenet|továbbított levél|továbbított levél kezdete|továbbított e-mail",
    "mesaj redirecționat|mesaj redirecţionat|mesaj transmis|începutul mesajului redirecționat|mesaj retransmis",
    "пересылаемое сообщение|пересланное сообщение|пересланное письмо|начало переадресованного сообщения|перенаправленное сообщение|начало переадресованного письма",
    "переслане повідомлення|пересланий лист|початок листа, що пересилається|препратено съобщение|препратено писмо",
    "προωθημένο μήνυμα|προωθούμενο μήνυμα|αρχή προωθημένου μηνύματος",
    "yönlendirilen mesaj|iletilen ileti|yönlendirilmiş mesaj|iletilmiş mesaj|iletilen mesaj|yönlendirilen ileti başlangıcı",
    "הודעה שהועברה|הודעה מועברת|תחילת ההודעה שהועברה",
    "رسالة محولة|الرسالة المحولة|رسالة معاد توجيهها|بدء الرسالة المعاد توجيهها|پیام هدایت شده",
    "転送メッセージ|転送されたメッセージ|転送メール|forwarded message",
    "转发的邮件|已转发邮件|转发邮件|轉寄郵件|轉寄的郵件|已轉寄的郵件|转发的邮件信息|下面是被转发的邮件|開始轉寄郵件|开始转发邮件",
    "전달된 메시지|전달된 메일|전달된 메시지 시작",
    "thư đã chuyển tiếp|thư được chuyển tiếp|tin nhắn được chuyển tiếp|bắt đầu thư được chuyển tiếp",
    "pesan terusan|pesan yang diteruskan|ข้อความที่ส่งต่อ",
    "edastatud kiri|edastatud sõnum|pārsūtīts ziņojums|persiųstas laiškas|persiųstas pranešimas",
)

# "Sent from my iPhone" and what else phones add, each with the device last or first.
SENT_FROM = (
    "sent from|sent via|sent with|sent using|sent by|sent through",
    "gesendet mit|gesendet von|von meinem|gesendet via|gesendet über|gesendet vom",
    "envoyé de|envoyé depuis|envoyé à partir|envoyé par|envoyé avec|envoyé via",
    "enviado desde|enviado con|enviado por|enviado mediante|enviat des",
    "inviato da|inviato dal|inviato con|inviato tramite|inviata da",
    "enviado do|enviado de|enviado pelo|enviado por|enviado a partir|enviado via|enviado com",
    "verzonden met|verzonden vanaf|verzonden via|verstuurd vanaf|verstuurd met|verstuurd via|verzonden vanuit",
    "skickat från|skickat med|skickades från|skickat via",
    "sendt fra|sendt med|sendt via|sendt frå",
    "lähetetty|lähetin",
    "wysłane z|wysłano z|wysłane przez|wysłany z",
    "odesláno z|posláno z|odoslané z|poslané z|poslano z|odoslané zo|poslano iz",
    "elküldve|küldve|az én",
    "trimis de pe|trimis din|trimis de la",
    "отправлено с|отправлено из|отправлено от|отправлено через",
    "надіслано з|відправлено з|изпратено от",
    "στάλθηκε από|αποστολή από",
    "gönderildi|gönderilmiştir",
    "נשלח מ|נשלח מה",
    "أرسلت من|مرسل من|تم الإرسال من|ارسال شده از",
    "から送信",
    "发自我的|发自|從我的|傳送自我的|从我的|发送自|來自我的|寄自",
    "나의|에서 보냄|에서 보냈습니다",
    "đã gửi từ|gửi từ|được gửi từ",
    "dikirim dari|ส่งจาก",
    "saadetud minu|nosūtīts no|išsiųsta iš",
)

# A word of one of these makes a short "sent from" line sure.
DEVICES = (
    "iphon|iphone|ipad|ipod|ios|android|samsung|galaxy|huawei|honor|xiaomi|redmi|oneplus|pixel|nokia|htc|lg|sony|xperia|motorola|oppo|vivo|"
    "wiko|alcatel|blackberry|windows|surface|outlook|yahoo|gmail|proton|protonmail|k-9|thunderbird|airmail|mailbox|spark|bluemail|"
    "typeapp|aqua mail|aquamail|nine|mail|phone|smartphone|tablet|mobile|handy|mobilgerät|mobiltelefon|smarttelefon|telefon|telefoon|"
    "téléphone|teléfono|móvil|telefono|cellulare|telemóvel|celular|matkapuhelin|puhelin|mobil|telefonu|telefón|telefonom|телефон|"
    "телефона|смартфона|смартфон|устройства|iphonem|手机|手機|휴대폰|スマートフォン|携帯|gmx|web.de|t-online|orange|libero|tiscali|"
    "virgilio|mail.ru|yandex|яндекс|hotmail|newton|edison|polymail|superhuman|hey|front|myMail|zoho|fairphone|mac|macbook|imac|apple watch|"
    "cell|wireless|handheld|verizon|at&t|t-mobile|vodafone|sprint"
)

# A paragraph with some of these at the end of a letter is a disclaimer: words of which the pattern needs one, and the pattern.
DISCLAIMERS = (
    (
        "intended|meant",
        r"(?:intended|meant)\s+(?:solely|only|exclusively)?\s*(?:for|to)\b.{0,80}(?:addressee|recipient|individual|person|entity|named|use)",
    ),
    ("not the", r"\bnot the (?:intended|named|correct) (?:recipient|addressee)"),
    ("in error", r"(?:received|sent to you|receive) (?:this|it)?\s?.{0,40}\bin error\b"),
    (
        "confidential|privileged|private",
        r"(?:e-?mail|message|communication|transmission)\b.{0,60}\b(?:is|are|may be|may contain|contains?)\b.{0,60}\b(?:confidential|privileged|private)",
    ),
    ("confidential", r"\bconfidential(?:ity)? (?:notice|information|and)"),
    ("virus", r"\b(?:swept|scanned|checked) (?:for|by)\b.{0,80}virus"),
    ("virus", r"virus (?:scanning|free|scanned)|certified virus"),
    (
        "logged|monitored|recorded",
        r"(?:logged|monitored|recorded)\b.{0,60}\b(?:logged|monitored|recorded|legal purposes)",
    ),
    ("monitor", r"monitors? all (?:internet|incoming|outgoing|e-?mail)"),
    ("disclaimer", r"^\W*disclaimer\b"),
    (
        "before printing|before you print",
        r"consider the environment before printing|think before you print|before printing this",
    ),
    (
        "vertraulich",
        r"vertraulich\w*.{0,120}(?:e-?mail|nachricht|information|empfänger|adressat)|(?:e-?mail|nachricht|inhalt)\b.{0,120}vertraulich",
    ),
    (
        "nicht der|irrt",
        r"nicht der (?:richtige|beabsichtigte|vorgesehene) (?:adressat|empfänger)|irrtümlich erhalten",
    ),
    (
        "confidentiel|destinataire|par erreur",
        r"(?:message|courriel|pièces? jointes?|e-?mail)\b.{0,120}confidentiel|destinataire.{0,60}(?:prévu|visé)|par erreur.{0,60}(?:détruire|supprimer|avertir)",
    ),
    (
        "confidencial|destinatario",
        r"(?:mensaje|correo|e-?mail)\b.{0,120}confidencial|destinatario.{0,80}(?:error|indicado|notific)",
    ),
    (
        "riservat|confidenzial|ricevuto",
        r"(?:messaggio|informazioni|e-?mail|comunicazione)\b.{0,160}(?:riservat|confidenzial)|ricevuto (?:questo|il presente).{0,40}per errore",
    ),
    (
        "confidencia|recebeu",
        r"(?:mensagem|e-?mail|informaç\w+)\b.{0,120}confidencia|recebeu esta mensagem por (?:engano|erro)",
    ),
    (
        "vertrouwelijk|uitsluitend|niet de",
        r"(?:bericht|e-?mail)\b.{0,120}vertrouwelijk|uitsluitend bestemd voor|niet de geadresseerde",
    ),
    (
        "konfidentiel|konfidensiel|fortrolig",
        r"(?:meddelande|melding|meddelelse|e-?post|mail)\w*\b.{0,120}(?:konfidentiel|konfidensiel|fortrolig)",
    ),
    ("poufn|nie jest", r"(?:wiadomość|e-?mail)\b.{0,120}poufn|nie jest(?:eś| pan).{0,40}adresatem"),
    ("конфиденциальн", r"(?:сообщени|письм)\w*.{0,120}конфиденциальн"),
    ("本邮件|機密|秘密情報", r"本邮件.{0,60}(?:保密|机密)|機密|秘密情報"),
)


def alternatives(*groups: str) -> list[str]:
    """All words of the groups, longest first, each once."""
    words = {word.strip() for group in groups for word in group.split("|")}
    return sorted(words - {""}, key=lambda word: (-len(word), word))
