"""How the queries that readers type are parsed, and what they find."""

import datetime as dt
from typing import Any

import pytest
from django.db import connection
from django.test.utils import CaptureQueriesContext
from hypothesis import HealthCheck, example, given, settings
from hypothesis import strategies as st

from blog.models import Entry
from core.models import SiteSettings
from search.finding import find_comments, find_entries
from search.indexes import entry_index
from search.queries import MAX_CHARACTERS, MAX_WORDS, Filter, Word, parse
from tests.factories import CategoryFactory, CommentFactory, PageFactory, PostFactory, UserFactory, at

# The syntax of the databases' query languages, and what readers type.
SYNTAX = st.sampled_from(
    [
        *"\"'*()^:+-&|!<>{}\\%_~\0",
        " AND ",
        " OR ",
        " NOT ",
        "NEAR(a b, 2)",
        "title:",
        "tag:",
        "category:",
        "before:",
        "-",
    ]
)
HOSTILE = st.lists(st.one_of(SYNTAX, st.text(max_size=8), st.sampled_from(["human", "人权", "حقوق", "2019"]))).map(
    "".join
)


class TestParsing:
    def test_recognises_words_phrases_exclusions_and_filters(self) -> None:
        query = parse('human "Rights Defenders" -prison tag:courts -category:"press freedom" author:anna award')
        assert query.words == (
            Word(("human",)),
            Word(("rights", "defenders"), is_exact=True),
            Word(("award",), is_prefix=True),
        )
        assert query.excluded == (Word(("prison",)),)
        assert query.filters == (
            Filter("tag", "courts", False),
            Filter("category", "press freedom", True),
            Filter("author", "anna", False),
        )

    @pytest.mark.parametrize(
        ("typed", "first", "last"),
        [
            ("before:2019", None, dt.date(2018, 12, 31)),
            ("after:2018-05", dt.date(2018, 5, 1), None),
            ("after:2018-05-07 before:2018-06-01", dt.date(2018, 5, 7), dt.date(2018, 5, 31)),
            ("after:٢٠١٨-٠٥", dt.date(2018, 5, 1), None),
            ("after:2018 100 after:2019 5 000", dt.date(2019, 1, 1), None),
            ("after:2019 before:2020 after:2018 before:2021", dt.date(2019, 1, 1), dt.date(2019, 12, 31)),
        ],
    )
    def test_recognises_days(self, typed: str, first: dt.date | None, last: dt.date | None) -> None:
        assert (parse(typed).first, parse(typed).last) == (first, last)

    @pytest.mark.parametrize(
        "typed", ["before:dawn", "before:2019-13", "before:0001", "https://example.org", "title:x"]
    )
    def test_an_invalid_filter_is_parsed_as_words(self, typed: str) -> None:
        query = parse(typed)
        assert len(query.words) > 1
        assert (query.first, query.last, query.filters) == (None, None, ())

    @pytest.mark.parametrize("typed", ["Tag:courts", "TAG：courts", "tag：「courts」"])
    def test_recognises_filters_as_other_keyboards_write_them(self, typed: str) -> None:
        assert parse(typed).filters == (Filter("tag", "courts", False),)
        assert parse(f"－{typed}").filters == (Filter("tag", "courts", True),)

    def test_accepts_an_unclosed_quotation_and_other_quotation_marks(self) -> None:
        assert parse('one "two three').words[1] == Word(("two", "three"), is_exact=True)
        assert parse("“two three”").words == (Word(("two", "three"), is_exact=True),)

    @pytest.mark.parametrize(
        ("typed", "words"),
        [
            ("defender’s prize", ["defender", "prize"]),
            ("l'avocate d’Ivoire", ["avocate", "ivoire"]),
            ("п’ять", ["ять"]),
            ("rock'n'roll", ["rock", "roll"]),
            ("I'm '80s", ["i", "m", "80s"]),
            ("don’t", ["don", "t"]),
        ],
    )
    def test_letters_attached_with_an_apostrophe_are_not_words(self, typed: str, words: list[str]) -> None:
        assert [word.tokens[0] for word in parse(typed).words] == words

    def test_the_last_word_is_completed_unless_it_is_short(self) -> None:
        assert [word.is_prefix for word in parse("human rig").words] == [False, True]
        assert not parse("un").words[0].is_prefix

    def test_scripts_without_spaces_become_pairs_of_characters(self) -> None:
        assert parse("人权捍").words == (Word(("人权", "权捍")),)
        assert parse("人").words == (Word(("人",), is_prefix=True),)

    def test_long_queries_are_cut_and_marked_as_such(self) -> None:
        assert len(parse("word " * 30).words) == MAX_WORDS
        assert parse("word " * 30).is_cut
        assert parse("x" * (MAX_CHARACTERS + 1)).is_cut
        long = "word" * 8
        assert {word.tokens for word in parse(f"{long} " * 9).words} == {(long,)}
        assert not parse("two words").is_cut

    def test_long_queries_keep_their_filters(self) -> None:
        query = parse("word " * MAX_WORDS + "-other tag:courts")
        assert (len(query.words), query.excluded) == (MAX_WORDS - 1, ())
        assert query.filters == (Filter("tag", "courts", False),)

    @given(HOSTILE)
    def test_no_query_is_an_error(self, typed: str) -> None:
        query = parse(typed)
        assert len(query.words) + len(query.excluded) + len(query.filters) <= MAX_WORDS
        assert all(word.tokens for word in (*query.words, *query.excluded))


@pytest.mark.django_db
class TestFinding:
    @pytest.fixture(autouse=True, scope="class")
    @classmethod
    def entries(cls, class_db: None) -> None:
        courts = CategoryFactory(name="Courts")
        anna = UserFactory(display_name="Anna Lindqvist")
        PostFactory(title="Award", source="The award goes to a defender.", published_at=at(2018, 4, 2), author=anna)
        PostFactory(title="Defenders", source="Lawyers in prison.", published_at=at(2018, 5, 3), categories=[courts])
        PostFactory(title="Prison", source="A prison award", published_at=at(2019, 1, 1), tags=["Press freedom"])
        PageFactory(title="About", source="Who we are: defenders.", published_at=at(2020, 1, 1))

    @pytest.fixture
    def site(self) -> SiteSettings:
        return SiteSettings.current()

    @staticmethod
    def found(typed: str, **options: Any) -> list[str]:
        titles = dict(Entry.objects.values_list("pk", "title"))
        return [titles[pk] for pk in find_entries(parse(typed), SiteSettings.current(), **options).pks]

    @pytest.mark.parametrize(
        ("typed", "titles"),
        [
            ("award", {"Award", "Prison"}),
            ("defenders", {"Award", "Defenders", "About"}),
            ("defend", {"Award", "Defenders", "About"}),
            ("award -prison", {"Award"}),
            ("-prison", {"Award", "About"}),
            ("award -prison-award", {"Award"}),
            ("award -prison-defender", {"Award", "Prison"}),
            ('"prison award"', {"Prison"}),
            ('"award prison"', set()),
            ("tag:press-freedom", {"Prison"}),
            ('tag:"PRESS FREEDOM"', {"Prison"}),
            ("-tag:press-freedom award", {"Award"}),
            ("tag:unknown", set()),
            ("-tag:unknown award", {"Award", "Prison"}),
            ("category:courts", {"Defenders"}),
            ('author:"anna lindqvist"', {"Award"}),
            ("author:anna-lindqvist award", set()),
            ("before:2019", {"Award", "Defenders"}),
            ("after:2018-05", {"Defenders", "Prison", "About"}),
            ("after:2018-04-03 before:2018-05-04", {"Defenders"}),
            ("after:2019 before:2018", set()),
            ("after:2019 before:9999", {"Prison", "About"}),
            ("after:9998 before:9999", set()),
            ("after:9998 award", set()),
        ],
    )
    def test_entries_match_all_words_and_filters(self, typed: str, titles: set[str]) -> None:
        UserFactory(username="anna-lindqvist")
        assert set(self.found(typed)) == titles

    def test_days_before_the_first_and_after_the_last_post_are_not_looked_up(self) -> None:
        with CaptureQueriesContext(connection) as queries:
            self.found("after:0002 before:9999-12-31 award")
        looked_up = [each["sql"].count("__y") for each in queries]
        # Looking up all 8,000 years, each of them several times, would exceed this.
        assert 0 < max(looked_up) < 2_000

    def test_titles_count_more_than_texts_unless_sorted_by_date(self) -> None:
        assert self.found("prison") == ["Prison", "Defenders"]
        assert self.found("award", best_first=False) == ["Prison", "Award"]

    def test_some_of_the_words_are_enough_if_no_entry_has_all(self) -> None:
        hits = find_entries(parse("lawyers award"), SiteSettings.current())
        assert hits.any_word
        assert len(hits.pks) == 3
        assert find_entries(parse("tag:unknown lawyers award"), SiteSettings.current()).pks == []

    def test_unknown_names_are_reported(self) -> None:
        assert find_entries(parse("tag:x award"), SiteSettings.current()).unknown == [Filter("tag", "x", False)]

    @pytest.mark.parametrize("hidden", [{"status": "draft"}, {"kind": "page"}, {"published_at": at(2999, 1, 1)}])
    def test_an_author_without_public_posts_is_unknown(self, hidden: dict[str, Any]) -> None:
        make = PageFactory if hidden.pop("kind", "") else PostFactory
        make(author=UserFactory(username="ruth"), **hidden)
        for typed in ("author:ruth", "-author:ruth award"):
            (unknown,) = find_entries(parse(typed), SiteSettings.current()).unknown
            assert unknown.value == "ruth"

    @pytest.mark.parametrize(
        ("language", "text", "typed"),
        [
            ("ar", "والمدافعون عن حُقوق الإنسان", "المدافعون"),
            ("ar", "حقوق الإنسان", "الانسان"),
            ("ar", "حُكم بمحاكمةٍ جديدة", "محاكمة"),
            ("ar", "والنشطاء للحقوق", "ناشط حق"),
            ("de", "Herr Müller", "mueller"),
            ("en", "Mr Mueller", "müller"),
            ("en", "1,000 prisoners", "1000"),
            ("en", "1000 prisoners", "1 000"),
            ("fr", "1\u202f000 prisonniers", "1000"),
            ("ar", "١٬٠٠٠ سجين", "1000"),
            ("uk", "Об\u02bcєднання правозахисниць", "об'єднання"),
            ("ru", "Правозащитников наградили", "правозащитник"),
            ("fr", "Les avocates arrêtées", "avocate arrete"),
            ("zh", "联合国人权捍卫者宣言", "人权捍卫者"),
            ("zh", "联合国人权捍卫者宣言", "言"),
            ("ja", "国際的な人権団体", "人権"),
            ("th", "ผู้ปกป้องสิทธิมนุษยชน", "สิทธิ"),
            ("hi", "मानव अधिकार रक्षक", "अधिकार"),
            ("ko", "인권을 옹호하는", "인권"),
            ("fa", "مدافعان حقوق بشر", "حقوق‌"),
            ("en", "Abdul-Hadi Al‑Khawaja", "abdulhadi alkhawaja"),
            ("en", "Alkhawaja was freed.", "al-khawaja free"),
            ("en", "Human rights", "human-rights"),
            ("en", "Co-operated with the U.N.", "cooperation un"),
            ("en", "The UN and the USA", "U.N. U.S.A."),
        ],
    )
    def test_words_in_every_script_are_found(self, language: str, text: str, typed: str) -> None:
        PostFactory(title="Other", source=text, language=language)
        assert "Other" in self.found(typed)

    @pytest.mark.parametrize(
        ("text", "typed"),
        [
            ("A walk. By night", "walkby"),
            ("one-two-three-four", "onetwo"),
            ("In 2019,100 of 1,0000", "2019100 10000"),
            ("Al-Khawaja", '"al khawaja alkhawaja"'),
        ],
    )
    def test_nothing_else_is_a_compound(self, text: str, typed: str) -> None:
        PostFactory(title="Other", source=text)
        assert "Other" not in self.found(typed)

    def test_what_another_language_makes_of_a_word_counts_only_in_texts_in_it(self) -> None:
        # In French, “former” and “formés” are forms of one word, and “letter” would have the stem “let”.
        PostFactory(title="Forms", source="Let me fill in the form.", language="en")
        PostFactory(title="Without a language", source="Let us fill in a form.")
        PostFactory(title="Bien formés", source="Des avocats.", language="fr-CA")
        PostFactory(title="Former judges", source="They wrote letters.", language="en")
        assert self.found("former") == ["Former judges", "Bien formés"]
        assert self.found("letter") == ["Former judges"]
        # As the beginning of a word, after all others.
        assert self.found("form")[-1] == "Former judges"
        assert self.found("-former fill") == ["Without a language", "Forms"]

    def test_forms_are_found_in_a_language_that_comes_late_in_the_alphabet(self) -> None:
        for language in ("ar", "bn", "de", "en-GB", "en-US", "es", "fa", "fr", "he", "hi", "ja", "ko", "pt-BR"):
            PostFactory(title=language, language=language)
        PostFactory(title="Other", source="Мы читали письма правозащитников.", language="ru")
        assert self.found("правозащитники письмо") == ["Other"]

    def test_words_of_the_sites_language_are_found_in_texts_in_any(self) -> None:
        PostFactory(title="Un prix", source="Les Harbour Lamps.", language="fr")
        assert self.found("lamp") == self.found("harbour lamps") == ["Un prix"]

    def test_the_longest_query_works_in_many_languages(self) -> None:
        for language in ("ar", "de", "es", "fr", "hi", "it", "nl", "pt", "ru", "sv", "ta", "tr"):
            PostFactory(title=language, source="gegevenen", language=language)
        words = ["gegevenen", "nationales", "awards", "международные"]
        typed = " ".join(f"{word}{number or ''}" for number in range(3) for word in words)
        assert self.found(typed)

    @pytest.mark.parametrize("best_first", [True, False])
    def test_results_are_limited(self, best_first: bool) -> None:
        hits = find_entries(parse("award"), SiteSettings.current(), best_first=best_first, limit=1)
        assert (len(hits.pks), hits.has_more) == (1, True)
        assert not find_entries(parse("award"), SiteSettings.current(), best_first=best_first, limit=2).has_more

    @pytest.mark.parametrize("typed", ["", " ", "-", '""', "tag:", "*", "\0"])
    def test_a_query_without_words_is_empty(self, typed: str) -> None:
        assert parse(typed).is_empty or parse(typed).words

    @settings(max_examples=1000, suppress_health_check=[HealthCheck.function_scoped_fixture])
    @given(HOSTILE)
    @example("NEAR/2 \"* OR NOT ' \\ :* & | ! <-> a\0b")
    def test_no_query_fails(self, site: SiteSettings, typed: str) -> None:
        query = parse(typed)
        find_entries(query, site)
        find_entries(query, site, best_first=False)
        find_comments(query, site)


@pytest.mark.django_db
class TestRanking:
    @staticmethod
    def found(typed: str, **options: Any) -> list[str]:
        titles = dict(Entry.objects.values_list("pk", "title"))
        return [titles[pk] for pk in find_entries(parse(typed), SiteSettings.current(), **options).pks]

    def test_depends_on_where_the_words_are_and_then_on_the_date(self) -> None:
        PostFactory(title="Heron and egret")
        PostFactory(title="Egret", tags=["heron"])
        PostFactory(title="Often", source="Herons, egrets. The heron and the egret. A heron's nest, an egret's.")
        PostFactory(title="Older", source="A heron and an egret.")
        PostFactory(title="Newer", source="A heron and an egret.")
        PostFactory(title="Egret", source="Nothing else.")
        order = ["Heron and egret", "Egret", "Often", "Newer", "Older"]
        assert self.found("heron egret") == order
        assert self.found("heron egret", limit=3) == order[:3]

    def test_a_title_that_is_exactly_the_query_comes_first(self) -> None:
        PostFactory(title="A Grey Heron!")
        PostFactory(title="A grey heron and an egret")
        for typed in ("a grey heron", '"A grey heron"'):
            assert self.found(typed)[0] == "A Grey Heron!"
        assert self.found("grey heron")[0] == "A grey heron and an egret"

    def test_a_phrase_counts_in_titles_but_its_frequency_in_the_text_does_not(self) -> None:
        PostFactory(title="Often", source="A grey heron. A grey heron. A grey heron.")
        PostFactory(title="Apart", source="Heron grey heron heron grey grey.")
        PostFactory(title="Never", source="Grey, grey, grey is a heron, heron, heron.")
        PostFactory(title="A grey heron")
        assert self.found('"grey heron"') == ["A grey heron", "Apart", "Often"]

    @pytest.mark.parametrize(("typed", "count"), [('"grey heron"', 4), ("grey heron", 5)])
    def test_looks_up_the_same_expression_once(self, typed: str, count: int, monkeypatch: pytest.MonkeyPatch) -> None:
        find, looked_up = type(entry_index()).find, []

        def recording(index: Any, expressions: Any, **options: Any) -> Any:
            looked_up.append(len(expressions))
            return find(index, expressions, **options)

        monkeypatch.setattr(type(entry_index()), "find", recording)
        self.found(typed)
        assert looked_up[0] == count

    def test_completions_of_the_last_word_come_after_the_word_itself(self) -> None:
        PostFactory(title="Text", source="A heron.")
        PostFactory(title="Heronries")
        assert self.found("heron") == ["Text", "Heronries"]
        assert self.found("heron", limit=1) == ["Text"]
        assert self.found("heronr") == ["Heronries"]

    def test_with_some_of_the_words_more_and_rarer_words_rank_higher(self) -> None:
        PostFactory(title="Rare", source="A lighthouse.")
        PostFactory(title="Both", source="A lighthouse with a heron.")
        PostFactory.create_batch(4, title="Common", source="A heron.")
        assert self.found("heron lighthouse zanzibar")[:2] == ["Both", "Rare"]

    @pytest.mark.parametrize("typed", ["heron", "heron egret", '"heron egret"', "heron -egret"])
    def test_the_number_of_queries_is_fixed(self, typed: str) -> None:
        PostFactory.create_batch(5, title="Heron egret")
        site = SiteSettings.current()
        find_entries(parse(typed), site)
        with CaptureQueriesContext(connection) as queries:
            find_entries(parse(typed), site)
        assert len(queries) <= 2


@pytest.mark.django_db
class TestFindingComments:
    def test_matches_text_and_name_and_sorts_newest_first(self) -> None:
        first = CommentFactory(text="A remark", name="Rosa")
        second = CommentFactory(text="Another remark")
        site = SiteSettings.current()
        assert list(find_comments(parse("remarks"), site).pks) == [second.pk, first.pk]
        assert list(find_comments(parse("rosa"), site).pks) == [first.pk]
        assert find_comments(parse("tag:x"), site).pks == []
