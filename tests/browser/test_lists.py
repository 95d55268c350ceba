"""Working with the lists of the admin."""

import re

import pytest
from playwright.sync_api import Route, expect

from accounts.models import User
from blog.models import Category, Post, Status
from media.pictures import store_picture
from tests.factories import CategoryFactory, PostFactory, TagFactory, UserFactory, at
from tests.factories.files import picture_file
from tests.factories.types import LogIn

pytestmark = pytest.mark.django_db(transaction=True)


@pytest.fixture
def posts() -> list[Post]:
    editor = UserFactory(username="ruth", role="Editor", display_name="Ruth")
    for index in range(14):
        CategoryFactory(name=f"Topic {index}")
    award = CategoryFactory(name="Récompenses")
    return [PostFactory(title=f"Award {index}", author=editor, categories=[award]) for index in range(3)]


def test_posts_are_filtered_edited_trashed_and_restored(log_in: LogIn, posts: list[Post]) -> None:
    PostFactory(title="Elsewhere")
    page = log_in("ruth", "/admin/blog/post/")

    # Search within the filter, ignoring accents, with the keyboard.
    page.get_by_text("Category", exact=True).click()
    page.get_by_label("Search: category").fill("recomp")
    page.keyboard.press("Enter")
    expect(page.locator("#result_list tbody tr")).to_have_count(3)

    # “Run” without an action keeps the selection.
    page.get_by_role("checkbox", name="Select all").check()
    page.get_by_role("button", name="Run").click()
    expect(page.get_by_label("Action:")).to_be_focused()
    expect(page.locator("tbody input:checked")).to_have_count(3)

    # An error in the dialog focuses its field. Once it is corrected, the row changes in place.
    # A double click opens only one dialog.
    page.get_by_role("link", name="Quick edit: Award 1").dblclick()
    dialog = page.get_by_role("dialog")
    expect(dialog.get_by_label("Title")).to_be_focused()
    dialog.get_by_label("Title").fill("Award, renamed")
    dialog.get_by_label("Slug").fill("not/possible")
    dialog.get_by_role("button", name="Update").click()
    expect(dialog.get_by_label("Slug")).to_be_focused()
    expect(dialog.get_by_label("Title")).to_have_value("Award, renamed")
    dialog.get_by_role("button", name="Update").focus()
    edges = [
        dialog.get_by_label(name).evaluate("box => getComputedStyle(box).borderColor") for name in ("Title", "Slug")
    ]
    assert edges[0] != edges[1]
    dialog.get_by_label("Slug").fill("renamed")
    dialog.get_by_label("Status").select_option("Unpublish")
    # Tags are chips here too.
    dialog.get_by_role("combobox", name="Tags").fill("peace,")
    expect(dialog.get_by_role("button", name="Remove peace")).to_be_visible()
    dialog.get_by_role("button", name="Update").click()
    expect(dialog).to_have_count(0)
    row = page.get_by_role("row").filter(has=page.get_by_role("link", name="Award, renamed", exact=True))
    expect(row.locator(".state")).to_have_text("Draft")
    expect(row.locator(".entry-tags")).to_contain_text("#peace")
    expect(page.locator(".messagelist")).to_contain_text("Moved back to drafts.")
    expect(page.get_by_role("link", name="Quick edit: Award, renamed")).to_be_focused()
    # Screen readers announce it.
    expect(page.get_by_role("status").filter(has_text="Moved back to drafts.")).to_be_visible()

    # Escape closes the dialog without changing anything.
    page.get_by_role("link", name="Quick edit: Award 2").click()
    dialog.get_by_label("Title").fill("Lost")
    page.keyboard.press("Escape")
    expect(dialog).to_have_count(0)

    # All rows are edited together. Selecting them moves nothing.
    before = page.locator("#result_list").bounding_box()
    page.locator("#action-toggle").check()
    assert page.locator("#result_list").bounding_box() == before
    page.get_by_label("Action:").select_option("Edit…")
    page.get_by_role("button", name="Run").click()
    # After cancelling, one can go on with the same selection.
    page.get_by_role("link", name="Cancel").click()
    expect(page.locator("tbody input:checked")).to_have_count(3)
    page.get_by_role("button", name="Run").click()
    page.get_by_role("combobox", name="Add tags").fill("prizes")
    page.get_by_role("button", name="Show what will change").click()
    expect(page.get_by_role("heading", name="3 will change")).to_be_visible()
    page.get_by_role("button", name="Change", exact=True).click()
    expect(page.locator(".messagelist")).to_contain_text("3 posts changed.")
    expect(page.locator(".entry-tags", has_text="#prizes")).to_have_count(3)

    # A row is moved to the trash and back in place, with the keyboard too, and what is selected stays selected.
    page.get_by_role("checkbox", name="Award 2").check()
    page.get_by_role("button", name="Move to trash: Award 0").press("Enter")
    row = page.get_by_role("row").filter(has_text="Award 0 Post moved to the trash.")
    expect(row.locator(".row-moved")).to_be_focused()
    expect(page.get_by_role("link", name="Trash 1")).to_be_visible()
    assert Post.objects.get(pk=posts[0].pk).status == Status.TRASH
    row.get_by_role("button", name="Undo").press("Enter")
    expect(page.get_by_role("link", name="Quick edit: Award 0")).to_be_focused()
    expect(page.locator("tbody input:checked")).to_have_count(1)
    expect(page).to_have_url(re.compile("category="))

    # A row that was moved isn't selected with the others, and comes back unselected.
    counter = page.locator(".action-counter")
    page.get_by_role("button", name="Move to trash: Award 2").click()
    expect(counter).to_have_text("0 of 2 selected")
    page.get_by_role("checkbox", name="Select all").check()
    expect(counter).to_have_text("2 of 2 selected")
    page.get_by_role("button", name="Undo").click()
    expect(counter).to_have_text("2 of 3 selected")
    expect(page.get_by_role("checkbox", name="Award 2")).not_to_be_checked()

    stored = {post.title: (post.status, post.slug) for post in Post.objects.all()}
    assert stored["Award 0"] == (Status.PUBLISHED, posts[0].slug)
    assert stored["Award, renamed"] == (Status.DRAFT, "renamed")
    assert stored["Award 2"] == (Status.PUBLISHED, posts[2].slug)


def test_without_a_connection_the_list_stays_and_says_so_beside_the_button(log_in: LogIn, posts: list[Post]) -> None:
    # The console of another page may show errors.
    page = log_in("ruth").context.new_page()
    # As in Safari before 16.
    page.add_init_script("delete HTMLFormElement.prototype.requestSubmit")
    page.goto("/admin/blog/post/")
    alert = page.get_by_role("alert")
    row = page.get_by_role("row").filter(has=page.get_by_role("link", name="Award 2", exact=True))
    page.context.set_offline(True)
    page.get_by_role("button", name="Move to trash: Award 2").click()
    expect(row.get_by_role("alert")).to_contain_text("Check that you are online")
    page.get_by_role("link", name="Quick edit: Award 0").click()
    expect(row.get_by_role("alert")).to_have_count(0)
    expect(alert).to_be_visible()
    page.context.set_offline(False)
    page.get_by_role("button", name="Move to trash: Award 2").click()
    expect(page.get_by_role("row").filter(has_text="Award 2 Post moved to the trash.")).to_be_visible()
    expect(alert).to_have_count(0)
    # So does the button that undoes this.
    page.context.set_offline(True)
    page.get_by_role("button", name="Undo").click()
    expect(alert).to_be_visible()
    assert Post.objects.get(title="Award 2").status == Status.TRASH
    # So do those that lead to another page,
    page.get_by_role("button", name="Duplicate: Award 0").click()
    expect(page.get_by_role("row").filter(has_text="Award 0").get_by_role("alert")).to_be_visible()
    # and those of the selected rows.
    page.get_by_role("checkbox", name="Award 1").check()
    page.get_by_label("Action:").select_option("Unpublish")
    page.get_by_role("button", name="Run").click()
    expect(page.locator(".actions").get_by_role("alert")).to_be_visible()
    page.context.set_offline(False)
    page.get_by_role("button", name="Run").click()
    expect(page.locator(".messagelist")).to_contain_text("Post unpublished")
    assert Post.objects.get(title="Award 1").status == Status.DRAFT
    # So does the message with the button that undoes this.
    page.context.set_offline(True)
    undo = page.locator(".messagelist form")
    undo.get_by_role("button", name="Undo").click()
    expect(undo.get_by_role("alert")).to_contain_text("Check that you are online")
    page.context.set_offline(False)
    undo.get_by_role("button", name="Undo").click()
    expect(page.locator(".messagelist")).to_contain_text("Undone")
    assert Post.objects.get(title="Award 1").status == Status.PUBLISHED
    page.get_by_role("button", name="Duplicate: Award 0").click()
    expect(page.locator("#id_title")).to_have_value("Award 0 (copy)")
    # The images of the library are a list too.
    store_picture(picture_file(), by=User.objects.get(username="ruth"))
    page.goto("/admin/media/picture/")
    page.locator(".action-select").check()
    page.get_by_label("Action:").select_option(value="delete_selected")
    page.get_by_role("button", name="Run").click()
    expect(page.get_by_role("heading", name="Delete image")).to_be_visible()
    # All other forms stay as well, with what was typed.
    page.context.set_offline(True)
    page.locator("#content [type=submit]").click()
    expect(page.locator("#content").get_by_role("alert")).to_be_visible()
    page.context.set_offline(False)
    page.goto("/admin/blog/category/add/")
    page.fill("#id_name", "Lamps")
    page.context.set_offline(True)
    page.keyboard.press("Enter")
    expect(page.locator(".submit-row").get_by_role("alert")).to_be_visible()
    page.context.set_offline(False)
    page.keyboard.press("Enter")
    expect(page.locator(".messagelist .success")).to_be_visible()
    assert Category.objects.filter(name="Lamps").count() == 1


def test_on_a_phone_rows_are_cards_that_name_their_columns_and_can_be_sorted(log_in: LogIn) -> None:
    UserFactory(username="owner", is_staff=True, is_superuser=True)
    UserFactory(role="Author", display_name="Amina " * 8, email=f"{'amina' * 10}@example.org")
    PostFactory(tags=["used"])
    TagFactory(name="never")
    page = log_in("owner", "/admin/accounts/user/", viewport={"width": 320, "height": 640})
    results, rows = page.locator(".results"), page.locator("#result_list tbody tr")
    labels = """cells => cells.map((cell) => getComputedStyle(cell, "::before").content)"""
    card = rows.filter(has_text="Amina")
    assert card.locator("td").evaluate_all(labels) == [
        f'"{label}: "' for label in ("E-mail address", "Role", "Status", "Last login")
    ]
    # Everything is in view.
    assert results.evaluate("results => results.scrollWidth <= results.clientWidth")
    for cell in card.locator("th, td").all():
        expect(cell).to_be_in_viewport()
    page.goto("/admin/tags/tag/")
    expect(rows.locator("th")).to_have_text(["never", "used"])
    for order in ("3", "-3"):
        page.get_by_role("button", name="Posts (including drafts)").click()
        expect(page).to_have_url(re.compile(rf"o={order}\b"))
    expect(rows.locator("th")).to_have_text(["used", "never"])
    # What can be done with a row has the size of a fingertip.
    page.goto("/admin/blog/post/")
    actions = page.locator(".entry-actions").first.locator("a, button")
    heights = "actions => actions.map((action) => action.getBoundingClientRect().height)"
    assert set(actions.evaluate_all(heights)) == {44}


def test_a_list_with_long_names_is_no_wider_than_the_window(log_in: LogIn) -> None:
    UserFactory(username="ruth", role="Editor")
    TagFactory(name="Donaudampfschifffahrt" * 6)
    PostFactory(tags=["used"], published_at=at(2020, 9, 29))
    CategoryFactory(name="Donaudampfschifffahrt" * 6, parent=CategoryFactory(name="Above"))
    page = log_in("ruth", "/admin/tags/tag/", viewport={"width": 1280, "height": 800})
    # The narrowest window with a navigation at the side, and a tablet that is turned.
    for width in (1280, 1024, 960):
        page.set_viewport_size({"width": width, "height": 800})
        assert page.locator(".results").evaluate("box => box.scrollWidth <= box.clientWidth"), width
    # The heading itself shows and reverses the order.
    heading = page.get_by_role("button", name="Name")
    assert "↑" in heading.evaluate("link => getComputedStyle(link, '::after').content")
    expect(page.get_by_title("Toggle sorting")).to_be_hidden()
    heading.click()
    expect(page.locator("th.descending")).to_have_count(1)
    # The same on a phone whose text is twice as large as usual.
    page.set_viewport_size({"width": 195, "height": 400})
    assert page.evaluate("document.documentElement.scrollWidth <= innerWidth")
    # All lines of a name in a tree are indented.
    page.goto("/admin/blog/category/")
    starts = page.locator(".tree-1").evaluate("""name => {
      const range = document.createRange();
      range.selectNodeContents(name);
      return [...range.getClientRects()].map((line) => Math.round(line.left));
    }""")
    assert len(starts) > 1
    assert len(set(starts)) == 1


def test_a_form_is_sent_once_however_often_enter_is_pressed(log_in: LogIn) -> None:
    UserFactory(username="ruth", role="Editor")
    page = log_in("ruth", "/admin/blog/category/add/")
    held: list[Route] = []

    def hold(route: Route) -> None:
        held.append(route)

    page.route("**/category/add/", hold)
    page.fill("#id_name", "Lamps")
    with page.expect_request("**/category/add/"):
        page.keyboard.press("Enter")
    page.keyboard.press("Enter")
    page.keyboard.press("Enter")
    for route in held:
        route.continue_()
    expect(page.locator(".messagelist .success")).to_be_visible()
    assert (len(held), Category.objects.count()) == (1, 1)
