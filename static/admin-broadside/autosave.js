/* Keeps what is typed into the form of a post or page: in this browser at once, on the server every few seconds.
 *
 * The server offers its own copy when the form is opened. The browser's copy is for text that the server never
 * received, because it was offline, failing, or had ended the session. It is removed when the form has been saved, and
 * when its owner logs out. */

import { copies, namesOf, removeOnLogOut, store } from "./browser_copies.js";
import { timeout } from "./timeout.js";
import { startOffers } from "./unsaved_offers.js";

const TYPED = 400; // milliseconds after the last key until this browser keeps a copy
const SEND = 4_000; // milliseconds between checks for something to send
const HEARTBEAT = 20_000; // milliseconds after which an open form reports even if nothing changed
const MAX_OFFERED = 3; // the newest copies of new posts
const MAX_AGE = 30 * 24 * 60 * 60 * 1000; // milliseconds after which an abandoned copy is removed

forgetSaved();
const root = document.querySelector("#autosave");
if (root) {
  start(root);
}

/* Remove very old copies, and the copy of the form that was just saved, which the server names in a cookie. */
function forgetSaved() {
  const saved = document.cookie.match(/(?:^|; )saved_form=([\w-]+)/)?.[1];
  for (const [name, copy] of copies()) {
    if ((saved && name.endsWith(`:${saved}`)) || Date.now() - copy.time > MAX_AGE) {
      localStorage.removeItem(name);
    }
  }
  if (saved) {
    document.cookie = `saved_form=; path=${location.pathname.match(/^.*?\/(?=blog\/)/)?.[0] ?? "/"}; max-age=0; samesite=strict`;
  }
}

function start(root) {
  const texts = root.dataset;
  const form = document.getElementById(texts.form);
  const status = document.querySelector(".autosave-status");
  const editing = root.querySelector(".autosave-editing");
  const loggedOut = document.querySelector(".autosave-alert p");
  const own = namesOf(texts.user);
  // A new text gets another key when it is saved.
  const ownName = () => `${own}${texts.key}`;
  const earlierName = ({ time }) => `${ownName()}@${time}`;
  const opened = serialise(form);
  // After an error or a conflict, the form already differs from the stored text.
  let sent = texts.isSubmitted ? "" : opened;
  let kept = sent;
  let inBrowser = true;
  let isSending = false;
  // The latest transmission, which may still be under way.
  let latest = Promise.resolve();
  let isPaused = false;
  // How often the text was saved, and whether it is being saved (editor/saving.js). An autosave that arrived after it was
  // saved would be offered as an unsaved version.
  let saves = 0;
  let isSaving = false;
  let lastReport = 0;
  let timer = 0;

  const offers = startOffers({
    root,
    form,
    texts,
    post,
    earlierName,
    typed: () => (serialise(form) === opened ? undefined : { ...copyOf(serialise(form)), time: Date.now() }),
    leave: () => {
      kept = serialise(form);
    },
  });
  offerCopies();
  if (!texts.isNew) {
    report();
  }
  setInterval(tick, SEND);
  for (const type of ["input", "change"]) {
    form.addEventListener(type, () => {
      clearTimeout(timer);
      timer = setTimeout(keep, TYPED);
    });
  }
  form.addEventListener("submit", () => {
    offers.setAside();
    keep();
  });
  form.addEventListener("saving", () => {
    saves += 1;
    isSaving = true;
  });
  form.addEventListener("stayed", () => {
    isSaving = false;
  });
  form.addEventListener("settle", (event) => {
    event.detail.transmissions.push(latest);
  });
  form.addEventListener("saved", (event) => {
    isSaving = false;
    forgetSaved();
    if (event.detail.isComplete) {
      sent = kept = serialise(form);
    } else {
      kept = "";
      tick();
    }
  });
  form.addEventListener("unsaved", (event) => {
    isSaving = false;
    if (event.detail.isRefused) {
      // The page then announces when the form can be saved again.
      isPaused = true;
      logBackIn();
    }
  });
  window.addEventListener("pagehide", () => keep());
  window.addEventListener("online", () => tick());
  window.addEventListener("focus", () => tick());
  document.addEventListener("visibilitychange", () => (document.hidden ? keep() : tick()));
  removeOnLogOut(texts.user, () => {
    kept = serialise(form);
  });

  /* Keep a copy in this browser if something changed since the last one. */
  function keep(isSent = false) {
    const fields = serialise(form);
    if (fields === kept && !isSent) {
      return;
    }
    offers.setAside();
    kept = fields;
    inBrowser = store(ownName(), { ...copyOf(fields), isSent });
  }

  function copyOf(fields) {
    const { url, formUrl, key, kind, isNew } = texts;
    return { fields, url, formUrl, key, kind, isNew };
  }

  function tick() {
    if (isSending || isSaving) {
      return;
    }
    if (isPaused) {
      if (!document.hidden) {
        logBackIn();
      }
      return;
    }
    keep();
    if (serialise(form) !== sent) {
      latest = send();
    } else if (!texts.isNew && !document.hidden && Date.now() - lastReport > HEARTBEAT) {
      report();
    }
  }

  async function send() {
    const fields = serialise(form);
    const savesBefore = saves;
    const response = await post(texts.url, bodyOf(fields));
    if (response?.ok && saves === savesBefore) {
      sent = fields;
      if (serialise(form) === fields) {
        keep(true);
      }
      say(inBrowser ? texts.kept : texts.serverOnly);
    }
  }

  async function report() {
    await post(texts.url, bodyOf("null"));
  }

  function bodyOf(fields) {
    return `{"version": ${JSON.stringify(version())}, "fields": ${fields}}`;
  }

  function version() {
    return form.elements.version?.value ?? "";
  }

  /* Send, and report what went wrong. Returns undefined if the server can't be reached. */
  async function post(url, body) {
    const versionBefore = version();
    isSending = true;
    lastReport = Date.now();
    try {
      const headers = { "Content-Type": "application/json", "X-CSRFToken": form.elements.csrfmiddlewaretoken.value };
      const response = await fetch(url, { method: "POST", headers, body, signal: timeout() });
      if (response.ok) {
        const news = await response.clone().json();
        if (version() === versionBefore) {
          showNews(news);
        }
      } else if (response.status === 401 || response.status === 403) {
        keep();
        await logBackIn();
      } else {
        failed(response.status === 404 ? texts.gone : texts.browserOnly);
      }
      return response;
    } catch {
      failed(texts.browserOnly);
      return undefined;
    } finally {
      isSending = false;
    }
  }

  /* Show what others have done, and what time has: a scheduled text is published when its time comes. */
  function showNews({ editing: sentence, state, state_sentence: stateSentence }) {
    if (sentence !== undefined && editing.textContent !== sentence) {
      editing.textContent = sentence;
    }
    const shown = document.querySelector(".writing-state-words");
    if (state && shown.textContent !== stateSentence) {
      shown.dataset.state = state;
      shown.textContent = stateSentence;
    }
  }

  function failed(text) {
    keep();
    // Users who only read have nothing to lose.
    if (serialise(form) !== sent) {
      say(inBrowser ? text : texts.nowhere);
    }
  }

  /* Check who is logged in. Each log-in changes the CSRF token, so the forms of this page need the new one. */
  async function logBackIn() {
    try {
      const response = await fetch(texts.url, { signal: timeout() });
      if (!response.ok) {
        isPaused = true;
        loggedOut.hidden = response.status !== 401;
        if (loggedOut.hidden) {
          say(texts.refused);
        }
        return;
      }
      const { user, token } = await response.json();
      if (String(user) !== texts.user) {
        isPaused = true;
        say(texts.otherUser);
        return;
      }
      for (const field of document.querySelectorAll("[name=csrfmiddlewaretoken]")) {
        field.value = token;
      }
      if (isPaused) {
        isPaused = false;
        loggedOut.hidden = true;
        say(texts.back);
        form.dispatchEvent(new Event("resumed"));
        tick();
      }
    } catch {
      say(texts.browserOnly);
    }
  }

  function say(text) {
    const time = new Date().toLocaleTimeString(document.documentElement.lang, { timeStyle: "short", hourCycle: "h23" });
    const sentence = text.replace("{time}", time);
    if (status.textContent !== sentence) {
      status.textContent = sentence;
    }
  }

  /* Offer copies that only this browser has: of this post or page, or of new ones if this is a new one.
   *
   * After an error or a conflict, the form itself shows what was typed. */
  async function offerCopies() {
    const mine = [...copies()].filter(([name, copy]) => name.startsWith(own) && !copy.isSent
      && (name === ownName() ? !texts.isSubmitted
        : name.startsWith(`${ownName()}@`) || (texts.isNew && copy.isNew && copy.kind === texts.kind)));
    mine.sort(([, a], [, b]) => b.time - a.time);
    for (const [name, copy] of mine.slice(0, MAX_OFFERED).reverse()) {
      const response = await post(`${copy.url}?compare`, `{"fields": ${copy.fields}}`);
      if (!response?.ok) {
        continue;
      }
      const { differs, name: title, html } = await response.json();
      if (differs) {
        offers.add(name, copy, title, html);
      } else {
        localStorage.removeItem(name);
      }
    }
  }
}

/* Return the fields of the form as JSON: a list of values for each name. */
function serialise(form) {
  const fields = {};
  for (const [name, value] of new FormData(form)) {
    if (typeof value === "string" && name !== "csrfmiddlewaretoken" && name !== "autosave") {
      (fields[name] ??= []).push(value);
    }
  }
  return JSON.stringify(fields);
}
