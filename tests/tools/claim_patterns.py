"""What in a text is a claim (a number, a comparative), and which numbers an output or code holds, in both languages.

`tests.tools.claims` asks for a cell that shows each claim. What is none by `EXCEPTIONS` has its reason there.
"""
from __future__ import annotations

import ast
import math
import operator
import re
from collections.abc import Iterator
from contextlib import suppress
from dataclasses import dataclass
from itertools import zip_longest

from tests.tools.pairing import BACKTICKS

# --- what is no claim, taken out of a sentence first

YEAR = r"(?:19[5-9]|20[0-4])\d"
SECTION = r"\d+(?:\.\d+)*"
EXCEPTIONS = [(re.compile(pattern), reason) for pattern, reason in (
    (rf"(?<!\d){YEAR}(?=\s*[)）]|\s*年|[,;，；、]\s*(?:[A-Z(（]|{YEAR}))", "the year of a paper"),
    (rf"(?:ICML|ICLR|NIPS|NeurIPS|CVPR|[AEI]CCV|AAAI|JMLR) {YEAR}", "where a paper has appeared"),
    (r"\d{4}\.\d{4,5}(?!\d)", "a paper's number at arXiv"),
    (r"(?:[Ee]xercises?|练习)\s*\d+(?:\s*(?:,|and|to|–|、|和|到)\s*\d+)*", "the number of an exercise"),
    (rf"[Ss]ections?\s*{SECTION}(?:\s*(?:,|and|to|–)\s*{SECTION})*", "the number of a section"),
    (rf"第\s*{SECTION}(?:\s*[、和到–]\s*{SECTION})*\s*[节层行列块张个格]", "which one, not how many"),
    (r"(?:\bsee |见 ?)[1-9]\d?\.\d(?!\d)", "the number of a section"),
    (r"(?<=[)）] and )[1-9]\.\d(?= \D)|(?<=[)）]和 )[1-9]\.\d(?= \D)", "a heading of two sections"),
    (r"(?:[Nn]otebooks?|笔记本)\s*0\d(?:\s*(?:,|and|to|–|、|和|到)\s*0\d)*", "the number of a notebook"),
    (r"(?<![a-z])(?:[Ll]ayer|[Tt]ask|[Tt]able|[Ff]igure|[Rr]ow|任务) \d+(?!\.\d|\d|\s*%)", "which one, not how many"),
    (r"[;；]\s*\d\.(?=\s)", "the numbering of a list"),
    (r"(?<![A-Za-z0-9])[A-Za-z][A-Za-z0-9]*-\d+(?![\d.]*\s*%)(?![\d.]*\d)|CS231n", "a name: ResNet-18, GPT-2"),
    (rf"(?:Paddle(?:Paddle)?|Python|NumPy|TensorFlow|PyTorch|CUDA) {SECTION}", "a version"),
    (r"(?<![\d.])[23]\.\d+\.\d+\b", "a version"),
    (r"(?<![\d.])[\dA-Z]+(?:\s*[×·]\s*[\dA-Z]+)+(?![\d^]|\.\d)", "a shape: 8×8, N·H·W"),
    (r"(?<![\d%] )(?<!区间 )(?<!interval )\[(?:[\dA-Z]+, ?)+[\dA-Z]+\](?!\d)", "a shape: [8, 3], not an interval"),
    (r"(?:95|99) ?%(?=(?: [a-z-]+)? intervals?|\s*的?(?:置信)?区间)", "the level of an interval, not a result"),
    (r"(?i)\bone (?:[a-z]+ )?more\b(?! than)|\bonce more|\b(?:no|any) ?(?:more|longer)\b(?! than)", "no comparison"),
    (r"(?i)\bmore (?:on|about)\b|\bmore practice|\bharder ones", "no comparison"),
    (r"(?i)\b(?:rather|other) than\b", "no comparison"),
    (r"(?i)\bat (?:least|most|best)\b|最多|最少|至多|至少", "a bound: the number beside it is the claim"),
    (r"(?i)\b(?:lower|upper) (?:row|end|bound|half|left|right|edge|panel)|(?:上|下|左|右)半", "a place"),
    (r"最(?:后|近|终|初|新|左|右|上|下|前)", "a place or a time"),
    (r"最[大小]值|最大池化|最小二乘|最大似然", "an operation or a method"),
    (r"比[如方例值喻较特]|[对类之正反噪占]比|更[新改换正]|倍数", "no comparison: for example, ratio, update"),
    (r"[看找想用收学听遇做]不到|百分之百|变长的?序列", "no comparison: cannot be seen, certainly, of any length"),
)]  # fmt: skip

# --- comparatives

_ADJECTIVES = """bigg|bright|broad|cheap|clean|clear|clos|coars|cold|dark|deep|easi|fast|few|fin|flatt|great|hard|heavi|
high|larg|light|long|loud|low|mild|narrow|near|noisi|poor|quick|quiet|rar|rich|rough|saf|shallow|sharp|short|simpl|slow|
small|smooth|soon|steadi|steep|strong|thick|thinn|tight|warm|weak|wid|wild"""
_COUNTED = "two|three|four|five|six|seven|eight|nine|ten|many|several|hundred|thousand"
_ENGLISH = rf"""(?:{_ADJECTIVES})e(?:r|st)(?<!finer)|earliest|latest|more|less|most|mostly|least|better|best|worse|
worst|than|twice (?:as|the|that|those|its|their)|doubled?|doubles|halved?|half|halves|one third|thirds|quarters?|
factors? of|(?:ten|hundred|thousand)ths?|(?:one|a) (?:fif|six|seven|eigh|nin|twelf|sixtie)th|(?:{_COUNTED}) times|
(?:twen|thir|for|fif|six|seven|eigh|nine)ty|hundreds?|thousands?|millions?|dozens?|minutes?|hours?|seconds|
exceed(?:s|ed)?|outperform(?:s|ed)?|beats?|improve[sd]?|worsen(?:s|ed)?|equal|identical(?:ly)?|
as much as|as many as|times (?:as|the)|close to|(?:about|nearly|almost) the same|(?:far|well) (?:above|below|behind)|
(?:reach(?:es|ed)?|adds? up to|back (?:at|to)) [01]"""
_DEGREE = "大小高低多少快慢好差强弱长短早晚深浅宽窄优劣难易稳准亮暗"
_CHINESE = rf"""更|最|倍|一半|[多大过]半|分半|减半|加倍|比[^，。；：（）]{{1,25}}?[{_DEGREE}]|越[^。；]*?越|不到|
不如|不及|胜过|超[过出]|[大小高低多少快慢优劣强弱早晚]于|[{_DEGREE}](?:得多|一些|一点|一截|几倍)|较[{_DEGREE}]|谁[{_DEGREE}]|
(?<!改)[变略稍][{_DEGREE}](?!少)|改善|恶化|相等|一模一样|完全(?:相同|一样|一致)|逐位(?:相同|一致)|主要(?!是因为)|
大多(?!少)|大部分|多数|分之|[一二两三四五六七八九几]成(?![为本果员功])|[二三四五六七八九几]十|
[一二两三四五六七八九几十上数][百千万]|分钟|[一二两三四五六七八九十几半个\d ]小时|
(?<![放扩太])[大小高低快慢差]了|接近|差不多|几乎一样|落后|(?:加起来是|恒为|(?<!\d )到) ?[01](?![\d.])"""
COMPARATIVE = re.compile(rf"\b(?:{_ENGLISH})\b|{_CHINESE}".replace("\n", ""), re.IGNORECASE)

# --- numbers of a text

SUPERSCRIPT = re.compile("[⁻⁰¹²³⁴⁵⁶⁷⁸⁹]+")
_DIGITS = str.maketrans("⁻⁰¹²³⁴⁵⁶⁷⁸⁹", "-0123456789")
FORMULA = re.compile(r"\$([^$]+)\$")
TARGET = re.compile(r"(?<=\])\([^)\s]*\)|<?https?:[^>\s]*>?")
RELATION = re.compile(r"\\(?:approx|leq?|geq?|ll|gg|sim|to|dots|ldots)(?![a-z])|[=<>,]")
PERCENT = r"%|个?百分点|percentage points?"
UNITS = {"千": 1e3, "万": 1e4, "亿": 1e8, "thousand": 1e3, "million": 1e6, "billion": 1e9}
NUMBER = re.compile(
    r"(?<![A-Za-z0-9_.])(?P<digits>\d{1,3}(?:,\d{3})+(?![\d,])|\d+)(?P<decimals>\.\d+)?(?:[eE](?P<exponent>[+-]?\d+))?"
    rf"(?:\s*[×*]\s*10\^(?P<power>[-+]?\d+))?(?:\s*(?P<unit>{PERCENT}|{'|'.join(UNITS)}))?"
    r"(?:(?:x|px|s|ms)\b)?(?![A-Za-z_0-9^]|\.\d)|(?<![\d.])10\^(?P<ten>[-+]?\d+)"
)
RANGE = re.compile(r"\s*(?:–|-|~|～|到|至|to)\s*")


@dataclass(frozen=True)
class Number:
    """A number of a text, as it is written there: `value` times `unit`, given with so many decimals."""

    words: str
    value: float
    decimals: int
    unit: float
    percent: bool

    def is_among(self, shown: set[tuple[float, bool]]) -> bool:
        """Whether one of the numbers shown (and whether % follows it) is this one, rounded as it is here."""
        room = 0.5 * 10**-self.decimals * (1 + 1e-6)
        units = ((x, 1 if self.percent and percent else self.unit) for x, percent in shown)
        return any(abs(abs(x) / unit - self.value) <= room for x, unit in units)


def numbers(plain: str) -> list[Number]:
    """The numbers of what `clean` gives. Bare 0 and 1 are none: mean 0, standard deviation 1, all or nothing."""
    found, result = list(NUMBER.finditer(plain)), []
    for this, after in zip_longest(found, found[1:]):
        unit = this["unit"]
        if not unit and after and RANGE.fullmatch(plain[this.end() : after.start()]):
            unit = after["unit"]  # the 5 of "5 to 7 %"
        percent = bool(unit) and unit not in UNITS
        scale = 10.0 ** int(this["exponent"] or this["power"] or this["ten"] or 0)
        scale *= 0.01 if percent else UNITS.get(unit, 1)
        value = 1 if this["ten"] else float(this["digits"].replace(",", "") + (this["decimals"] or ""))
        if value not in (0, 1) or scale != 1 or this["decimals"]:
            result.append(Number(this[0].strip(), value, len(this["decimals"] or ".") - 1, scale, percent))
    return result


def clean(sentence: str) -> str:
    """A sentence as it is searched for claims: no code, links' targets or exceptions, formulas of numbers as text."""
    text = TARGET.sub("", FORMULA.sub(lambda found: _written_out(found[1]), BACKTICKS.sub(" CODE ", sentence)))
    text = with_powers(text).replace("*", "")
    for pattern, _ in EXCEPTIONS:
        text = pattern.sub(" , ", text)
    return text


def with_powers(text: str) -> str:
    """10⁹ as 10^9."""
    return SUPERSCRIPT.sub(lambda found: "^" + found[0].translate(_DIGITS), text)


def _written_out(formula: str) -> str:
    """The numbers of an inline formula that has nothing else; of an equation, the sides that need no working out."""
    plain = re.sub(r"\\[,;:! ]|\\pm(?![a-z])|\\(?:left|right)(?![a-z])", "", formula).replace(r"\%", "%")
    if re.fullmatch(r"\[[\d, ]+\]", plain):
        return " SHAPE "
    sides = [side.strip("()[] ") for side in RELATION.split(plain) if side.strip()]
    values = [_worked_out(side) for side in sides]
    if None in values:
        return " FORMULA "
    texts = [re.sub(r"\^\{?([-+]?\d+)\}?", r"^\1", side.replace(r"\times", "×").strip("+-")) for side in sides]
    simple = [text for text in texts if NUMBER.fullmatch(text)]
    return " ; ".join(simple or [f"{value:.2g}" for value in values])


def _worked_out(side: str) -> float | None:
    """The value of a formula of numbers; None if it has anything else."""
    code = re.sub(r"\\[dt]?frac\{([^{}]*)\}\{([^{}]*)\}", r"((\1)/(\2))", side.removesuffix("%"))
    code = re.sub(r"\\sqrt\{([^{}]*)\}", r"sqrt(\1)", code).replace(r"\times", "*").replace(r"\cdot", "*")
    code = re.sub(r"\^\{([^{}]*)\}", r"**(\1)", code).replace("^", "**")
    with suppress(SyntaxError, *_NO_NUMBER):
        return _value(ast.parse(code.strip(), mode="eval").body)


# --- numbers that are shown

_NO_NUMBER = (ValueError, TypeError, ArithmeticError)
_OPERATORS = {ast.Add: operator.add, ast.Sub: operator.sub, ast.Mult: operator.mul, ast.Div: operator.truediv,
              ast.Pow: operator.pow, ast.USub: operator.neg, ast.UAdd: operator.pos}  # fmt: skip
_SHOWN = re.compile(
    r"(?<![A-Za-z_\d.])(\d+(?:,\d+)*)(\.\d*)?([eE][+-]?\d+)?(?:\s*[×x*]\s*10(?:\^|\*\*)([-+]?\d+))?(\s*%)?")


def in_output(text: str) -> set[tuple[float, bool]]:
    """All numbers of a text, each with whether % follows it; 1,234 is one number and two."""
    found = set()
    text = with_powers(text).replace("^{", "^")
    for digits, decimals, exponent, power, percent in _SHOWN.findall(text):
        *first, last = digits.split(",")
        joined = [digits.replace(",", "")] if all(len(part) == 3 for part in [*first[1:], last]) else []
        scale = 10.0 ** int(exponent[1:] or power or 0)
        found |= {(float(whole + decimals) * scale, bool(percent)) for whole in (*joined, last)}
        found |= {(float(whole), False) for whole in first}
        if power and digits == "10":
            found.add((scale, False))
    return found


def in_code(source: str) -> set[tuple[float, bool]]:
    """All numbers of code, those in its strings and those that it makes of numbers alone (8 / 3), not of comments."""
    return set(_in_code(ast.parse(source)))


def _in_code(tree: ast.AST) -> Iterator[tuple[float, bool]]:
    for node in ast.walk(tree):
        if isinstance(node, ast.FormattedValue):
            node.format_spec = None  # the 3 of {x:.3f} is shown to nobody
        if isinstance(node, ast.Constant) and isinstance(node.value, str):
            yield from in_output(node.value)
        with suppress(*_NO_NUMBER):
            yield _value(node), False


def _value(node: ast.AST) -> float:
    """The value of an expression of numbers; one of `_NO_NUMBER` is raised for anything else."""
    if isinstance(node, ast.Constant) and type(node.value) in (int, float):
        return float(node.value)
    if isinstance(node, ast.BinOp) and type(node.op) in _OPERATORS:
        return float(_OPERATORS[type(node.op)](_value(node.left), _value(node.right)))
    if isinstance(node, ast.UnaryOp) and type(node.op) in _OPERATORS:
        return float(_OPERATORS[type(node.op)](_value(node.operand)))
    if isinstance(node, ast.Call) and getattr(node.func, "id", "") == "sqrt" and len(node.args) == 1:
        return math.sqrt(_value(node.args[0]))
    raise ValueError("no number")
