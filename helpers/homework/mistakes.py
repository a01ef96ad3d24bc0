"""What is said of the usual mistakes in the homework: a hint, never the answer."""
from helpers.language import Text

# a row of the table: weight and bias
NO_PARAMETERS = Text("这一层没有参数", "this layer has no parameters")
HAS_BIAS = Text("这一层有偏置：默认就有", "this layer has a bias: it is on by default")
THE_WEIGHT = Text("那是权重的", "that is the weight")
BIAS_OF_OUTPUTS = Text("每个输出通道一个偏置，不是每个输入一个", "one bias for each OUTPUT channel, not for each input")
ONE_BIAS_EACH = Text("每个输出通道一个偏置", "one bias for each output channel")
BATCH_IN_PARAMETERS = Text("参数与批量无关", "parameters know nothing of the batch")
MADE_WITHOUT_BIAS = Text("这一层没有偏置", "this layer was made without a bias")
HAS_WEIGHT = Text("这一层有权重", "this layer has a weight")
TRANSPOSED_LINEAR = Text(
    "in 和 out 颠倒了：Paddle 的 Linear 恰好是 PyTorch 的转置",
    "in and out are swapped: Paddle's Linear is the transpose of PyTorch's",
)
BATCH_FLATTENED = Text("批量不展平进输入里", "the batch is not flattened into the input")
SWAPPED_CHANNELS = Text("输入通道和输出通道颠倒了", "input and output channels are swapped")
GROUPS_OR_ORDER = Text(
    "问题在分组，或者在转置卷积的通道次序",
    "the groups, or the order of a transposed convolution's channels",
)
AREA_ONLY = Text("那只是卷积核的面积", "that is the kernel's area only")
ONE_FILTER = Text("那只是一个卷积核：一共有几个？", "that is one filter only: how many are there?")
NO_INPUT_CHANNELS = Text("每个卷积核都看到它那一组的全部输入通道", "each filter sees all input channels of its group")
BIAS_COLUMN = Text("偏置另有一列", "the bias has a column of its own")
FLATTENED_SIZE = Text(
    "要填展平后的大小：前一层输出的通道 × 高 × 宽",
    "the flattened size: channels x height x width of what comes before",
)

# a row of the table: the output
NO_BATCH = Text("漏了批量", "the batch is missing")
FLATTENED_INPUT = Text("那是展平后的输入", "that is the flattened input")
THE_INPUT = Text("那是输入", "that is the input")
STRIDE_TWICE = Text("步幅用了两次", "the stride is applied twice")
NO_STRIDE = Text("漏了步幅", "the stride is missing")
SIZE_OF_INPUT = Text("高和宽还是输入的", "height and width are those of the input")
NO_PADDING = Text("漏了填充", "the padding is missing")
NO_DILATION = Text("漏了空洞", "the dilation is missing")
NO_OUTPUT_PADDING = Text("漏了 output_padding", "output_padding is missing")
OTHER_ROUNDING = Text("取整的方向反了：看看 ceil_mode", "rounded the other way: see ceil_mode")
CHANNELS_OF_INPUT = Text("通道数还是输入的", "the channels are those of the input")
CHANNELS_LAST = Text("Paddle 把通道放在高和宽之前", "Paddle puts the channels before height and width")
SIZE_ONLY = Text("那只是高和宽", "that is height and width only")

# multiplications and additions
AREA_WITHOUT_CHANNELS = Text(
    "那只是卷积核的面积：每个输出数都看到它那一组的全部输入通道",
    "that is the kernel's area only: each output number sees all input channels of its group",
)
WHOLE_PIXEL = Text(
    "那是整个像素的：这里只问一个通道的一个数",
    "that is a whole pixel: one number of one channel is asked for",
)
WHOLE_BATCH = Text("那是整个批量的：这里问的是一幅图像", "that is the whole batch: one image is asked for")
NO_OUTPUT_CHANNELS = Text("漏了输出通道", "the output channels are missing")
MISPRINT = Text("是 64 个通道：原题里的 6464 印错了", "64 channels: the 6464 of the original is a misprint")
ONE_NUMBER = Text("那只是一个输出数的", "that is one output number only")
TOGETHER = Text("乘法和加法要分开填", "multiplications and additions are asked for apart")
THE_ADDITIONS = Text("那是加法的次数", "that is the number of additions")
BIAS_MULTIPLIED = Text("偏置是加上去的，不是乘的", "the bias is added, not multiplied")
NO_SUM_OF_CHANNELS = Text("各通道的和也要加起来", "the channels' sums have to be added up as well")
NO_BIAS_TO_ADD = Text(
    "这一层没有偏置，第一个积用不着加法",
    "this layer has no bias; the first product needs no addition",
)
ONE_TOO_MANY = Text("n 个数相加要 n - 1 次加法，偏置再加一次", "n numbers need n - 1 additions; the bias adds one")
