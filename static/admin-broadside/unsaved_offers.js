/* Offers to restore unsaved versions, which stand until someone decides.
 *
 * Each has its `section` on the page, a `copy` with the fields, the time and the URLs of its form, the `name` of that
 * copy in this browser, and `isOnServer` if the server has it, too. */

import { remove, store } from "./browser_copies.js";

/* Take over the offers that the server has listed.
 *
 * `texts` are the data of the form, `post` sends something and returns the response, if any, `typed` returns a copy of
 * what was typed since the form was opened, `earlierName` the name under which an earlier version of this form is kept,
 * and `leave` is called before the page is left. */
export function startOffers({ root, form, texts, post, typed, earlierName, leave }) {
  const list = root.querySelector(".autosave-offers");
  const undoLine = root.querySelector(".autosave-undo");
  const failure = document.querySelector(".autosave-failed");
  const offers = [];
  // The latest last, each with the section that followed it.
  const discarded = [];

  for (const section of list.querySelectorAll(".autosave-offer")) {
    const { formUrl, kind, isNew } = texts;
    const { fields, time, url, key } = section.dataset;
    take({ section, copy: { fields, time: Number(time), url, formUrl, key, kind, isNew }, name: "", isOnServer: true });
  }
  undoLine.querySelector("button").addEventListener("click", undo);

  function take(offer) {
    offers.push(offer);
    for (const [name, act] of [["restore", restore], ["discard", discard]]) {
      offer.section.querySelector(`.autosave-${name}`).addEventListener("click", (event) => {
        event.preventDefault();
        act(offer);
      });
    }
  }

  /* Offer a copy that only this browser has. `title` is that of the post or page, if it is another one. */
  function add(name, copy, title, differences) {
    const section = root.querySelector(".autosave-copy").content.cloneNode(true).firstElementChild;
    section.querySelector(".autosave-name").textContent = title;
    const sentence = section.querySelector("span");
    const style = { dateStyle: "medium", timeStyle: "short", hourCycle: "h23" };
    const time = new Date(copy.time).toLocaleString(document.documentElement.lang, style);
    sentence.textContent = sentence.textContent.replace("{time}", time);
    // The HTML comes from our server, which escapes what was typed.
    section.querySelector(".autosave-differences").innerHTML = differences;
    list.querySelector("summary").after(section);
    take({ section, copy, name, isOnServer: false });
    show();
    list.open = offers.length === 1;
  }

  function show() {
    list.hidden = offers.length === 0;
    list.dataset.count = list.querySelector("summary span").textContent = offers.length;
    undoLine.hidden = discarded.length === 0;
  }

  const isOwn = ({ copy }) => copy.key === texts.key;

  /* Keep the offered versions of this form under other names, because what is typed now takes their place. */
  function setAside() {
    for (const offer of offers.filter(isOwn)) {
      const name = earlierName(offer.copy);
      if (offer.name !== name && store(name, offer.copy)) {
        Object.assign(offer, { name, isOnServer: false });
      }
    }
  }

  async function restore(offer) {
    const { copy, name } = offer;
    const replaced = isOwn(offer) && typed();
    // The server then shows it as what it has of this form.
    const response = await post(copy.url, `{"fields": ${copy.fields}}`);
    if (response?.ok) {
      remove(name);
      if (replaced) {
        store(earlierName(replaced), replaced);
      }
      leave();
      location.assign(`${copy.formUrl}?autosave=${copy.isNew ? copy.key : ""}`);
    }
  }

  async function discard(offer) {
    if (offer.isOnServer && !(await succeeds(post(`${offer.copy.url}?discard`, "{}")))) {
      return;
    }
    if (!offers.includes(offer)) {
      return; // It was clicked twice.
    }
    remove(offer.name);
    const next = offer.section.nextElementSibling;
    discarded.push([offer, next]);
    offers.splice(offers.indexOf(offer), 1);
    offer.section.remove();
    show();
    (next?.querySelector(".autosave-discard") ?? form.elements.title)?.focus();
  }

  /* Put back what was discarded last. What this form has on the server may be newer by now, and stays. */
  async function undo() {
    const last = discarded.pop();
    if (!last) {
      return; // It was clicked twice.
    }
    const [offer, next] = last;
    const { copy } = offer;
    if (isOwn(offer)) {
      Object.assign(offer, { name: earlierName(copy), isOnServer: false });
    }
    if (offer.isOnServer ? !(await succeeds(post(copy.url, `{"fields": ${copy.fields}}`))) : !store(offer.name, copy)) {
      discarded.push(last);
      return;
    }
    offers.push(offer);
    list.insertBefore(offer.section, next?.isConnected ? next : null);
    show();
    list.open = true;
    offer.section.querySelector(".autosave-restore").focus();
  }

  async function succeeds(sending) {
    const response = await sending;
    failure.hidden = Boolean(response?.ok);
    return response?.ok;
  }

  return { add, setAside };
}
