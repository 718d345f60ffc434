"""The names that recognisers give to sounds that are not words: "[BLANK_AUDIO]", "(upbeat music)", "*hustet*".

Whisper servers write them in brackets or between asterisks, in the language that is spoken (ggml-org/whisper.cpp,
issues 1324 and 2363).
"""

from conversations.realtime.text.languages.language import split_words

NOISES = split_words(
    "music musical silence silent pause blank audio noise noises sound sounds inaudible indistinct unintelligible "
    "nospeech unk speaking foreign laughter laughs laughing laugh chuckles chuckling chuckle giggles giggling applause "
    "clapping claps cheering cough coughs coughing sneezes sneezing sneeze sniffs sniffles sniffling sigh sighs "
    "sighing gasp gasps gasping breathing breathes exhales inhales yawns yawning groans grunts moans screaming screams "
    "crying sobbing whistles whistling humming hums beep beeps beeping buzz buzzing buzzes ding dings ringing rings "
    "clicks clicking typing knocking knocks footsteps rustling static chirping barking barks thunder crosstalk chatter "
    "musik stille schweigen applaus gelächter lachen lacht husten hustet seufzt seufzen räuspert räuspern geräusch "
    "geräusche rauschen unverständlich atmet klingeln klatschen "
    "musique rires rire applaudissements toux tousse soupir soupire bruit bruits générique "
    "música silencio risas aplausos tos suspiro suspira ruido ininteligible "
    "musica silenzio risate applausi tosse sospira sospiro rumore rumori "
    "silêncio risos tosse ruído barulho ininteligível muziek stilte gelach hoest kucht zucht geluid "
    "muzyka cisza śmiech oklaski kaszel hudba ticho smích potlesk müzik sessizlik gülüşmeler alkış öksürük "
    "musikk tystnad skratt applåder stilhed musiikkia naurua zene csend nevetés taps muzică râsete "
    "музыка тишина смех аплодисменты кашель вздох шум неразборчиво музика тиша сміх оплески "
    "μουσική σιωπή γέλια χειροκρότημα موسيقى ضحك تصفيق صمت מוזיקה צחוק שקט nhạc tertawa hening"
)
# Of scripts in which words are not told apart by spaces, or not by letters alone: found anywhere in a remark.
UNSPACED_NOISES = (
    "音楽", "拍手", "笑", "無音", "沈黙", "咳", "ため息", "歓声", "雑音", "音乐", "音樂", "掌声", "掌聲", "沉默",
    "静音", "靜音", "噪音", "无声", "無聲", "음악", "박수", "웃음", "침묵", "기침", "한숨", "무음",
    "संगीत", "हँसी", "हंसी", "तालियाँ", "तालियां", "मौन", "ดนตรี", "เพลง", "หัวเราะ", "ปรบมือ", "เงียบ",
)  # fmt: skip
