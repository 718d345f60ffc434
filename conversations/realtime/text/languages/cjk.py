"""The words of Chinese, Japanese and Korean. Words cannot be told by spaces here, so the end of the text decides.

A sentence cannot end in OPEN, only before a mark in DOUBTFUL, and even without a mark in CLOSED, since recognisers
often leave marks out. A question mark ("お仕事は？") outweighs all of them but the fillers.
"""

from conversations.realtime.text.languages.language import split_words

FILLERS = tuple(split_words("えっと ええと えーと えー あのー あの そのー うーん んー まあ なんか 呃 저기 뭐랄까"))
FILLER_WORDS = split_words("음 어 그 저")  # only as words of their own: many Korean verbs end in such a syllable
OPEN = tuple(
    split_words(
        "けど けれど けれども ので のは は が を に へ と や とか たら なら ながら それで それから そして "
        "でも だから あと って 然后 因为 但是 可是 不过 所以 如果 还有 和 跟 或者 或 把 被 给 从 向 比 我想 "
        "想要 我要 请 请问 比如 例如 而且 虽然 与 以及 关于 之后 的话 帮我 我的 还是 一下子 및 그리고 근데 "
        "그런데 하지만 그래서 은데 는데 인데 니까 을 를 에 에서 으로 한테 하고 그러면 및 또는 때문에 거나 "
        "지만"
    )
)
DOUBTFUL = tuple(
    split_words(
        "て で し ば の も から まで より くて 的 到 是 那 有 对 在 要 想 嗯 一个 那个 这个 就是 고 서 은 는 가 면"
    )
)
CLOSED = tuple(
    split_words(
        "か ください 下さい お願いします おねがいします よ ね ですか ますか 吗 呢 吧 谢谢 요 니다 습니까 "
        "입니까 합니까 됩니까 까"
    )
)
ANSWERS = split_words(
    "はい うん ええ いいえ いや そう そうです そうですね 違う 違います 待って ちょっと待って やめて "
    "止めて 止まって ストップ 教えて お願い 大丈夫 大丈夫です ありがとう ありがとうございます "
    "わかりました わかった こんにちは おはよう こんばんは もう一度 以上です 以上 なんで どうして なに 何 "
    "いつ どこ 誰 是 是的 对 对的 对啊 好 好的 好吧 可以 行 不 不是 不用 不用了 不要 没有 没有了 没了 "
    "谢谢 停 停下 等等 等一下 取消 继续 你好 再见 不知道 我不知道 为什么 什么 哪里 谁 什么时候 真的 没事 "
    "네 예 응 아니 아니요 아니오 그래 그래요 맞아 맞아요 좋아 좋아요 감사합니다 고마워 고마워요 안녕 "
    "안녕하세요 잠깐 잠깐만 멈춰 그만 취소 계속 뭐 왜 언제 어디 누구 몰라 몰라요 괜찮아 괜찮아요"
)
BACKCHANNELS = split_words(
    "うん うんうん はい はいはい ええ へえ へー ふーん ほう なるほど そう そうそう そうですね そうか "
    "そっか ああ あー おお わかりました 確かに 嗯 嗯嗯 哦 噢 啊 好 好的 好好 对 对对 对对对 是 是的 是吗 "
    "行 明白 知道了 原来如此 这样啊 真的 응 네 네네 예 음 아 아하 그래 그래요 그렇구나 그렇군요 맞아 "
    "맞아요 좋아 알겠습니다 알겠어 진짜"
)
COMMANDS = split_words(
    "待って ちょっと待って ちょっと ストップ やめて 止めて 止まって いや いいえ 違う 違います もういい "
    "もう一度 停 停下 停一下 等等 等一下 不 不是 不对 不要 别说了 闭嘴 够了 取消 再说一遍 잠깐 잠깐만 "
    "잠시만요 멈춰 그만 아니 아니요 취소 스톱 조용히 다시"
)
