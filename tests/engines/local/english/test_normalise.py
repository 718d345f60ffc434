"""Written English becomes what a person would say."""

import pytest

from conversations.engines.local.english.normalise import normalise

SPOKEN = {
    # Money
    "It costs $47.85 now.": "It costs forty-seven dollars and eighty-five cents now.",
    "£1 or £0.50, $0.01": "one pound or fifty pence, one cent",
    "€1,299.99": "one thousand two hundred and ninety-nine euros and ninety-nine cents",
    "$1984": "one thousand nine hundred and eighty-four dollars",
    "$3.2M, £5bn, $2 million": "three point two million dollars, five billion pounds, two million dollars",
    "£12–£15, $50-100": "twelve to fifteen pounds, fifty to one hundred dollars",
    "-$20, 20 € or 5 EUR": "minus twenty dollars, twenty euros or five euros",
    "5¢, $1,450/month": "five cents, one thousand four hundred and fifty dollars per month",
    "$5 and $6": "five dollars and six dollars",
    # Dates and times
    "2001-07-19": "July nineteenth, two thousand and one",
    "12/08/2025": "December eighth, twenty twenty-five",
    "On March 3rd, May 5 and 4 July 1999.": "On March third, May fifth and the fourth of July nineteen ninety-nine.",
    "the 1980s, the '90s": "the nineteen eighties, the nineties",
    "1914-1918": "nineteen fourteen to nineteen eighteen",
    "in 2000, 2005, 2024": "in two thousand, two thousand and five, twenty twenty-four",
    "9:30 a.m., 17:05, 12:00 and 7:00 PM": "nine thirty a.m., seventeen oh five, twelve o'clock and seven p.m.",
    "8 am to 9.15pm": "eight a.m. to nine fifteen p.m.",
    "It starts at 9:30 a.m.": "It starts at nine thirty a.m.",
    # Measures
    "-5°C, 1 °F and 20°": "minus five degrees Celsius, one degree Fahrenheit and twenty degrees",
    "2.5 kg, 1 km, 6 ft, 300 m": "two point five kilograms, one kilometer, six feet, three hundred meters",
    "3-5 km at 85 mph": "three to five kilometers at eighty-five miles per hour",
    "62.5%, 3-5%": "sixty-two point five percent, three to five percent",
    "3/4 cup, 1/2, 2 1/2 and ¾": "three quarters cup, one half, two and a half and three quarters",
    "open 24/7": "open twenty-four seven",
    # Numbers
    "1st, 21st, 100th, 1,000th": "first, twenty-first, one hundredth, one thousandth",
    "1,500,000": "one million five hundred thousand",
    "1000000000000001": "one" + " zero" * 14 + " one",
    "agent 007": "agent zero zero seven",
    "12.5 and 20.1": "twelve point five and twenty point one",
    "10 - 2 = 8, 10 – 12": "ten minus two equals eight, ten to twelve",
    "gate B42, 5G": "gate B forty-two, five G",
    "7 x 8 = 56": "seven times eight equals fifty-six",
    "call 911, .5": "call nine one one, point five",
    "“5%”, “R&D”": '"five percent", "R and D"',
    "-7.05": "minus seven point zero five",
    # Calls, versions and addresses
    "Call 555-867-5309.": "Call five five five, eight six seven, five three oh nine.",
    "1-800-555-0199": "one, eight oh oh, five five five, oh one nine nine",
    "(415) 555-0132": "four one five, five five five, oh one three two",
    "+44 20 7946 0018": "plus four four, two oh, seven nine four six, oh oh one eight",
    "150-1500 people": "one hundred and fifty to fifteen hundred people",
    "version 3.12.4, v2.0": "version three point twelve point four, version two point zero",
    "www.example.com/help.": "w w w dot example dot com slash help.",
    "https://docs.python.org": "docs dot python dot org",
    "anna.smith@example.org": "anna dot smith at example dot org",
    # Names
    "Henry VIII, Elizabeth II": "Henry the eighth, Elizabeth the second",
    "World War II, chapter IV": "World War two, chapter four",
    "the part I like, an IV drip, size XL, Washington DC": "the part I like, an IV drip, size XL, Washington DC",
    "Dr. and Mrs. White vs. Prof. Green": "Doctor and Missus White versus Professor Green",
    "221 Baker St.": "two hundred and twenty-one Baker Street.",
    "Visit St. Peter.": "Visit Saint Peter.",
    "e.g. apples, pears, etc.": "for example apples, pears, et cetera.",
    "no. 7, p. 12, pp. 3-5": "number seven, page twelve, pages three to five",
    "R&D, #1 and C#": "R and D, number one and C sharp",
    # What is right already
    "Hello, how are you? I'm fine.": "Hello, how are you? I'm fine.",
    "NASA and the U.S.": "NASA and the U.S.",
    "well-known, and so on – yes": "well-known, and so on, yes",
    "": "",
}


@pytest.mark.parametrize("written", SPOKEN)
def test_it_works(written: str) -> None:
    assert normalise(written) == SPOKEN[written]


def test_the_day_comes_first_outside_the_united_states() -> None:
    assert normalise("12/08/2025", is_day_first=True) == "August twelfth, twenty twenty-five"


@pytest.mark.parametrize(
    "part", ["1", "1,", "1.", "-", "$1", "a.", "1/", "(1", "I ", "St.", " ", "www.", "a@", "v1.", "#a", "٣", "+1 "]
)
def test_no_text_takes_more_than_linear_time(part: str) -> None:
    """With the square of it each would take minutes."""
    assert normalise((part * 100_000)[:100_000]) != "?"
