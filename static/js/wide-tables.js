// A table that is wider than the text scrolls sideways. Not every browser lets the keyboard scroll it
// of its own accord: make it a stop for the Tab key, but only while there is something to scroll.
const watcher = new ResizeObserver((entries) => {
  for (const { target } of entries) {
    if (target.scrollWidth > target.clientWidth) {
      target.tabIndex = 0;
    } else {
      target.removeAttribute("tabindex");
    }
  }
});

for (const table of document.querySelectorAll(".entry-body table")) {
  watcher.observe(table);
}
