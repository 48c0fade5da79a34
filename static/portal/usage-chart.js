// Draws the table of the last days; whoever has no JavaScript, or can't see, has the table itself.
(() => {
  const DAY = 86_400;
  const seconds = (day) => Date.parse(`${day}T12:00:00Z`) / 1000;

  const read = (table) =>
    [...table.querySelectorAll("tbody tr")].reverse().map((row) => ({
      at: seconds(row.querySelector("time").dateTime),
      bytes: Number(row.querySelector("data").value),
    }));

  // light-dark() is resolved by a property that takes a colour, not by a variable.
  const resolved = (place, name) => {
    place.style.setProperty("outline-color", `var(${name})`);
    const found = getComputedStyle(place).outlineColor;
    place.style.removeProperty("outline-color");
    return found;
  };

  const series = (place, points) => {
    const limit = Number(place.dataset.limit);
    const last = points.at(-1);
    const until = place.dataset.full ? Math.min(seconds(place.dataset.full), last.at + 30 * DAY) : 0;
    const times = points.map((point) => point.at);
    const used = points.map((point) => point.bytes);
    const forecast = points.map(() => null);
    if (until > last.at && limit) {
      const share = (until - last.at) / (seconds(place.dataset.full) - last.at);
      forecast[forecast.length - 1] = last.bytes;
      times.push(until);
      used.push(null);
      forecast.push(last.bytes + (limit - last.bytes) * share);
    }
    return { limit, data: [times, used, times.map(() => limit || null), forecast] };
  };

  // About four round steps: 1, 2 or 5 of the unit, or ten times, a hundred times as many.
  const roundSteps = (unit, high) => {
    const rough = high / unit / 4;
    const power = 10 ** Math.floor(Math.log10(rough));
    const step = [1, 2, 5, 10].find((each) => each * power >= rough) * power * unit;
    return Array.from({ length: Math.floor(high / step) + 1 }, (_, number) => number * step);
  };

  const draw = (place, table) => {
    const points = read(table);
    if (!points.length) return null;
    const { limit, data } = series(place, points);
    // Plain English is taken for American otherwise, with the month first.
    const lang = document.documentElement.lang === "en" ? "en-GB" : document.documentElement.lang;
    const day = new Intl.DateTimeFormat(lang, { day: "numeric", month: "short", timeZone: "UTC" });
    const [unit, name] = units(place, limit || Math.max(...data[1]));
    const number = new Intl.NumberFormat(lang, { maximumFractionDigits: 1 });
    const amount = (bytes) => (bytes === null || bytes === undefined ? "–" : `${number.format(bytes / unit)} ${name}`);
    const ink = resolved(place, "--ink-soft");
    const line = resolved(place, "--line");
    const axis = { stroke: ink, grid: { stroke: line, width: 1 }, ticks: { stroke: line, width: 1 } };
    const options = {
      width: place.clientWidth,
      height: 240,
      legend: { live: true },
      cursor: { drag: { x: false, y: false } },
      scales: { x: { time: true }, y: { range: (_plot, _low, high) => [0, Math.max(high, limit) * 1.05 || 1] } },
      axes: [
        { ...axis, values: (_plot, marks) => marks.map((at) => day.format(at * 1000)) },
        { ...axis, size: 80, values: (_plot, marks) => marks.map(amount),
          splits: (_plot, _axis, _low, high) => roundSteps(unit, high) },
      ],
      series: [
        { label: place.dataset.day, value: (_plot, at) => (at === null ? "–" : day.format(at * 1000)) },
        { label: place.dataset.used, stroke: resolved(place, "--fill-mail"), width: 2, value: (_plot, bytes) => amount(bytes) },
        { label: place.dataset.limitName, stroke: resolved(place, "--bad"), width: 1.5, value: (_plot, bytes) => amount(bytes), show: limit > 0 },
        { label: place.dataset.forecast, stroke: resolved(place, "--fill-trash"), width: 2, dash: [6, 4], spanGaps: true, value: (_plot, bytes) => amount(bytes), show: data[3].some((bytes) => bytes !== null) },
      ],
    };
    return new uPlot(options, data, place);
  };

  // The largest unit of the page's own that the amount fills: its names are translated, its steps a setting.
  const units = (place, bytes) => {
    const names = place.dataset.units.split(" ");
    const step = Number(place.dataset.step);
    let power = 0;
    while (bytes >= step ** (power + 1) && power < names.length - 1) power += 1;
    return [step ** power, names[power]];
  };

  document.addEventListener("DOMContentLoaded", () => {
    const place = document.getElementById("usage-chart");
    const table = place && document.getElementById(place.dataset.table);
    if (!table) return;
    place.hidden = false;
    let plot = draw(place, table);
    if (!plot) return;
    const again = () => {
      plot.destroy();
      plot = draw(place, table);
    };
    new ResizeObserver(() => {
      if (place.clientWidth !== plot.width) plot.setSize({ width: place.clientWidth, height: 240 });
    }).observe(place);
    new MutationObserver(again).observe(document.documentElement, { attributeFilter: ["data-bs-theme"] });
  });
})();
