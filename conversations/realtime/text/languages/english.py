"""The words of English."""

from conversations.realtime.text.languages.language import Language, split_phrases, split_words

ENGLISH = Language(
    open=split_words(
        "between a an the my your our their its every and or but nor because cause although though unless if "
        "whether than as until whereas what which whose how i'm i'll i'd i've we're we'll you're they're he's she's "
        "there's it's that's let's who's mr mrs ms dr very via per plus minus including except regarding dot "
        "underscore"
    ),
    fillers=split_words("um uh uhm umm er erm hm hmm uhh ehm"),
    asking_open=split_words("i he she we they"),
    stranded=split_words(
        "in to of for from with at into onto about by without against among during towards toward is are was were "
        "am be been who where will would can could should must does did has had have"
    ),
    doubtful=split_words(
        "on over under through around along so like this these those when why while before after since then also "
        "not just maybe his her some any want need prefer think guess believe said told says got get go going do "
        "may might shall cannot can't don't didn't won't wouldn't isn't you'd you've each both either another other "
        "only even well really quite basically actually"
    ),
    open_phrases=split_phrases(
        "think that, said that, is that, so that, hope that, sure that, believe that, the one that, something that, "
        "the fact that, depends on, based on, interested in, could you just, I was, and then I, I mean, you know, "
        "let me think, let me see, let me check, give me a second, hold on a second, such as, as well as, in order "
        "to, kind of, sort of, because of, I want, I need, I want you, I would like, I'd like, I'm looking, can "
        "you, could you, would you, can I, could I, my name is, my name's, the thing is, I was wondering, I wonder, "
        "tell me, show me, give me, the next, the first, the last, a few, a couple, a lot of, first of all, for "
        "example, for instance, at least, more than, less than, do you have, do you know, are there, is there, "
        "there are, there is, I think, I think that, I don't know if, how about, what about, next to, due to, how "
        "many, how much, what kind of, I have, I've got, one of, all of, some of, out of, instead of, can you "
        "please, could you please, would you please, oh well"
    ),
    starters=split_words("if although unless whenever whereas"),
    telling=split_words("tell know say show explain remember wonder see"),
    asking=split_words(
        "what which who whose whom where when why how what's who's where's how's something nothing anything someone"
    ),
    joins=split_words("and or"),
    answers=split_phrases(
        "how much is that, what is that, who is that, how much, how many, yes, yeah, yep, yup, no, nope, nah, sure, "
        "okay, ok, right, correct, exactly, absolutely, definitely, of course, please, yes please, no thanks, no "
        "thank you, thanks, thank you, thank you very much, thanks a lot, stop, stop it, stop that, cancel, cancel "
        "that, never mind, nevermind, forget it, go on, go ahead, continue, next, repeat, repeat that, again, say "
        "that again, help, hello, hi, hey, good morning, good evening, goodbye, bye, bye bye, see you, good night, "
        "that's all, that's it, that's right, that's fine, that's correct, nothing, nothing else, none, me too, not "
        "yet, not really, not now, maybe, perhaps, probably, fine, great, good, perfect, cool, all right, alright, "
        "sounds good, got it, I see, I do, I am, I don't, I can't, I can, I will, I have, I know, I don't know, I "
        "think so, I hope so, I guess so, I don't think so, I'd love to, I don't want to, not that I know of, it "
        "is, it isn't, it does, it doesn't, you too, come on, come in, hang on, wait, what, why, why not, how, "
        "when, where, who, really, excuse me, sorry, pardon, so what, go away, shut up, be quiet, turn it on, turn "
        "it off, turn it up, turn it down, wake up, mhm, mm-hmm, uh-huh"
    ),
    backchannels=split_phrases(
        "mhm, mm, mmm, mm-hmm, hmm, hm, uh-huh, uh, um, ah, aha, oh, ooh, huh, wow, yeah, yep, yup, yes, okay, ok, "
        "okay okay, right, sure, I see, got it, cool, great, good, nice, fine, alright, all right, of course, "
        "exactly, indeed, true, makes sense, sounds good, oh wow, oh really, interesting, go on, ha, haha, ahem, "
        "ugh, phew"
    ),
    commands=split_phrases(
        "stop, stop it, wait, no, nope, hang on, hold on, halt, pause, cancel, quiet, be quiet, shut up, enough, "
        "sorry, excuse me, hey, listen, actually, but, never mind, repeat, help, what, wait a minute, one moment, "
        "just a second"
    ),
    common=split_words(
        "it you me him them us here there now yes no don't not was with all book find want would like please thanks "
        "much many time day today tomorrow one two work works good make know see look tell give show open close "
        "turn"
    ),
    digits=split_words("zero oh one two three four five six seven eight nine double triple"),
    tens=split_words("twenty thirty forty fifty sixty seventy eighty ninety"),
)
