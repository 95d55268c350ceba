"""The stems of Arabic words.

Snowball's algorithm takes the first letters of many nouns for those of verbs, so that “سياسي” and “سياسيين” have
different stems. This one removes less, like the light stemmers of Larkey, Ballesteros and Connell (SIGIR 2002).
"""

import re
from collections.abc import Iterator
from typing import Final

# “And”, “so” and the article, also after “with”, “like” and “for”. Without an article, “so” is rarer than nouns that
# begin like it, such as “فائز”.
_PREFIX: Final = re.compile("^(?:[وف]?(?:ال|بال|كال|لل)(?=...)|و(?=....))")
# What may be in front of an irregular word, which can be shorter because it is known.
_PREFIX_OF_KNOWN: Final = re.compile("^[وف]?(?:(?:ال|بال|كال|لل)(?=..)|[بكل](?=....)|(?=...))")
_ENDING: Final = re.compile(
    # Possessive pronouns, before which “ة” is “ت”, and the feminine singular, plural and dual.
    "(?:(?<=...)(?:ات|ت)?(?:هما|هم|هن|ها|نا|ه)|(?<=...)(?:ات|تان|تين)"
    # The masculine plural and dual, adjectives made from nouns, and accusatives.
    "|(?<=....)(?:ون|ين|ان|[ويا]))$"
)
# Common words with broken plurals, the singular first, and words that would otherwise be taken for forms of them. They
# are spelled as `search.text.normalise` leaves them.
_GROUPS: Final = """
    ناشط نشطاء|حق حقوق|سجين سجناء|سجن سجون|اسير اسري|شهيد شهداء|لاجي لاجوون|ضحيه ضحايا|شاهد شهود|زعيم زعماء
    امراه مراه نساء نسوه|رجل رجال|طفل اطفال|شاب شباب شبان|فتاه فتيات|بنت بنات|ابن ابناء|شخص اشخاص|فرد افراد
    شعب شعوب|عضو اعضاء|زميل زملاء|شريك شركاء|صديق اصدقاء|خبير خبراء|خبره خبرات|طبيب اطباء|شاعر شعراء|عامل عمال
    طالب طلاب|حارس حراس|جندي جنود|ضابط ضباط|حاكم حكام|قاضي قاض قضاه|رييس روساء|وزير وزراء|سفير سفراء|نايب نواب
    عميل عملاء|نزيل نزلاء|جايزه جوايز|تقرير تقارير|قانون قوانين|محكمه محاكم|محاكمه محاكمات|حكم احكام|قضيه قضايا
    جريمه جرايم|ميثاق مواثيق|مبدا مبادي|ماده مواد|وثيقه وثايق|دليل ادله|كتاب كتب|خبر اخبار|رساله رسايل|صحيفه صحف
    صوره صور|فيلم افلام|صوت اصوات|موقع مواقع|مشروع مشاريع|برنامج برامج|عمل اعمال|هدف اهداف|سبب اسباب|ظرف ظروف
    خطر اخطار مخاطر|حادث حوادث|حزب احزاب|مجلس مجالس|لجنه لجان|مكتب مكاتب|مركز مراكز|مرصد مراصد|معهد معاهد
    مدرسه مدارس|بلد بلدان بلاد|دوله دول|مدينه مدن|قريه قري|منطقه مناطق|سنه سنوات سنين|يوم ايام|اسبوع اسابيع|شهر شهور
"""


def stem(word: str) -> str:
    """Return the stem of a normalised word, which may be the word itself."""
    for base in (word, _PREFIX_OF_KNOWN.sub("", word)):
        for shorter in _shortened(base):
            if shorter in _known:
                return _known[shorter]
    return _shortest(_PREFIX.sub("", word))


def irregular_forms(stem: str) -> list[str]:
    """Return the words with this stem that need not begin like it; none if its words are regular."""
    return _irregular.get(stem, [])


def _shortened(word: str) -> Iterator[str]:
    """Yield a word, and what is left of it after removing one ending after the other."""
    yield word
    while (shorter := _ENDING.sub("", word)) != word:
        yield shorter
        word = shorter


def _shortest(word: str) -> str:
    *_longer, shortest = _shortened(word)
    return shortest


_irregular: Final = {words[0]: words for words in map(str.split, re.split(r"[|\n]", _GROUPS)) if words}
_known: Final = {_shortest(singular): singular for singular in _irregular}
_known.update({word: singular for singular, words in _irregular.items() for word in words})
