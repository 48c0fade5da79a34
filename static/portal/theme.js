// Loaded in <head>, before anything is drawn: the appearance somebody chose, or else the system's.
(() => {
  const dark = matchMedia("(prefers-color-scheme: dark)");
  const read = () => {
    try {
      return localStorage.getItem("appearance") || "auto";
    } catch {
      return "auto"; // no storage in this browser: the system decides
    }
  };
  const show = () => {
    const chosen = read();
    const theme = chosen === "auto" ? (dark.matches ? "dark" : "light") : chosen;
    document.documentElement.setAttribute("data-bs-theme", theme);
  };
  show();
  dark.addEventListener("change", show);

  document.addEventListener("DOMContentLoaded", () => {
    const choice = document.getElementById("appearance");
    choice.hidden = false;
    for (const input of choice.querySelectorAll("input")) input.checked = input.value === read();
    choice.addEventListener("change", (event) => {
      try {
        localStorage.setItem("appearance", event.target.value);
      } catch {
        return;
      }
      show();
    });
  });
})();
