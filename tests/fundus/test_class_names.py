"""fundus.class_names: what is healthy is class 0, however it is called, and no disease is taken for it."""
import itertools

from helpers.fundus.class_names import in_order

import pytest

# Names, each between bars or on a line.
HEALTHY = """
healthy | Normal | CONTROL | controls | No | none | negative | Normal fundus | normal_eyes | Healthy Retina
0_normal | 01 - Healthy controls | within normal limits | Control group | unaffected | No_DR | NoDR | no-dr
No diabetic retinopathy | no apparent retinopathy | No abnormality | 0: No DR | Grade 0 no DR | non-glaucoma
Non_Glaucoma | nonglaucoma | NonGlaucoma | non glaucoma eyes | not referable | Non-referable DR
nonreferable | not pathologic | non-pathologic | without glaucoma | Eyes without AMD | DR negative
disease-free | normal (no DR) | Healthy/No DR | normal_left | nonDR | negative control | 正常 | 健康 | 阴性
N_normal | Normal (N) | WNL
对照 | 正常眼底 | 眼底正常 | 健康人群 | 对照组 | 健康对照组 | 无病变 | 无糖尿病视网膜病变 | 非青光眼
未见异常 | 没有病变 | 無病變 | 青光眼阴性 | 非病理性近视 | 无DR | 无 | 没病 | 正常 Normal | 0 正常
"""
NOT = """
abnormal | Abnormal fundus | Nodule | nodules | noise | Nonproliferative DR | Non-proliferative DR | NPDR
nonproliferative | non-exudative AMD | Nonarteritic AION | non-glaucomatous optic neuropathy
Non-ischemic CRVO | normal tension glaucoma | Normal-pressure glaucoma | myopia control | not normal
non-healthy | unhealthy | not graded | non-gradable | no label | No diagnosis | No information | unknown
false negative | glaucoma | DR | Notch | Nevus | North | Noonan | Normandy | Norrie disease | N | H
Nonspecific changes | not healthy | 异常 | 不正常 | 非正常 | 亚健康 | 不健康 | 正常眼压性青光眼 | 非增殖期
非增生性视网膜病变 | 非渗出性 | 非动脉炎性 | 无法判断 | 无晶状体 | 无灌注区 | 假阴性 | 青光眼
糖尿病视网膜病变 | 病变 | 阳性 | 没有对焦
"""


def names(block):
    return [name.strip() for name in block.replace("\n", "|").split("|") if name.strip()]


@pytest.mark.parametrize("name", names(HEALTHY))
def test_healthy_is_class_0(name):
    for disease in ("!", "~", "白内障"):  # before and after them by the alphabet
        assert in_order([disease, name]) == [name, disease]


@pytest.mark.parametrize("name", names(NOT))
def test_what_is_no_health_is_not_taken_for_it(name):
    assert in_order([name, "!"]) == ["!", name], "by the alphabet"
    assert in_order([name, "无病变"]) == ["无病变", name]


@pytest.mark.parametrize(
    ("healthy", "disease"),
    [
        ("nodr", "dr"), ("nonpm", "PM"), ("NoAMD", "AMD"), ("Non Diabetic Retinopathy", "diabetic_retinopathy"),
        ("NO_GLAUCOMA", "GLAUCOMA"), ("nopathology", "Pathology"), ("nonmyopia", "Myopia"), ("normal", "Abnormal"),
    ],
)  # fmt: skip
def test_a_negation_of_the_other_class(healthy, disease):
    assert in_order([disease, healthy]) == in_order([healthy, disease]) == [healthy, disease]


def test_both_or_none_are_healthy():
    assert in_order(["no DR", "Healthy"]) == ["Healthy", "no DR"]
    assert in_order(["proliferative DR", "Non-proliferative DR"]) == ["Non-proliferative DR", "proliferative DR"]
    assert in_order(["glaucoma", "AMD"]) == ["AMD", "glaucoma"]


def test_several_classes_and_numbers():
    grades = ["Severe", "No_DR", "Mild", "Proliferate_DR", "Moderate"]
    for order in itertools.islice(itertools.permutations(grades), 0, 120, 7):
        assert in_order(order) == ["No_DR", "Mild", "Moderate", "Proliferate_DR", "Severe"]
    assert in_order(["10", "-1", "2.5", "0"]) == ["-1", "0", "2.5", "10"]
    assert in_order(["10", "2", "b"]) == ["10", "2", "b"]
    assert in_order(["_", "!", "normal"]) == ["normal", "!", "_"], "names without a letter"
