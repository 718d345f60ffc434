"""What recognisers write when nobody has spoken.

Whisper and its relatives learned from subtitles, and take a silence at the end for the credits. The phrases are
collected from reports of Whisper's users (openai/whisper, discussions 679 and 928).
"""

from conversations.realtime.text.languages.language import split_phrases

CREDITS = split_phrases(
    "thank you for watching, thanks for watching, thank you so much for watching, "
    "thank you for listening, thank you, thanks, please subscribe, like and subscribe, "
    "please subscribe to my channel, don't forget to subscribe, see you next time, "
    "see you in the next video, i'll see you in the next video, bye, bye bye, you, so, the end, "
    "silence, music, applause, vielen dank, vielen dank fürs zuschauen, danke fürs zuschauen, "
    "bis zum nächsten mal, das war's für heute, tschüss, merci, merci d'avoir regardé cette vidéo, "
    "merci d'avoir regardé, abonnez-vous, n'oubliez pas de vous abonner, à la prochaine, "
    "à bientôt pour une nouvelle vidéo, gracias, gracias por ver el video, gracias por ver, "
    "suscríbete, suscríbete al canal, hasta la próxima, grazie, grazie a tutti, "
    "grazie per aver guardato il video, obrigado, obrigado por assistir, inscreva-se no canal, "
    "bedankt voor het kijken, tot de volgende keer, ご視聴ありがとうございました, "
    "ありがとうございました, おやすみなさい, チャンネル登録お願いします, 谢谢观看, 谢谢大家, "
    "請不吝點贊, 请不吝点赞, 訂閱, 订阅, 转发, 轉發, 打赏支持明镜与点点栏目, 시청해주셔서 감사합니다, "
    "시청해 주셔서 감사합니다, 구독과 좋아요 부탁드립니다, 감사합니다"
)
# Whatever follows: the name of a station, a community, a translator.
CREDIT_STARTS = tuple(
    split_phrases(
        "请不吝点赞, untertitel, untertitelung, sous-titres, sous-titrage, subtitles by, subtitled by, captions by, "
        "transcription by, subtítulos realizados, subtítulos por la, sottotitoli, sottotitolato da, "
        "legendas, legenda por, ondertiteld door, ondertiteling, copyright, www, 字幕, 字幕由, 自幕, "
        "mbc 뉴스, kbs 뉴스, 한글자막, 자막 제공, 자막"
    )
)
