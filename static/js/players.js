// Videos of YouTube and Vimeo. No request goes to another host until a reader presses the button that this script adds
// to each video. Then the video is loaded from the host that stores the least about its viewers.
const label = document.querySelector("script[data-play]").dataset.play;

/** Return the URL of a video's player for the URL of its page, or a falsy value for any other URL. */
function playerUrl(page) {
  const { hostname, pathname, searchParams } = new URL(page);
  if (hostname === "www.youtube.com" && pathname === "/watch") {
    const id = searchParams.get("v") ?? "";
    const start = parseInt(searchParams.get("t") ?? "0", 10);
    return /^[\w-]{11}$/.test(id) && `https://www.youtube-nocookie.com/embed/${id}?autoplay=1&rel=0&start=${start}`;
  }
  const video = hostname === "vimeo.com" && pathname.match(/^\/(\d+)(?:\/([0-9a-f]+))?$/);
  return video && `https://player.vimeo.com/video/${video[1]}?autoplay=1&dnt=1${video[2] ? `&h=${video[2]}` : ""}`;
}

function play(figure, link, url) {
  const frame = document.createElement("iframe");
  frame.src = url;
  frame.title = link.textContent;
  frame.allow = "autoplay; encrypted-media; fullscreen; picture-in-picture";
  frame.allowFullscreen = true;
  // The players refuse to start without a referrer, but they need only the site and not the page.
  frame.referrerPolicy = "strict-origin";
  figure.querySelector("button").replaceWith(frame);
  frame.focus();
}

for (const figure of document.querySelectorAll(".entry-body figure.player")) {
  const link = figure.querySelector("a[href]");
  const url = link && playerUrl(link.href);
  if (url) {
    const button = document.createElement("button");
    button.type = "button";
    button.textContent = label.replace("HOST", new URL(url).hostname);
    button.addEventListener("click", () => play(figure, link, url));
    figure.prepend(button);
  }
}
