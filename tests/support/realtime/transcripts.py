"""What recognisers write, by language and by how soon its speaker expects the answer; "|" parts the transcripts."""

_TABLE = {
    ("en", "soon"): (
        "Yes.|yes|No thanks|No, thank you.|Stop|Okay.|That's all|Never mind|I don't know|Hello!|"
        "What time is it?|Where are you from?|What is this song called?|Who are you talking to?|"
        "How are you?|Tell me a joke.|I'd like a table for two at eight.|My sister lives in Boston.|"
        "Set a timer for ten minutes.|Is it going to rain tomorrow?|I said the second one.|"
        'No, I meant the other flight.|Wow! That is great!|Yes, it is.|He told me "never again".|'
        "My email is jane.doe@example.com.|I live in the U.S.|I need milk, eggs and bread.|"
        "Dr. Smith is my doctor.|Turn the volume up.|The meeting is at 10:30.|I need 25.|"
        "They hope he will not die.|If you have time, call me.|Why not?|Thanks a lot|It costs 3.50.|"
        "Where is he?|I think so.|Good morning|The total was 1,250 dollars.|It works well, thanks.|"
        "Can you play some music for me?|What's your name?|I'm fine, thanks.|It's raining here.|"
        "How much is that?|Do you have it in blue?|Which one do you like?|I'm not sure.|"
        "Please send it to my brother.|That sounds like a plan.|My flight was cancelled this morning.|"
        "Sorry, I didn't get that.|I would rather have tea.|Is she there?|What are you up to?|"
        "Can I pay by card?|I want to cancel my subscription.|Let's do it.|Nothing, thanks.|"
        "Tell me more about it.|Give me an example.|I've been waiting for an hour.|What else can you do?|"
        "Cancel my order.|I can't do that.|Do you know why he left?|At half past seven.|In the morning.|"
        "He's my brother.|Flight BA 245.|Room 204.|On May 3, 2024.|It's about 20 miles away.|"
        "Can you tell me what that means?|What is it like?|Read it to me.|Who was that?|No problem.|"
        "I am at home.|Sure, go ahead.|Not at the moment.|That's what I meant.|Please call me back.|"
        "Yes I do.|I'm hungry, what should I cook?|I want that.|How much is that?|We met on May 3, 2024."
    ),
    ("en", "later"): (
        "what time is it|book a table for two|turn the lights off|Turn the lights on.|I need 25|"
        "where are you from|play some jazz|Two hundred|My number is 555 018 4422.|milk, eggs, bread.|"
        "Twenty.|next Tuesday at noon|The dog|It's 0800 123 4567.|I know who I am."
    ),
    ("en", "long"): (
        "I would like to book a flight to.|I would like to book a flight to|and then I|And then I.|Um|"
        "so, um|I want to|Could you tell me what|Could you tell me what?|Can you|my number is five five|"
        "zero seven|twenty|My phone number is|My phone number is 555.|The card number is 4242 4242 4242.|"
        "My code is 12|I need milk, eggs,|I need milk, eggs, and|I need milk and.|Well,|I was thinking...|"
        "Maybe we could—|It was like, uh|because|I went to the|He said \"I will|I'm looking for a|"
        "My email is john|It's john at|My email is john at gmail.|j o h n|It's spelled S-M-I|with|"
        "The problem is|Let me think|I mean|You know|Do you have any|If I take the train tomorrow|"
        "Is there a|This is my|What I need is|a|It's a bit (I mean|Twenty-|The first one is|"
        "she didn't come, so|Remind me to call the.|I don't know whether|I'd like to change my|"
        "Could you please|There's a problem with|There's a problem with my.|What about the|"
        "So I was going to|Can you remind me on Tuesday to|We have two cats, a dog, and|I was born in|"
        "I was born in.|How do I|How can I|Where can I|Is it possible to|I'm trying to find out whether|"
        "I wanted to ask if|It's not that I don't like it, but|Do you remember when we|My address is|"
        "My name is|Send an email to|My PIN is 4 8|Call five five five|The reason is that|Let me see|"
        "I think it's|I saw the one that was|and|Would it be|As soon as I|You said that the|"
        "Between Monday and|Either Tuesday or|he's|I would|What if|When I was|um I don't|"
        "It should be around|Eighty|What's the|Actually, I'd like|The reason is that"
    ),
    ("de", "soon"): (
        "Ja.|ja|Nein, danke.|Stopp|Genau|Wie spät ist es?|Wie heißt du?|Das ist gut.|Wo wohnen Sie?|"
        "Ich möchte einen Tisch für zwei Personen reservieren.|Erzähl mir einen Witz.|Das weiß ich nicht.|"
        "Was ist das?|Kommst du auch?|Ich hätte gern einen Kaffee.|Mach das Licht an.|Das war's|"
        "Meine Adresse ist anna.klein@example.de.|Er hat „nie wieder“ gesagt.|Ich muss morgen arbeiten.|"
        "Kommst du, oder?|Wie wird das Wetter morgen?|Ich habe keine Zeit.|Was kann ich für Sie tun?|"
        "Ich bin zu Hause.|Danke, das war alles.|Kannst du das noch mal sagen?|Ich verstehe das nicht.|"
        "Um halb acht.|In der Küche.|Wer ist das?|Ich gehe jetzt einkaufen.|Gibt es hier ein Restaurant?|"
        "Das stimmt.|Am dritten Mai 2024.|Wo ist er?|Mir geht es gut.|Lass uns anfangen.|Noch eine Frage.|"
        "Wie geht es dir?|Was meinst du damit?"
    ),
    ("de", "later"): (
        "wie spät ist es|erzähl mir einen Witz|Ruf mich an.|Meine Nummer ist 0176 345 99821.|"
        "morgen um acht|Ich nehme das.|Schalte den Fernseher aus.|Bitte ruf meine Mutter an.|"
        "Sag mir, wie spät es ist.|Ich weiß nicht, was ich machen soll."
    ),
    ("de", "long"): (
        "Ich möchte einen Flug nach|Ich möchte einen Tisch für.|und dann|Und dann ich|Ähm|also, äh|"
        "Ich hätte gern|Können Sie mir sagen, wann|Meine Nummer ist 0176|null eins sieben|weil|"
        "Ich suche eine|Das ist der.|Wenn es morgen regnet|Ich glaube, dass|Milch, Eier,|Milch, Eier und|"
        "Ich wollte...|Mein Name ist|Er sagte: „Ich komme|Die|Kannst du mir|Zum Beispiel|Ich wohne in der|"
        "a n n a|Ich würde gern wissen, ob|Kannst du mir sagen, wie|Ich fahre morgen mit dem|"
        "Ich fahre mit meiner|Das ist so, weil|Ich brauche noch ein|Meine Adresse ist|Wir treffen uns um|"
        "Ich habe gestern mit|Also ich|Ja, aber|Ich wollte fragen, ob Sie|Am Montag oder|"
        "Der Termin ist am|Ich bin in|Er hat gesagt, dass|Wie komme ich zum|Was kostet eine|und wenn ich|"
        "Es gibt ein Problem mit meinem.|Moment mal"
    ),
    ("fr", "soon"): (
        "Oui.|oui|Non merci|Arrête|D'accord.|Quelle heure est-il ?|Comment allez-vous ?|Où habites-tu ?|"
        "Je voudrais une table pour deux.|Raconte-moi une blague.|Je ne sais pas.|C'est tout|"
        "Il pleut beaucoup.|Il a dit « jamais ».|Mon adresse est marie@example.fr.|Pourquoi pas ?|"
        "Oui, s'il vous plaît.|C'est qui ?|Quel temps fera-t-il demain ?|Je n'ai pas le temps.|"
        "Merci, c'est tout.|Tu peux répéter ?|Je suis à la maison.|À huit heures et demie.|"
        "Appelle ma mère.|Qui est-ce ?|Je ne comprends pas.|Il y a un restaurant près d'ici ?|"
        "Ça ne marche pas.|Comment ça va ?|Le trois mai 2024.|Éteins la lumière.|Je n'en veux plus.|"
        "C'est à quelle heure ?|On se voit demain.|Qu'est-ce que c'est ?|Où est-il ?"
    ),
    ("fr", "later"): (
        "quelle heure est-il maintenant|une table pour deux personnes|Mon numéro est le 06 12 45 78 90.|"
        "demain à midi|Je viens avec vous.|Baisse le son."
    ),
    ("fr", "long"): (
        "Je voudrais réserver un vol pour|Je voudrais une table pour.|et puis|Et puis je.|Euh|donc, euh|"
        "Est-ce que vous pouvez me dire|Est-ce que|Mon numéro est le 06|zéro six|parce que|parce qu'|"
        "Je cherche une|C'est la.|Si je prends le train demain|Je pense que|du lait, des œufs,|du lait et|"
        "J'aimerais...|Je m'appelle|Il y a|quarante|Il a dit « je|Elle habite à|Je voudrais savoir si|"
        "Tu peux me dire comment|Je pars demain avec mon|C'est parce que|J'ai besoin d'un|J'ai besoin de|"
        "Mon adresse est|On se retrouve à|J'ai parlé hier avec|Oui, mais|Lundi ou|Le rendez-vous est le|"
        "Je suis en|Il a dit que|Comment aller à la|Combien coûte une|Il y a un problème avec ma.|"
        "et si je"
    ),
    ("es", "soon"): (
        "Sí.|sí|No, gracias.|Para|Vale|¿Qué hora es?|¿Y usted?|¿Cómo te llamas?|Quiero una mesa para dos.|"
        "Cuéntame un chiste.|No lo sé.|Eso es todo|Hace mucho calor.|Mi correo es ana@example.es.|"
        "¿Por qué no?|Sí, por favor.|Dijo «nunca».|¿Qué tiempo hará mañana?|No tengo tiempo.|"
        "Gracias, eso es todo.|¿Puedes repetirlo?|Estoy en casa.|A las ocho y media.|Llama a mi madre.|"
        "¿Quién es?|No entiendo.|¿Hay un restaurante cerca de aquí?|No funciona.|¿Cómo estás?|"
        "El tres de mayo de 2024.|Baja el volumen.|Apaga la luz.|No quiero más.|¿A qué hora es?|"
        "Nos vemos mañana.|¿Qué es eso?|¿Dónde está?"
    ),
    ("es", "later"): (
        "una mesa para dos personas|cuéntame un chiste|Mi número es 612 345 678.|mañana a las ocho|Quiero este."
    ),
    ("es", "long"): (
        "Quiero un vuelo para|Quiero reservar una mesa para.|y luego|Y entonces yo|Eh|pues, eh|"
        "Me gustaría|¿Me puedes decir qué?|Mi número es 612|seis uno dos|porque|Busco una|Está en la.|"
        "Si llego tarde mañana|Creo que|leche, huevos,|leche y|Quería...|Me llamo|treinta|por ejemplo|"
        "Vivo en|Quisiera saber si|¿Me puedes decir cómo|Salgo mañana con mi|Es porque|Necesito un|"
        "Mi dirección es|Nos vemos a las|Ayer hablé con|Sí, pero|El lunes o|La cita es el|Estoy en|"
        "Dijo que|¿Cómo llego a la|¿Cuánto cuesta una|Hay un problema con mi.|y si yo"
    ),
    ("it", "soon"): ("Sì.|no grazie|Che ore sono?|Vorrei un tavolo per due.|Basta|Raccontami una barzelletta."),
    ("it", "later"): ("un tavolo per due persone|domani alle otto"),
    ("it", "long"): ("Vorrei un biglietto per|e poi|Ehm|perché|Mi chiamo|Il mio numero è 347|Vado a.|latte, uova,"),
    ("pt", "soon"): ("Sim.|não, obrigado|Que horas são?|Eu gostaria de uma mesa para dois.|Para|Conte uma piada."),
    ("pt", "later"): ("uma mesa para duas pessoas|amanhã às oito horas"),
    ("pt", "long"): ("Eu gostaria de um voo para|e depois|porque|Meu nome é|Moro em.|leite, ovos,|ou seja"),
    ("nl", "soon"): ("Ja.|nee, bedankt|Hoe laat is het?|Ik wil een tafel voor twee.|Wacht|Vertel een grap."),
    ("nl", "later"): ("een tafel voor twee personen|morgen om acht uur"),
    ("nl", "long"): ("Ik wil graag een vlucht naar|en dan|Ehm|omdat|Mijn naam is|Ik woon in de.|melk, eieren,"),
    ("ja", "soon"): (
        "はい|いいえ、大丈夫です。|今何時ですか|東京の天気を教えてください。|お仕事は？|待って|ありがとう"
    ),
    ("ja", "later"): ("明日の東京の天気|ジャズを流して。"),
    ("ja", "long"): (
        "東京から大阪まで|予約したいんですけど|予約したいんですけど。|えっと|明日の会議が|電話番号は090|それで|雨なので、"
    ),
    ("zh", "soon"): ("是的|不用了。|现在几点？|今天会下雨吗|给我讲个笑话。|停|好的。"),
    ("zh", "later"): ("明天早上八点|放一首歌"),
    ("zh", "long"): ("然后|我想|因为|我想订一张机票，但是|我的电话是138|如果|他说的|牛奶、鸡蛋、"),
    ("ko", "soon"): ("네|아니요.|지금 몇 시예요|내일 날씨 알려 주세요.|잠깐만"),
    ("ko", "later"): ("내일 아침 여덟 시"),
    ("ko", "long"): ("그리고|비가 오는데|음|서울에서|친구를|왜냐하면 내일은,"),
}
TRANSCRIPTS: dict[tuple[str, str], list[str]] = {key: texts.split("|") for key, texts in _TABLE.items()}


EVENT = "conversation.item.input_audio_transcription"


HEARD = [f"input_audio_buffer.{name}" for name in ("speech_started", "speech_stopped", "committed")]


ADDED = ["conversation.item.added", "conversation.item.done"]
