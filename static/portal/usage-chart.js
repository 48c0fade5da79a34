// Draws the table of the last days; whoever has no JavaScript, or can't see, has the table itself.
(() => {
  const DAY = 86_400;
  const HEIGHT = 240;
  const seconds = (day) => Date.parse(`${day}T12:00:00Z`) / 1000;

  const read = (table) =>
    [...table.querySelectorAll("tbody tr")].reverse().map((row) => {
      const [used, trash] = [...row.querySelectorAll("data")].map((cell) => Number(cell.value));
      return { at: seconds(row.querySelector("time").dateTime), used, trash };
    });

  // light-dark() is resolved by a property that takes a colour, not by a variable.
  const resolved = (place, name) => {
    place.style.setProperty("outline-color", `var(${name})`);
    const found = getComputedStyle(place).outlineColor;
    place.style.removeProperty("outline-color");
    return found;
  };
  const faint = (colour, share) => colour.replace(/^rgba?\(([^,]+,[^,]+,[^,)]+).*$/, `rgba($1, ${share})`);

  // The x axis, then one row for each line: used, trash, limit, forecast.
  const rows = (place, points, limit) => {
    const last = points.at(-1);
    const full = place.dataset.full ? seconds(place.dataset.full) : 0;
    const until = Math.min(full, last.at + 30 * DAY);
    const times = points.map((point) => point.at);
    const used = points.map((point) => point.used);
    const trash = points.map((point) => point.trash);
    const forecast = points.map(() => null);
    if (limit && until > last.at) {
      forecast[forecast.length - 1] = last.used;
      times.push(until);
      used.push(null);
      trash.push(null);
      forecast.push(last.used + ((limit - last.used) * (until - last.at)) / (full - last.at));
    }
    return [times, used, trash, times.map(() => limit || null), forecast];
  };

  // The largest unit of the page's own that the amount fills: its names are translated, its steps a setting.
  const unitFor = (place, bytes) => {
    const names = place.dataset.units.split(" ");
    const step = Number(place.dataset.step);
    let power = 0;
    while (bytes >= step ** (power + 1) && power < names.length - 1) power += 1;
    return [step ** power, names[power]];
  };

  // Marks at round amounts, about five of them, the last at or above the highest.
  const marksFor = (highest, unit) => {
    const rough = highest / unit / 5;
    const power = 10 ** Math.floor(Math.log10(rough));
    const step = [1, 2, 2.5, 5, 10].find((each) => each * power >= rough) * power * unit;
    return Array.from({ length: Math.ceil(highest / step) + 1 }, (_mark, number) => number * step);
  };

  const draw = (place, table, told) => {
    const limit = Number(place.dataset.limit);
    const data = rows(place, read(table), limit);
    const last = data[0][data[1].findLastIndex((bytes) => bytes !== null)];
    const highest = Math.max(limit, ...data[1], 1);
    const [unit, name] = unitFor(place, highest);
    const marks = marksFor(highest * 1.02, unit);
    // Plain English is taken for American otherwise, with the month first.
    const lang = document.documentElement.lang === "en" ? "en-GB" : document.documentElement.lang;
    const day = new Intl.DateTimeFormat(lang, { day: "numeric", month: "short", timeZone: "UTC" });
    const number = new Intl.NumberFormat(lang, { maximumFractionDigits: 2 });
    const amount = (bytes) => `${number.format(bytes / unit)} ${name}`;
    const line = resolved(place, "--line");
    const mail = resolved(place, "--fill-mail");
    const trash = resolved(place, "--fill-trash");
    const axis = {
      stroke: resolved(place, "--ink-soft"),
      font: `12px ${getComputedStyle(place).fontFamily}`,
      ticks: { show: false },
    };
    const tell = (plot) => {
      const at = plot.cursor.idx;
      const bytes = at === null || at === undefined ? undefined : (data[1][at] ?? data[4][at]);
      told.textContent = bytes === undefined ? "" : `${day.format(data[0][at] * 1000)}: ${amount(bytes)}`;
    };
    return new uPlot(
      {
        width: place.clientWidth,
        height: HEIGHT,
        legend: { show: false },
        cursor: { drag: { x: false, y: false }, y: false },
        tzDate: (at) => uPlot.tzDate(new Date(at * 1000), "UTC"),
        // With few days the line is short: the last fortnight at least has its place.
        scales: {
          x: { time: true, range: (_plot, low, high) => [Math.min(low, last - 13 * DAY), high] },
          y: { range: () => [0, marks.at(-1)] },
        },
        axes: [
          { ...axis, space: 72, size: 28, grid: { show: false }, values: (_plot, times) => times.map((at) => day.format(at * 1000)) },
          { ...axis, size: 72, grid: { stroke: line, width: 1 }, splits: () => marks, values: (_plot, shown) => shown.map(amount) },
        ],
        series: [
          {},
          { stroke: mail, width: 2, fill: faint(mail, 0.12) },
          { stroke: trash, width: 2, fill: faint(trash, 0.2) },
          { stroke: resolved(place, "--bad"), width: 2, show: limit > 0, points: { show: false } },
          { stroke: mail, width: 2, dash: [6, 5], points: { show: false } },
        ],
        hooks: { setCursor: [tell] },
      },
      data,
      place,
    );
  };

  document.addEventListener("DOMContentLoaded", () => {
    const place = document.getElementById("usage-chart");
    if (!place) return;
    const table = document.getElementById(place.dataset.table);
    const told = document.getElementById("usage-day");
    document.getElementById("usage-drawn").hidden = false;
    let plot = draw(place, table, told);
    const again = () => {
      plot.destroy();
      plot = draw(place, table, told);
    };
    new ResizeObserver(() => {
      if (place.clientWidth !== plot.width) plot.setSize({ width: place.clientWidth, height: HEIGHT });
    }).observe(place);
    new MutationObserver(again).observe(document.documentElement, { attributeFilter: ["data-bs-theme"] });
    // The axes are painted: with the page's letters once these are there.
    document.fonts.ready.then(again);
  });
})();
