"""English words for what is written short: abbreviations, units, months, signs."""

MONTHS = ["January", "February", "March", "April", "May", "June", "July", "August", "September", "October", "November",
          "December"]  # fmt: skip
CURRENCIES = {"$": ("dollar", "cent"), "£": ("pound", "pence"), "€": ("euro", "cent"), "¥": ("yen", ""),
              "USD": ("dollar", "cent"), "GBP": ("pound", "pence"), "EUR": ("euro", "cent")}  # fmt: skip
SCALES = {"k": "thousand", "m": "million", "mn": "million", "b": "billion", "bn": "billion", "tn": "trillion"}
UNITS = {
    "km": "kilometer", "m": "meter", "cm": "centimeter", "mm": "millimeter", "mi": "mile", "yd": "yard",
    "kg": "kilogram", "g": "gram", "mg": "milligram", "lb": "pound", "lbs": "pound", "oz": "ounce",
    "l": "liter", "L": "liter", "ml": "milliliter", "mL": "milliliter",
    "h": "hour", "hr": "hour", "hrs": "hour", "min": "minute", "mins": "minute", "sec": "second", "secs": "second",
    "ms": "millisecond", "kB": "kilobyte", "KB": "kilobyte", "MB": "megabyte", "GB": "gigabyte", "TB": "terabyte",
    "kW": "kilowatt", "kWh": "kilowatt-hour", "W": "watt", "V": "volt", "mAh": "milliamp-hour",
    "px": "pixel", "¢": "cent", "°": "degree", "ft": "foot",
}  # fmt: skip
FIXED_UNITS = {
    "mph": "miles per hour", "km/h": "kilometers per hour", "kph": "kilometers per hour", "m/s": "meters per second",
    "Hz": "hertz", "kHz": "kilohertz", "MHz": "megahertz", "GHz": "gigahertz", "dB": "decibels",
    "Mbps": "megabits per second", "Gbps": "gigabits per second", "fps": "frames per second",
    "°C": "degrees Celsius", "°F": "degrees Fahrenheit", "km²": "square kilometers", "m²": "square meters",
    "m³": "cubic meters", "sq ft": "square feet",
}  # fmt: skip
ABBREVIATIONS = {
    "Mr.": "Mister", "Mrs.": "Missus", "Ms.": "Miz", "Dr.": "Doctor", "Prof.": "Professor", "Jr.": "Junior",
    "Sr.": "Senior", "Gen.": "General", "Gov.": "Governor", "Sen.": "Senator", "Capt.": "Captain", "Lt.": "Lieutenant",
    "Sgt.": "Sergeant", "Rev.": "Reverend", "Ave.": "Avenue", "Blvd.": "Boulevard", "Rd.": "Road", "Apt.": "Apartment",
    "Mt.": "Mount", "Ft.": "Fort", "Inc.": "Incorporated", "Ltd.": "Limited", "Corp.": "Corporation",
    "Co.": "Company", "Bros.": "Brothers", "Dept.": "Department", "dept.": "department", "approx.": "approximately",
    "vs.": "versus", "vs": "versus", "etc.": "et cetera", "e.g.": "for example", "i.e.": "that is", "cf.": "compare",
    "Fig.": "Figure", "fig.": "figure", "vol.": "volume", "Vol.": "Volume", "pp.": "pages", "est.": "established",
    "min.": "minimum", "max.": "maximum", "w/": "with", "w/o": "without",
    "Jan.": "January", "Feb.": "February", "Mar.": "March", "Apr.": "April", "Jun.": "June", "Jul.": "July",
    "Aug.": "August", "Sep.": "September", "Sept.": "September", "Oct.": "October", "Nov.": "November",
    "Dec.": "December", "Mon.": "Monday", "Tue.": "Tuesday", "Tues.": "Tuesday", "Wed.": "Wednesday",
    "Thu.": "Thursday", "Thurs.": "Thursday", "Fri.": "Friday", "Sat.": "Saturday",
}  # fmt: skip
# Before a Roman numeral that is counted: “chapter four”. Behind a name it is an ordinal: “Henry the eighth”.
COUNTED = frozenset({
    "chapter", "part", "act", "scene", "section", "volume", "book", "phase", "article", "war", "level", "type", "stage",
    "class", "grade", "figure", "appendix", "title", "episode", "round", "mark", "bowl", "apollo", "gemini", "table",
    "step", "module", "unit", "tier", "fantasy", "rocky",
})  # fmt: skip
# Words that may stand before capitals and are nobody's name: “the IV”.
NO_NAMES = frozenset({"the", "an", "my", "her", "his", "your", "our", "their", "this", "that", "no", "and", "or", "by",
                      "in", "on", "for", "with"})  # fmt: skip
FRACTIONS = {2: "half", 3: "third", 4: "quarter", 5: "fifth", 6: "sixth", 7: "seventh", 8: "eighth", 9: "ninth",
             10: "tenth", 12: "twelfth", 16: "sixteenth"}  # fmt: skip
SIGNS = {"½": " 1/2", "¼": " 1/4", "¾": " 3/4", "⅓": " 1/3", "⅔": " 2/3", "⅛": " 1/8", "\u2212": "-", "\u2010": "-",
         "\u2011": "-", "\u2012": "-", "\u2019": "'", "\u2018": "'", "\u201c": '"', "\u201d": '"',
         "\u00a0": " ", "\u202f": " ", "\u2009": " ", "™": "", "®": "", "×": " times ",
         "\u2013": " - "}  # fmt: skip
SPOKEN_SIGNS = {"&": "and", "@": "at", "=": "equals", "÷": "divided by", "±": "plus or minus",
                "+": "plus", "%": "percent", "#": "hashtag", "*": " ", "§": "section", "<": "less than",
                ">": "greater than", "≈": "about", "≤": "at most", "≥": "at least", "²": "squared", "³": "cubed",
                "~": "about", "_": " ", "\\": " ", "/": "slash", "|": ",",
                "^": "to the power of", "°": "degrees"}  # fmt: skip


def choose_plural(number: str, word: str) -> str:
    """Return the word for one, or for so many of it. The number is as it is written, in figures."""
    if number.replace(",", "") in ("1", "-1") or word in ("pence", "yen"):
        return word
    return "feet" if word == "foot" else f"{word}s"
