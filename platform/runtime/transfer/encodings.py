"""In which encoding a text file was written: marks first, then proof, then evidence."""

from __future__ import annotations

import codecs
from collections.abc import Iterator
from itertools import pairwise
from pathlib import Path
from typing import BinaryIO

from metadata.problems import Invalid, kind
from runtime.filetypes import found_type

UNKNOWN_ENCODING = kind(
    "import_encoding_unknown",
    en="The text of this file cannot be read. Save it as CSV UTF-8 and try again, or name its encoding.",
    zh="无法识别该文件的文字编码。请另存为 CSV UTF-8 后重试，或指明其编码。",
)
WRONG_ENCODING = kind(
    "import_encoding_wrong",
    en="This file is not written in {encoding}. Leave the encoding out to have it detected, or name another.",
    zh="该文件不是 {encoding} 编码。请不指定编码（自动识别），或改用其他编码。",
)

NOT_TEXT = kind(
    "import_not_text",
    en="This file is no table of text; it looks like {found}. Save it as CSV UTF-8 or XLSX and try again.",
    zh="该文件不是文本表格，看起来是 {found}。请另存为 CSV UTF-8 或 XLSX 后重试。",
)

_SAMPLE = 65_536
_BLOCK = 1_048_576
_MARKS = (
    (codecs.BOM_UTF8, "utf-8-sig"),
    (codecs.BOM_UTF32_LE, "utf-32"),
    (codecs.BOM_UTF32_BE, "utf-32"),
    (codecs.BOM_UTF16_LE, "utf-16"),
    (codecs.BOM_UTF16_BE, "utf-16"),
)
# Frequent characters of Chinese business data: words of function, headers, surnames, places, companies.
_COMMON = frozenset(
    "的一是不了在人有我他这中大来上个国到说们为子和你地出道也时年得就那要下以生会自着去之过家学对可她里后小么心多天而能好都"
    "然没日于起还发成事只作当想看文无开手用主行方又如前所本见经头面公同三已老从动两长知民样现分将外但身些与高意进把法此实回"
    "二理美点月明其种声全工业务交易金额编号名称日期时间客户姓电话手机邮箱地址省市区县街路号有限责任公司科技股份集团贸易商品产"
    "品价格数量单位合计备注状态类型部门负责人联系方式收支付款账卡银行户余订单创建更新最新级别来源行业阶段预计机会销售总经理"
    "王李张刘陈杨赵黄周吴徐孙胡朱林何郭马罗梁宋郑谢韩唐冯董萧程曹袁邓许傅沈曾彭吕苏卢蒋蔡贾丁魏薛叶阎余潘杜戴夏钟汪田任姜范"
    "北京上海广州深圳杭南西东成都重庆武汉天津苏州江浙山河湖川云贵福建华信息网络文化投资发展建设电子服务证券成交费率结算代码"
)


def detect(path: Path) -> str:
    """The Python name of a file's encoding. Raises Invalid when nothing fits the whole file."""
    with path.open("rb") as stream:
        head = stream.read(_SAMPLE)
        for mark, name in _MARKS:
            if head.startswith(mark):
                return _proven(stream, name)
        if (wide := _unmarked_utf16(head)) is not None and not _is_binary(head.decode(wide, "replace").encode()):
            return _proven(stream, wide)
        if _is_binary(head):
            raise Invalid(NOT_TEXT(found=found_type(head)))
        for candidate in _candidates(head, stream):
            stream.seek(0)
            if decodes(stream, candidate):
                return candidate
    raise Invalid(UNKNOWN_ENCODING())


def _is_binary(head: bytes) -> bool:
    """Whether bytes are a picture, a program or the like: stray control characters stand in many a table."""
    control = sum(each < 9 or 13 < each < 32 for each in head)
    try:
        head[:-4].decode("utf-8")  # the end may lie inside a character
    except UnicodeDecodeError:
        return control * 50 > len(head)
    return control * 3 > len(head)


def _proven(stream: BinaryIO, encoding: str) -> str:
    stream.seek(0)
    if not decodes(stream, encoding):
        raise Invalid(UNKNOWN_ENCODING())
    return encoding


def checked(path: Path, encoding: str) -> str:
    """The named encoding, when the whole file is written in it."""
    try:
        name = encoding if encoding == "utf-8-sig" else codecs.lookup(encoding).name
        with path.open("rb") as stream:
            right = decodes(stream, name)
    except LookupError:
        right = False
    if not right:
        raise Invalid(WRONG_ENCODING(encoding=encoding))
    return name


def decodes(stream: BinaryIO, encoding: str) -> bool:
    """Whether everything from here to the end is text in that encoding."""
    decoder = codecs.getincrementaldecoder(encoding)("strict")
    try:
        while block := stream.read(_BLOCK):
            decoder.decode(block)
        decoder.decode(b"", final=True)
    except UnicodeError:
        return False
    return True


def _candidates(head: bytes, stream: BinaryIO) -> Iterator[str]:
    yield "utf-8"
    stream.seek(0)
    sample = _telling(stream) or head
    if _is_chinese(sample):
        yield "gb18030"
    yield from _ranked(sample)
    yield "gb18030"
    yield "cp1252"
    yield "latin-1"


def _telling(stream: BinaryIO) -> bytes:
    """The first lines that hold anything beyond ASCII: in a long file they may come late."""
    found, size, read = [], 0, 0
    while size < _SAMPLE and read < 64 * _BLOCK and (line := stream.readline(_SAMPLE)):
        read += len(line)
        if not line.isascii():
            found.append(line)
            size += len(line)
    return b"".join(found)


def _unmarked_utf16(head: bytes) -> str | None:
    """UTF-16 without its mark: mostly latin text has a zero in every second byte."""
    if len(head) < 4 or head.count(0) * 10 < len(head) * 3:
        return None
    return "utf-16-be" if head[0::2].count(0) > head[1::2].count(0) else "utf-16-le"


def _is_chinese(sample: bytes) -> bool:
    """Whether bytes read as GB18030 are words of Chinese rather than another language's bytes in pairs."""
    wide = [each for each in sample.decode("gb18030", errors="replace") if ord(each) > 0x7F]
    if not wide:
        return False
    frequent = sum(1 for each in wide if _is_first_level(each))
    hanzi = [each for each in wide if "\u4e00" <= each <= "\u9fff"]
    common = sum(1 for each in hanzi if each in _COMMON)
    return frequent * 10 >= len(wide) * 8 and common * 10 >= len(hanzi) * 3


def _is_first_level(character: str) -> bool:
    """Punctuation and the 3,755 most used characters of GB 2312."""
    try:
        pair = character.encode("gb2312")
    except UnicodeEncodeError:
        return False
    return 0xA1 <= pair[0] <= 0xA3 or 0xB0 <= pair[0] <= 0xD7


def _ranked(sample: bytes) -> list[str]:
    """What the statistics of the language suggest, the most natural words first."""
    from charset_normalizer import from_bytes  # for files that are none of the usual, so not with the program

    matches = [match.encoding for match in from_bytes(sample)]
    share, number = _wide(sample)
    if number < 4:
        return ["cp1252"]
    if matches[:1] and matches[0] in ("big5", "cp949", "euc_kr", "cp932", "euc_jp", "gb18030") and share > 0.3:
        return matches
    # Few letters beyond ASCII are accents of a western language; many are another script.
    if share < 0.3:
        return [*_regional(sample), "cp1252", *matches]
    named = dict.fromkeys([*matches, "cp1253", "iso8859_7", "cp1251"])
    return sorted(named, key=lambda name: _unlikeliness(sample, name))


def _wide(sample: bytes) -> tuple[float, int]:
    """The share of bytes beyond ASCII among letters, and their number."""
    letters = sum(1 for each in sample if each > 0x7F or chr(each).isalpha())
    number = sum(1 for each in sample if each > 0x7F)
    return number / max(letters, 1), number


def _regional(sample: bytes) -> list[str]:
    """A regional code page is believed only when its language was recognised."""
    from charset_normalizer import from_bytes

    match = from_bytes(sample).best()
    known = match is not None and match.language in ("Turkish", "Polish", "Czech", "Hungarian")
    return [match.encoding] if match is not None and known else []


_VOWELS = frozenset("aeiouyαεηιουωάέήίόύώаеиоуыэюяєіїё")


def _unlikeliness(sample: bytes, encoding: str) -> float:
    """How unlike words the text is: capitals and signs in the middle, vowels too few or too many."""
    try:
        text = "".join(each if ord(each) > 0x7F else " " for each in sample.decode(encoding))
    except (UnicodeDecodeError, LookupError):
        return 9.0
    letters = [each for each in text if each.isalpha()]
    signs = sum(1 for each in text if each != " " and not each.isalpha())
    capitals = sum(1 for before, each in pairwise(text) if before.islower() and each.isupper())
    vowels = sum(1 for each in letters if each.lower() in _VOWELS) / max(len(letters), 1)
    return (signs + 2 * capitals) / max(len(text.replace(" ", "")), 1) + abs(vowels - 0.45)
