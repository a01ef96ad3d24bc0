"""The order of classes by their names: what is healthy is class 0, so that of two classes the disease is class 1.

Names are understood in English and Chinese. Where none of them, or all, seem to be healthy, the alphabet decides.
"""
from __future__ import annotations

import re
import unicodedata
from collections.abc import Sequence

_NUMBER = re.compile(r"-?\d+(\.\d+)?")
_HUMP = re.compile(r"(?<=[a-z])(?=[A-Z])")  # NoDR, no-dr and "No DR" are the same two words
_CHINESE = re.compile(r"[\u4e00-\u9fff]")
_WORD = re.compile(r"[^\W\d_]{2}|[\u4e00-\u9fff]")  # one letter says nothing
_HEALTHY = {"healthy", "normal", "normals", "control", "controls", "unaffected", "wnl"}  # within normal limits
# What may stand beside them. Anything else may make a disease of it: normal tension glaucoma, myopia control.
_BESIDE = re.compile(
    "[a-z]|(?:the|of|within|limit|and|eye|fundus|retina|retinal|optic|disc|disk|nerve|macula|oct|cfp|left|right|od|os|image|photo"
    "|photograph|picture|scan|subject|patient|volunteer|participant|people|person|cohort|case|set|data|group|class|grade"
    "|stage|level)s?"
)
_WITHOUT = ("no", "not", "without", "non")
_ABSENT = {"negative", "free", "absent"}
# What is not normal is not healthy, and of what cannot be graded nothing is known.
_UNTOLD = re.compile(
    "healthy|normal|control|un|grad[aei]|assess|readable|usable|avail|label|classif|diagnos|sure|certain|known|clear"
    "|image|photo|data|view|information|quality"
)
# Non-proliferative retinopathy is one, unlike non-referable retinopathy: such words say which kind of a disease it is.
_KIND = re.compile(
    "prolif|exudat|neovasc|vascular|arter|isch|perfus|infect|inflam|granul|specific|central|progress|severe|mydri"
    "|rhegmat|contact|invas|compl|cyst"
)
_GRADED = re.compile("refer|vision|sight")  # non-referable retinopathy
_SAYS_HEALTHY = re.compile(
    "(?:眼底|视网膜|双眼|左眼|右眼|眼)?(?:正常|健康|阴性|陰性|对照|對照)"
    "(?:正常|健康|阴性|陰性|对照|對照|的|眼底|视网膜|眼睛|眼|组|組|人群|人|者|类|图像|图片|照片|图|样本|病例|志愿者|受试者)*|.+(?<![假非不])[阴陰]性|无|無"
)
_SAYS_WITHOUT = re.compile(
    "(?:非|无|無|没有|沒有|没(?=病)|未见|未見|未患|未发现|未检出)"
    "(?!正常|健康|对照|阴性|增|渗出|动脉|缺血|灌注|感染|特异|新生血管|接触|晶|法|效|脉|光感|标|诊断|分[级类]|清晰|对焦|图|照片|数据|眼底).+"
)


def in_order(names: Sequence[str]) -> list[str]:
    """Different names of classes as class 0, 1, ...: numbers by their size, others healthy first, by the alphabet."""
    if all(map(_NUMBER.fullmatch, names)):
        return sorted(names, key=float)
    others = {_joined(name) for name in names}
    return sorted(names, key=lambda name: (not _is_healthy(name, others), name.casefold()))


def _is_healthy(name: str, others: set[str]) -> bool:
    """Whether each part of a name, such as "normal (no DR)", says that there is no disease."""
    text = unicodedata.normalize("NFKC", name)
    parts = [part for part in re.split(r"[/(),;:|+，；、]", text) if _WORD.search(part)]
    said = (_in_chinese(part) if _CHINESE.search(part) else _in_english(part, others) for part in parts)
    return bool(parts) and all(said)


def _in_english(text: str, others: set[str]) -> bool:
    words = [word.casefold() for word in re.findall(r"[^\W\d_]+", _HUMP.sub(" ", text))]
    if words in (["no"], ["non"], ["none"], ["negative"]):
        return True
    if _HEALTHY & set(words):
        return all(word in _HEALTHY | _ABSENT or _BESIDE.fullmatch(word) for word in words)
    if words[-1] in _ABSENT:
        return len(words) > 1 and not {"false", "not", "non"} & set(words)
    while words and _BESIDE.fullmatch(words[0]):  # grade 0: no DR
        words = words[1:]
    if words and re.match("non..", words[0]):
        words = ["non", words[0][3:], *words[1:]]
    if len(words) < 2 or words[0] not in _WITHOUT:
        return any(_joined(text) == sign + other for sign in _WITHOUT for other in others)  # nodr, beside dr
    sign, *what = words
    if any(map(_UNTOLD.match, what)) or (sign in {"not", "non"} and _KIND.match(what[0])):
        return False
    # Non-glaucomatous optic neuropathy is one, non-glaucoma is none.
    alone = sum(_BESIDE.fullmatch(word) is None for word in what) == 1
    return sign != "non" or alone or "".join(what) in others or _GRADED.match(what[0]) is not None


def _in_chinese(text: str) -> bool:
    joined = _joined(re.sub(r"(?i)normal|healthy|control|\d", "", text))
    return bool(_SAYS_HEALTHY.fullmatch(joined) or _SAYS_WITHOUT.fullmatch(joined))


def _joined(name: str) -> str:
    return re.sub(r"[\W_]+", "", name.casefold())
