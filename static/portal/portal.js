// What the pages do beyond plain HTML. Everything but the live badges works without this file.
(() => {
  // --- Live badges: say aloud when a change moves on, and only then -------------------------------
  const spoken = new Map();
  const words = (badge) => badge.querySelector(".words").textContent.replace(/\s+/g, " ").trim();
  const speak = (badge) => {
    const before = spoken.get(badge.id);
    spoken.set(badge.id, badge.dataset.state);
    if (before === undefined || before === badge.dataset.state) return;
    // What the page says beside it is another by now: see "fresh" in portal/templatetags/states.py.
    const open = ["waiting", "pushing"];
    if (open.includes(before) && !open.includes(badge.dataset.state)) {
      document.body.dispatchEvent(new Event("settled"));
    }
    const about = badge.closest("[data-about]");
    const sentence = about ? `${about.dataset.about}: ${words(badge)}` : words(badge);
    document.getElementById("announcements").textContent = sentence;
  };
  // Whatever else is being worked on bears "data-busy" until it is done.
  let busy = [];
  const lookAtBusy = () => {
    const isDone = busy.some((id) => !document.getElementById(id)?.matches("[data-busy]"));
    busy = [...document.querySelectorAll("[data-busy]")].map((part) => part.id);
    if (isDone) document.body.dispatchEvent(new Event("settled"));
  };
  const look = () => {
    document.querySelectorAll("[data-change]").forEach(speak);
    lookAtBusy();
  };
  document.addEventListener("DOMContentLoaded", look);
  document.addEventListener("htmx:afterSettle", look);

  // Whoever was signed out meanwhile gets the sign-in page as the answer: that does not belong in a badge.
  document.addEventListener("htmx:beforeSwap", (event) => {
    const isPage = /^\s*<!doctype/i.test(event.detail.serverResponse);
    const isThisPage = new URL(event.detail.xhr.responseURL).pathname === location.pathname;
    if (isPage && !(isThisPage && event.detail.elt.matches("[data-fresh]"))) event.detail.shouldSwap = false;
  });

  // The portal or the network was away for a moment: ask again, or the badge would stand still for ever.
  const askLater = (event) => {
    const badge = event.detail.elt;
    setTimeout(() => badge.isConnected && badge.dispatchEvent(new Event("ask")), 10_000);
  };
  document.addEventListener("htmx:sendError", askLater);
  document.addEventListener("htmx:responseError", askLater);

  // --- Many mailboxes: the first tick opens what can be done to them ------------------------------
  const ticks = (among) => [...among].some((box) => box.type === "checkbox" && box.checked);
  const openForTicks = () => {
    const form = document.querySelector("details > form#many");
    if (form && ticks(form.elements)) form.parentElement.open = true;
  };
  document.addEventListener("change", (event) => {
    if (event.target.form?.id === "many") openForTicks();
  });
  // Back again by the browser's own button, which puts the ticks back.
  window.addEventListener("pageshow", openForTicks);

  // --- A day that is typed by half: said in the reader's language, not the browser's ---------------
  document.addEventListener("invalid", (event) => {
    const field = event.target;
    if (field.dataset.unfinished && field.validity.badInput) field.setCustomValidity(field.dataset.unfinished);
  }, true);
  document.addEventListener("input", (event) => {
    if (event.target.dataset?.unfinished) event.target.setCustomValidity("");
  });

  // --- Passwords can be looked at while they are typed --------------------------------------------
  const cover = (button, covered) => {
    document.getElementById(button.dataset.reveals).type = covered ? "password" : "text";
    button.dataset.covered = String(covered);
  };
  const reveals = () => document.querySelectorAll("[data-reveals]");
  const offer = () => reveals().forEach((button) => { button.hidden = false; });
  document.addEventListener("DOMContentLoaded", offer);
  document.addEventListener("htmx:afterSwap", offer);
  document.addEventListener("click", (event) => {
    const button = event.target.closest("[data-reveals]");
    if (button) cover(button, button.dataset.covered === "false");
  });
  // So that browsers offer to keep it, and nobody reads it over a shoulder on the next page.
  document.addEventListener("submit", (event) => {
    for (const button of reveals()) if (button.form === event.target) cover(button, true);
  });

  // What is sent is judged no more: the link or the session it was judged with may be over by then.
  let sent = null;
  const isJudged = (element) => element.name === "new_password";
  document.addEventListener("submit", (event) => {
    if ([...event.target.elements].some(isJudged)) sent = event.target;
  });
  document.addEventListener("htmx:beforeRequest", (event) => {
    if (isJudged(event.detail.elt) && event.detail.elt.form === sent) event.preventDefault();
  });
  // Back again by the browser's own button.
  window.addEventListener("pageshow", () => { sent = null; });

  // What was filled in for somebody is said aloud.
  document.addEventListener("htmx:afterSwap", (event) => {
    const told = document.querySelector("[data-announce]");
    if (told && event.detail.target.id === "new-password") {
      document.getElementById("announcements").textContent = told.dataset.announce;
    }
  });

  // --- Signed out, or a form too old, while typing: it stands there again on the same page -----------
  // Kept in this tab alone, for the same person alone, and never from a form that asks for a secret.
  const KEPT = "typed";
  const SECRET = "[type=password], [data-reveals], [autocomplete=one-time-code], [name=step_up_proof]";
  const who = () => document.querySelector(".who-name")?.textContent;
  const typedInto = (form) => [...form.elements].filter(
    (field) => field.name && !["hidden", "file", "submit", "button", "fieldset"].includes(field.type),
  );
  const keep = (kept) => sessionStorage.setItem(KEPT, JSON.stringify(kept));
  document.addEventListener("submit", (event) => {
    const form = event.target;
    if (form.method !== "post" || !who() || form.querySelector(SECRET)) return;
    const typed = typedInto(form).map(({ name, value, checked }) => ({ name, value, checked }));
    if (typed.length) keep({ who: who(), page: location.pathname, form: [...document.forms].indexOf(form), typed });
  });
  document.addEventListener("DOMContentLoaded", () => {
    const kept = JSON.parse(sessionStorage.getItem(KEPT));
    const unsaved = document.querySelector("[data-unsaved]");
    if (kept && unsaved) keep({ ...kept, words: unsaved.dataset.unsaved });
    if (!kept || unsaved || !who()) return;
    if (kept.words && kept.who === who() && kept.page !== location.pathname) return;
    sessionStorage.removeItem(KEPT);
    const form = document.forms[kept.form];
    if (!kept.words || kept.who !== who() || !form) return;
    const fields = typedInto(form);
    kept.typed.forEach(({ name, value, checked }, place) => {
      const field = fields[place];
      if (field?.name !== name) return;
      if (["checkbox", "radio"].includes(field.type)) field.checked = checked;
      else field.value = value;
    });
    const told = document.createElement("p");
    told.className = "alert alert-warning";
    told.setAttribute("role", "alert");
    told.textContent = kept.words;
    form.prepend(told);
    told.scrollIntoView({ block: "center" });
  });

  // --- One-time links: the code stands behind the #, which no server is told -------------------------
  const openLink = () => {
    if (!/^#[\w-]{43}$/.test(location.hash)) return;
    const code = location.hash.slice(1);
    const form = document.querySelector("[data-link-code]");
    if (form) {
      // Out of the address, and of the browser's history.
      history.replaceState(null, "", location.pathname);
      form.elements.code.value = code;
      form.submit();
    } else if (location.search !== "?open") {
      // Another link, where one was open already: from the beginning.
      location.href = `${location.pathname}?open#${code}`;
    }
  };
  document.addEventListener("DOMContentLoaded", openLink);
  window.addEventListener("hashchange", openLink);

  // --- After a step-up the file that was asked for is fetched by itself ------------------------------
  document.addEventListener("DOMContentLoaded", () => document.querySelector("[data-fetches-file]")?.click());

  // --- A session ends after a while: said before, so that nothing typed is lost ----------------------
  document.addEventListener("DOMContentLoaded", () => {
    const told = document.getElementById("session-ends");
    if (!told) return;
    const early = 10 * 60;
    setTimeout(() => { told.hidden = false; }, Math.max(0, Number(told.dataset.seconds) - early) * 1000);
  });
})();
