// Passkeys: asks the portal for a challenge, the browser for an answer, and sends the form with it.
// A form marked data-passkey="use" or "add" has a hidden field [data-passkey-answer] and a [data-passkey-button].
(() => {
  const bytes = (text) => Uint8Array.from(atob(text.replace(/-/g, "+").replace(/_/g, "/")), (c) => c.charCodeAt(0));
  const text = (buffer) =>
    btoa(String.fromCharCode(...new Uint8Array(buffer))).replace(/\+/g, "-").replace(/\//g, "_").replace(/=+$/, "");
  const named = (keys = []) => keys.map((key) => ({ ...key, id: bytes(key.id) }));

  // A sentence of the portal's, for the person.
  class Told extends Error {}

  const ask = async (form) => {
    const answer = await fetch(form.dataset.passkeyBegin, {
      method: "POST",
      headers: { "X-CSRFToken": form.querySelector("[name=csrfmiddlewaretoken]").value, Accept: "application/json" },
      credentials: "same-origin",
    });
    const options = await answer.json();
    if (options.problem) throw new Told(options.problem);
    return { ...options, challenge: bytes(options.challenge) };
  };

  const add = async (form) => {
    const { user, excludeCredentials, ...options } = await ask(form);
    const made = await navigator.credentials.create({
      publicKey: { ...options, user: { ...user, id: bytes(user.id) }, excludeCredentials: named(excludeCredentials) },
    });
    return {
      response: {
        attestationObject: text(made.response.attestationObject),
        clientDataJSON: text(made.response.clientDataJSON),
        transports: made.response.getTransports ? made.response.getTransports() : [],
      },
      made,
    };
  };

  const use = async (form) => {
    const { allowCredentials, ...options } = await ask(form);
    const made = await navigator.credentials.get({ publicKey: { ...options, allowCredentials: named(allowCredentials) } });
    return {
      response: {
        authenticatorData: text(made.response.authenticatorData),
        clientDataJSON: text(made.response.clientDataJSON),
        signature: text(made.response.signature),
        userHandle: made.response.userHandle ? text(made.response.userHandle) : null,
      },
      made,
    };
  };

  const begin = async (form, button, problem) => {
    button.disabled = true;
    problem.hidden = true;
    try {
      const { response, made } = await (form.dataset.passkey === "add" ? add(form) : use(form));
      form.querySelector("[data-passkey-answer]").value = JSON.stringify({
        id: made.id,
        rawId: text(made.rawId),
        type: made.type,
        response,
        clientExtensionResults: made.getClientExtensionResults(),
      });
      form.submit();
    } catch (error) {
      // A browser tells neither that somebody said no nor that no key was there: both are NotAllowedError.
      const known = { NotAllowedError: "passkeyStopped", InvalidStateError: "passkeyKnown", SecurityError: "passkeyFailed" };
      const words = error instanceof Told ? error.message : form.dataset[known[error.name] || "passkeyFailed"];
      problem.querySelector("p").textContent = words;
      problem.hidden = false;
      button.disabled = false;
    }
  };

  document.addEventListener("DOMContentLoaded", () => {
    for (const form of document.querySelectorAll("form[data-passkey]")) {
      const button = form.querySelector("[data-passkey-button]");
      const problem = form.querySelector("[data-passkey-problem]");
      if (!button) continue; // Here they can't be used, and the page says why.
      if (!window.PublicKeyCredential) {
        problem.querySelector("p").textContent = form.dataset.passkeyMissing;
        problem.hidden = false;
        continue;
      }
      button.hidden = false;
      button.addEventListener("click", () => begin(form, button, problem));
    }
  });
})();
