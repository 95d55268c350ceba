// A table that is wider than the text scrolls sideways. Not every browser makes it scrollable by keyboard, so this
// makes it focusable with the Tab key while there is something to scroll.
const observer = new ResizeObserver((entries) => {
  for (const { target } of entries) {
    target.tabIndex = target.scrollWidth > target.clientWidth ? 0 : -1;
  }
});

for (const table of document.querySelectorAll("main table")) {
  observer.observe(table);
}
