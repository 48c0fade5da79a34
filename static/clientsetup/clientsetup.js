// Buttons that copy a value or print the page. Without this file they are not shown, and nothing is missing.
(() => {
  const say = (words) => {
    const place = document.getElementById("announcements");
    if (place) place.textContent = words;
  };
  const copy = async (button) => {
    const value = document.getElementById(button.dataset.copies).textContent;
    const label = button.firstChild;
    try {
      await navigator.clipboard.writeText(value);
    } catch {
      // No right to the clipboard: the value is at least marked, ready for the keyboard.
      getSelection().selectAllChildren(document.getElementById(button.dataset.copies));
      return;
    }
    const before = label.textContent;
    if (before === button.dataset.done) return;
    label.textContent = button.dataset.done;
    say(`${button.dataset.done}: ${value}`);
    setTimeout(() => { label.textContent = before; }, 2000);
  };
  document.addEventListener("DOMContentLoaded", () => {
    for (const button of document.querySelectorAll("[data-copies]")) {
      button.hidden = !navigator.clipboard;
      button.addEventListener("click", () => copy(button));
    }
    for (const button of document.querySelectorAll("[data-prints]")) {
      button.hidden = false;
      button.addEventListener("click", () => print());
    }
  });
})();
