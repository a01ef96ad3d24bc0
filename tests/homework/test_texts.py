"""Every sentence of helpers.homework says the same in both languages: numbers, code, blanks to fill in, terms."""
import ast
import re

from helpers import ROOT

import pytest

TERMS = {  # of the course, Chinese and English
    "批归一化": "batchnorm", "层归一化": "layernorm", "丢弃法": "dropout", "池化": "pooling", "填充": "padding",
    "步幅": "stride", "通道": "channel", "空洞": "dilation", "特征图": "feature map", "批量": "batch", "偏置": "bias",
    "权重": "weight", "转置卷积": "transposed convolution",
    "乘法": "multiplication", "加法": "addition", "形状": "shape", "展平": "flatten",
}  # fmt: skip
FIELD = re.compile(r"\{(\d*)(?:!r)?\}")
NAME = re.compile(r"[A-Za-z]\w*[._]\w+", re.ASCII)  # output_padding, variants.json


def pairs():
    for path in sorted((ROOT / "helpers/homework").glob("*.py")):
        for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
            if isinstance(node, ast.Call) and isinstance(node.func, ast.Name) and node.func.id == "Text":
                yield pytest.param(*map(ast.literal_eval, node.args), id=f"{path.name}:{node.lineno}")


@pytest.mark.parametrize(("zh", "en"), list(pairs()))
def test_both_languages_say_the_same(zh, en):
    assert zh and en and not re.search(r"[\u3400-\u9fff\uff00-\uffef]", en)
    fields = [[field or str(number) for number, field in enumerate(FIELD.findall(text))] for text in (zh, en)]
    assert sorted(fields[0]) == sorted(fields[1]) and not {*"{}"} & {*FIELD.sub("", zh + en)}
    zh, en = FIELD.sub(" ", zh), FIELD.sub(" ", en)
    assert sorted(re.findall(r"\d+", zh)) == sorted(re.findall(r"\d+", en))
    assert sorted(NAME.findall(zh)) == sorted(NAME.findall(en))
    assert sorted(re.findall("`.*?`", zh)) == sorted(re.findall("`.*?`", en))
    words = [{word.lower() for word in re.findall("[A-Za-z]+", text)} for text in (zh, en)]
    assert words[0] <= words[1]  # Latin words in the Chinese sentence: Paddle, Linear, w
    en = NAME.sub("", en).lower()
    for chinese, english in TERMS.items():
        assert (chinese in zh) == (english in en), (chinese, english)


def test_there_are_many():
    assert len(list(pairs())) > 60
