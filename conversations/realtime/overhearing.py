def without_echo(heard: str, spoken: str) -> str:
    return heard


def is_backchannel(heard: str) -> bool:
    return heard.strip(" .,!").casefold() in ("mhm", "yeah", "uh-huh")


def is_hallucination(heard: str) -> bool:
    return heard.strip(" .").casefold() == "thank you for watching"
