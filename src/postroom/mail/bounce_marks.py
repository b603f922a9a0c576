"""The words by which people's servers say "not delivered": senders, subjects, phrases, and where our letter begins.

Only recognition; who did not get it is read in `bounce_text.py`. Every pattern is tried on single lines or on a text that
has been cut to `REPORT_LIMIT`, and none can run over a line end, so a hostile letter costs no more than a plain one.
"""

import re

from .caseless import AnyOf, fold_case

REPORT_LIMIT = 60_000
"""Characters of prose looked at; servers say what went wrong at the top."""

LINE_LIMIT = 1_000
"""Characters of one line looked at."""

SENDERS = re.compile(
    r"^(?:mailer-?daemon|mail-?daemon|mail-?er|postmaster|post_master|mdaemon|mail[. _-]?deliver\w*[. _-]?(?:sub)?system|"
    r"system administrator|daemon|mail administrator|bounces?|ndr|listserv|smtp|mx|mailgw|gwia|autoreply-bounce|"
    r"microsoftexchange[0-9a-f]+|complaints|fbl|feedback\w*|\w*antivirus\w*)$|mailer-daemon|postmaster",
    re.IGNORECASE,
)
_SENDER_NAMES = re.compile(
    r"mail delivery|mail(?:er)?[ -]daemon|system administrator|mail administrator|postmaster|mail system|jetmail|webshield|"
    r"delivery (?:system|subsystem|service)|internet mail delivery|mail deliver",
    re.IGNORECASE,
)
SUBJECTS = re.compile(
    r"undeliver(?:able|ed)|non[- ]?deliver|not delivered|deliver(?:y|ies) (?:has )?(?:status|failure|failed|problem|report|"
    r"notification|error|warning|unsuccessful|delayed)|(?:mail|message|e-?mail)(?: \w+)? (?:delivery|system|transfer) ?"
    r"(?:failed|failure|error|problem|warning|unsuccessful|status)?|failed delivery|failure (?:notice|delivery)|"
    r"returned (?:e-?)?mail|(?:mail|message) (?:returned|failure|failed|error|delayed|status)|failure notice|"
    r"could ?n.t be delivered|(?:could|can) ?not be delivered|cannot (?:be )?deliver|delay(?:ed)? mail|unable to deliver|"
    r"message delayed|user unknown|return(?:ed|ing) (?:mail|message|to sender)|delivery delayed|mail not delivered|"
    r"bounce|permanent (?:delivery )?(?:fatal )?error|delivery_failure|delivery to .{0,80} failed|warning: .{0,80}|"
    r"unzustellbar|nicht zugestellt|zustellung|non remis|non distribu|échec de la remise|remise impossible|no entregad|"
    r"no se (?:ha )?pu(?:do|ede|dieron) entregar|mancata consegna|non recapitabile|impossibile recapitare|onbestelbaar|niet bezorgd|"
    r"não (?:foi )?entregue|falha na entrega|devolvid|nie dostarczon|niedostarcz|не доставлен|недоставлен|не может быть доставлен|"
    r"配信不能|配信(?:の)?(?:失敗|エラー)|送信(?:できません|エラー)|エラー通知|退信|无法投递|无法送达|邮件传输失败|系统退信|投递失败|반송|배달",
    re.IGNORECASE,
)
# Words of which SUBJECTS, SENDERS and _SENDER_NAMES need one each: a first look that costs next to nothing.
_SUBJECT_WORDS = AnyOf(
    [
        "deliver",
        "system",
        "transfer",
        "failure",
        "failed",
        "return",
        "error",
        "delay",
        "status",
        "user unknown",
        "bounce",
        "warning: ",
        "zustell",
        "zugestellt",
        "non remis",
        "non distribu",
        "remise",
        "entreg",
        "no se ",
        "consegna",
        "recapit",
        "onbestelbaar",
        "niet bezorgd",
        "devolvid",
        "dostarcz",
        "доставлен",
        "配信",
        "送信",
        "エラー通知",
        "退信",
        "无法投递",
        "无法送达",
        "邮件传输失败",
        "投递失败",
        "반송",
        "배달",
    ]
)
_SENDER_WORDS = AnyOf(
    [
        "mail",
        "post",
        "mdaemon",
        "administrator",
        "daemon",
        "bounce",
        "ndr",
        "listserv",
        "smtp",
        "mx",
        "gwia",
        "microsoftexchange",
        "complaints",
        "fbl",
        "feedback",
        "antivirus",
    ]
)
_NAME_WORDS = AnyOf(["mail", "administrator", "postmaster", "webshield", "delivery"])
_PHRASES = re.compile(
    r"(?:could|can|was|were|been|has|have|is|are) ?(?:not|n't) (?:yet )?(?:be |been )?(?:successfully )?(?:deliver|sent to)|"
    r"cannot be delivered|unable to (?:be )?deliver|failed to deliver|wasn't able to deliver|not able to deliver|undeliver|"
    r"delivery (?:to|of|has|attempt|failed|error)|delevery to|(?:permanent|fatal|delivery) (?:fatal )?(?:delivery )?error|"
    r"did not (?:reach|receive)|error (?:occurred|was detected|delivering)|address(?:es)?\W{0,3}(?:es\W)? failed|returned (?:below|to sender)|"
    r"following (?:address|recipient)|failed (?:address|recipient)|not (?:been )?delivered|rejected by|was rejected|has been delayed|"
    r"non-delivery|transcript of (?:the )?session|mail could not|failure reasons|unknown user|user unknown|invalid final delivery|"
    r"mailbox exceeds|delivery problems|postponed|not (?:a |an )?member|no such user|email address is wrong|bounce notification|"
    r"送信できません|配信できません|送信に失敗|엔진|无法发送|无法送达|не может быть доставлено|nicht zugestellt|no pudo ser entregado|"
    r"non è stato possibile|mensagem nao pode|does not have a final email delivery",
    re.IGNORECASE,
)
DELAYED = re.compile(
    r"warning message only|this is (?:just |only )?a warning|a warning only|has been (?:delayed|postponed)|is delayed|message delayed|"
    r"not yet been delivered|been delayed|will (?:be retried|continue to (?:try|attempt)|keep trying|be attempted|continue trying)|"
    r"delivery attempts will|still (?:being retried|trying)|advisory-only|temporary failure report|delayed for more than|"
    r"do not need to re-?send|still awaiting delivery|is still in the queue|delivery delayed",
    re.IGNORECASE,
)
GIVEN_UP = re.compile(
    r"giving up|given up|permanent (?:error|failure|fatal)|failed permanently|not going to try again|was (?:not|aborted)|has been removed",
    re.IGNORECASE,
)
_ORIGINAL = re.compile(
    r"^[\s>|*=#_+.'\"-]{0,90}(?:"
    r"(?:below|the) (?:this|the|next)(?: next)? line is|below (?:this|the|next|is|are)|here is a copy|this is a copy of|"
    r"(?:included|enclosed|attached|attachment|following) is (?:a |the )?(?:copy|header|original)|"
    r"a copy of the (?:original|message)|unsent message|returned message|undelivered message|start of returned|"
    r"original message(?: headers?)?(?: follows?| below)?\W*$|original message headers?|"
    r"(?:message|mail) (?:text|headers?|header) (?:follow|is)|message headers? follow|the (?:original|non-delivered|returned) message (?:follows|is attached)|"
    r"(?:the )?(?:header|first \d+ lines?|header and top \d+ lines)(?:s)? (?:and top \d+ lines )?of (?:the|your) (?:original )?message|"
    r"header of the source mail|forwarded message|bounced e-?mail|contents of the undelivered|a summary of the undelivered|"
    r"your message reads|old message:|mensaje original|message contains \[|original (?:mail|letter|message)(?: info)?\W*$|"
    r"copy of (?:the|your) (?:original )?message|message non-deliverable|the original message follows|"
    r"ниже этой линии|附件中的内容|元のメール|-original message"
    r")",
    re.IGNORECASE,
)
_ORIGINAL_FIELD = re.compile(
    r"^(?:received|return-path|dkim-signature|x-originating-ip|x-received)\s?:", re.IGNORECASE
)


def is_about_delivery(subject: str) -> bool:
    """Whether a subject sounds like a report on a delivery."""
    return _SUBJECT_WORDS.are_in(fold_case(subject)) and SUBJECTS.search(subject) is not None


def is_daemon(address: str, name: str) -> bool:
    """Whether a From belongs to a mail server and not to a person; an empty one does."""
    local = address.rpartition("@")[0] or address
    if not local or (_SENDER_WORDS.are_in(fold_case(local)) and SENDERS.search(local.strip('"')[:200])):
        return True
    return is_daemon_name(name)


def is_daemon_name(name: str) -> bool:
    """Whether a display name is that of a mail system."""
    return _NAME_WORDS.are_in(fold_case(name)) and _SENDER_NAMES.search(name[:200]) is not None


def says_undelivered(report: str) -> bool:
    """Whether the prose reports a failed or late delivery."""
    return _PHRASES.search(" ".join(report[:REPORT_LIMIT].split())) is not None


def says_delayed(report: str) -> bool:
    """Whether the prose says that the server goes on trying."""
    words = " ".join(report[:REPORT_LIMIT].split())
    return DELAYED.search(words) is not None and GIVEN_UP.search(words) is None


def cut_original(text: str) -> tuple[list[str], str]:
    """(lines the server wrote, our letter or what is left of it), cut where the server says so or a Received begins."""
    lines = text[: REPORT_LIMIT * 4].split("\n")
    written = 0
    for at, line in enumerate(lines):
        short = line[:LINE_LIMIT]
        is_field = written and _ORIGINAL_FIELD.match(short)
        if is_field or (written and _ORIGINAL.match(short)):
            rest = lines[at:] if is_field else lines[at + 1 :]
            return _bounded(lines[:at]), "\n".join(rest)
        written += bool(short.strip())
    return _bounded(lines), ""


def _bounded(lines: list[str]) -> list[str]:
    kept, size = [], 0
    for line in lines:
        size += len(line[:LINE_LIMIT])
        if size > REPORT_LIMIT:
            break
        kept.append(line[:LINE_LIMIT].rstrip())
    return kept
