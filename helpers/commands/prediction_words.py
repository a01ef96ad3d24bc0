"""What `helpers.commands.predict` says, in Chinese where that is spoken: a dictionary of its English sentences.

The English ones are what the rest of the program, and predictions.csv, go by. What is not in here stays English.
"""
from __future__ import annotations

import os
import re
from collections.abc import Mapping, Sequence

from helpers import language

CHINESE = {
    # decisions
    "cannot tell": "无法判断",
    "not a fundus photograph": "不是眼底照片", "cannot be read": "读不出来",
    # why there is none
    "it has no round field of view": "没有圆形视野", "its colours are not those of a fundus": "颜色不像眼底",
    "no blood vessels are seen in it": "看不到血管", "it has one colour only": "只有一种颜色",
    "it is too coarse or too noisy": "太粗糙或噪声太大", "it is in shades of one colour": "只有一种色调",
    "it is too large for the memory of this machine": "太大，本机内存放不下",
    "has zero bytes. Copy or unpack the file again": "文件是空的。请重新复制或解压",
    "is truncated: the file ends before the image does. Copy or unpack the file again":
        "文件不完整，图像没有结束文件就结束了。请重新复制或解压",
    "cannot be decoded as an image (damaged, or of no known format). Copy or unpack the file again, or save it as PNG "
    "or JPEG": "不能解码为图像（文件损坏，或不是已知的图像格式）。请重新复制或解压，或另存为 PNG 或 JPEG",
    # the page and the terminal
    "photograph": "照片", "decision": "判断", "probability": "概率", "reason": "原因",
    "Fundus photographs": "眼底照片", "The model": "模型", "map": "热图",
    "This is an exercise of a course and not a medical device: nothing may be diagnosed, ruled out or treated by it. "
    "Whoever is worried about an eye sees an ophthalmologist.":
        "这是一门课程的练习，不是医疗器械：不得据此诊断、排除或治疗任何疾病。担心自己的眼睛，请去看眼科医生。",
    "no network was trained here yet; this one comes with the course and has seen rendered eyes only":
        "这里还没有训练过网络；这一个是课程自带的，只见过渲染的眼睛",
    "this one comes with the course and has seen rendered eyes only": "这一个是课程自带的，只见过渲染的眼睛",
    # the model's card
    "file": "文件", "network": "网络", "threshold": "阈值", "note": "说明", "trained on": "训练用图",
    "measured on": "测试用图", "accuracy": "准确率", "auc": "AUC", "sensitivity": "灵敏度", "specificity": "特异度",
    "initial weights": "初始权重", "on rendered eyes": "在渲染的眼睛上",
    "seed": "随机种子", "licence": "许可", "intended use": "用途", "temperature": "温度",
    "calibration": "校准", "threshold chosen for": "阈值的选法", "negative log-likelihood before": "负对数似然，校准前",
    "calibration error before": "校准误差，校准前", "none, no image was held back for it": "没有，未为此留出图像",
    "none, the probability is the network's own": "没有，概率是网络自己给出的",
    "a beginning for further training, and exercises of this course; not a medical device":
        "作为进一步训练的起点，以及本课程的练习；不是医疗器械",
    "exercises of this course; not a medical device": "本课程的练习；不是医疗器械",
    "Apache-2.0, without the photographs": "Apache-2.0，不含照片",
    "real": "真实的", "rendered": "渲染的",
}  # fmt: skip
# Of the data set's two classes. A class of one's own keeps its name: its "pathologic" may be no myopia.
CLASSES = {"not pathologic": "非病理性", "pathologic": "病理性近视"}
PATTERNS = {
    r"cannot be read \((.*)\)\. Copy or unpack it again": "读不出来（{0}）。请重新复制或解压",
    r"cannot be decoded as an image \((.*)\)\. Copy or unpack the file again":
        "不能解码为图像（{0}）。请重新复制或解压",
    r"has a hole: .*": "中间缺了一块数据。请重新复制或解压",
    r"is a HEIC or AVIF file\..*":
        "是 HEIC 或 AVIF 文件。请另存为 JPEG 或 PNG：用能显示它的程序，或用 ImageMagick（magick IN.heic OUT.png），"
        "或在 iPhone 上拍照前把“设置 > 相机 > 格式”改为“兼容性最佳”",
    r"is a DICOM file\..*":
        "是 DICOM 文件。请在能显示它的程序里导出为 PNG 或 TIFF，或用 DCMTK 转换：dcmj2pnm --write-png IN.dcm OUT.png",
    # the model's card
    r"(\d+) rendered eyes of both sides, (\d+) epochs; no photograph": "{0} 只渲染的眼睛，左右两侧，{1} 轮；没有照片",
    r"on (\d+) iChallenge-PM training images": "在 iChallenge-PM 的 {0} 张训练图像上",
    r"on (\d+) iChallenge-PM validation images": "在 iChallenge-PM 的 {0} 张验证图像上",
    r"accuracy (\S+ \[.*?\]), AUC (\S+ \[.*?\])": "准确率 {0}，AUC {1}",
    r"(.*\]) \(by which the renderer was tuned\)": "{0}（渲染程序对照它们调过）",
    r"(.*\]) \(measured once\)": "{0}（只量过一次）",
    r"(\d+) (real|rendered) images, both sides": "{0} 张{1}图像，左右两侧",
    r"(.*, both sides), and (\d+) rendered ones in each of (\d+) epochs": "{0}；{2} 轮里每轮另加 {1} 张渲染的",
    r"(\d+) (real|rendered) test images, with 95 % intervals": "{0} 张{1}测试图像，附 95% 区间",
}  # fmt: skip


def of_environment(environment: Mapping[str, str] = os.environ) -> str:
    """The language of the reader: "zh" where the locale is a Chinese one, else "en"."""
    chosen = next((environment[name] for name in ("LC_ALL", "LC_MESSAGES", "LANG") if environment.get(name)), "")
    return "zh" if chosen.lower().startswith("zh") else "en"


def class_name(name: str, classes: Sequence[str]) -> str:
    """One of a model's classes in the language that is spoken."""
    return CLASSES[name] if language.spoken() == "zh" and tuple(classes) == tuple(CLASSES) else name


def said(text: str) -> str:
    """An English sentence or word of the program, in the language that is spoken; of a list, part by part."""
    if language.spoken() == "en":
        return text
    if text in CHINESE:
        return CHINESE[text]
    for pattern, chinese in PATTERNS.items():
        if found := re.fullmatch(pattern, text, re.DOTALL):
            return chinese.format(*map(said, found.groups()))
    parts = text.split(", ")
    return "，".join(map(said, parts)) if len(parts) > 1 and all(part in CHINESE for part in parts) else text
