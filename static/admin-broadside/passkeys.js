// Asks the browser for a passkey, or to create one, when a form with `data-passkey` is submitted, and sends the result.
// The options come from the server, with bytes encoded as base64url. Source: W3C, "Web Authentication".

import { timeout } from "./timeout.js";

const toBytes = (text) =>
  Uint8Array.from(atob(text.replaceAll("-", "+").replaceAll("_", "/")), (character) => character.charCodeAt(0));

const toText = (buffer) =>
  btoa(String.fromCharCode(...new Uint8Array(buffer))).replaceAll("+", "-").replaceAll("/", "_").replaceAll("=", "");

const readCredentials = (list = []) => list.map((each) => ({ ...each, id: toBytes(each.id) }));

function readOptions({ publicKey }) {
  const options = { ...publicKey, challenge: toBytes(publicKey.challenge) };
  if (publicKey.user) options.user = { ...publicKey.user, id: toBytes(publicKey.user.id) };
  if (publicKey.excludeCredentials) options.excludeCredentials = readCredentials(publicKey.excludeCredentials);
  if (publicKey.allowCredentials) options.allowCredentials = readCredentials(publicKey.allowCredentials);
  return { publicKey: options };
}

function writeCredential(credential) {
  const { response } = credential;
  const fields = ["clientDataJSON", "attestationObject", "authenticatorData", "signature", "userHandle"];
  const written = fields.filter((field) => response[field]).map((field) => [field, toText(response[field])]);
  return {
    id: credential.id,
    rawId: toText(credential.rawId),
    type: credential.type,
    response: { ...Object.fromEntries(written), transports: response.getTransports?.() ?? [] },
    clientExtensionResults: credential.getClientExtensionResults(),
  };
}

async function loadOptions({ optionsUrl, options }) {
  if (!optionsUrl) return JSON.parse(options);
  const response = await fetch(optionsUrl, { headers: { Accept: "application/json" }, signal: timeout() });
  if (!response.ok) throw new Error(`status ${response.status}`);
  return response.json();
}

// A second click must do nothing: while the browser asks, it refuses further requests, and each response is sent once.
let isAsking = false;

async function ask(event) {
  event.preventDefault();
  if (isAsking) return;
  isAsking = true;
  const form = event.currentTarget;
  const failed = form.querySelector("[data-failed]");
  failed.hidden = true;
  try {
    const options = readOptions(await loadOptions(form.dataset));
    const credential = await navigator.credentials[form.dataset.passkey](options);
    form.elements.credential.value = JSON.stringify(writeCredential(credential));
  } catch {
    // The user has cancelled, or there is no passkey. Browsers don't tell which; the page explains what to do.
    failed.hidden = false;
    isAsking = false;
    return;
  }
  form.submit();
}

// On going back, the browser may show the page as it was left.
window.addEventListener("pageshow", () => {
  isAsking = false;
});

if (window.PublicKeyCredential && navigator.credentials) {
  for (const note of document.querySelectorAll("[data-without-passkeys]")) note.hidden = true;
  for (const choice of document.querySelectorAll("[data-with-passkeys]")) choice.hidden = false;
  for (const form of document.querySelectorAll("form[data-passkey]")) {
    form.hidden = false;
    form.addEventListener("submit", ask);
  }
} else {
  for (const form of document.querySelectorAll("form[data-passkey]")) form.remove();
}
