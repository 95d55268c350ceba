// Films of YouTube and Vimeo. Nothing is asked of another host until a reader presses the button that
// this adds to each of them; then the film is loaded from the address that keeps least about its viewers.
const words = document.querySelector("script[data-play]").dataset.play;

/** The address of a film's player, from the address of its page; nothing for all other addresses. */
function playerAddress(page) {
  const { hostname, pathname, searchParams } = new URL(page);
  if (hostname === "www.youtube.com" && pathname === "/watch") {
    const id = searchParams.get("v") ?? "";
    const start = parseInt(searchParams.get("t") ?? "0", 10);
    return /^[\w-]{11}$/.test(id) && `https://www.youtube-nocookie.com/embed/${id}?autoplay=1&rel=0&start=${start}`;
  }
  const film = hostname === "vimeo.com" && pathname.match(/^\/(\d+)(?:\/([0-9a-f]+))?$/);
  return film && `https://player.vimeo.com/video/${film[1]}?autoplay=1&dnt=1${film[2] ? `&h=${film[2]}` : ""}`;
}

function play(figure, link, address) {
  const frame = document.createElement("iframe");
  frame.src = address;
  frame.title = link.textContent;
  frame.allow = "autoplay; encrypted-media; fullscreen; picture-in-picture";
  frame.allowFullscreen = true;
  // The players refuse to start for a page that names no site; the page itself they need not know.
  frame.referrerPolicy = "strict-origin";
  figure.querySelector("button").replaceWith(frame);
  frame.focus();
}

for (const figure of document.querySelectorAll(".entry-body figure.player")) {
  const link = figure.querySelector("a[href]");
  const address = link && playerAddress(link.href);
  if (address) {
    const button = document.createElement("button");
    button.type = "button";
    button.textContent = words.replace("HOST", new URL(address).hostname);
    button.addEventListener("click", () => play(figure, link, address));
    figure.prepend(button);
  }
}
