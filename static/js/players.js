// Players of other sites, such as YouTube. No request goes to another host until a reader presses the button that this
// script adds to each player, which is then loaded from the URL that blog/rendering/providers.py has chosen.
const { play, show } = document.querySelector("script[data-play]").dataset;

function load(figure, link) {
  const frame = document.createElement("iframe");
  frame.src = figure.dataset.player;
  frame.title = link.textContent;
  frame.allow = "autoplay; encrypted-media; fullscreen; picture-in-picture";
  frame.allowFullscreen = true;
  // The players refuse to start without a referrer, but they need only the site and not the page.
  frame.referrerPolicy = "strict-origin";
  figure.querySelector("button").replaceWith(frame);
  frame.focus();
}

for (const figure of document.querySelectorAll(".entry-body figure.player[data-player]")) {
  const link = figure.querySelector("a[href]");
  if (link) {
    const label = figure.classList.contains("player-document") ? show : play;
    const button = document.createElement("button");
    button.type = "button";
    button.textContent = label.replace("HOST", new URL(figure.dataset.player).hostname);
    button.addEventListener("click", () => load(figure, link));
    figure.prepend(button);
  }
}
