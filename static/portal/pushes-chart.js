// Draws the last day of a server from the table beside it; whoever has no JavaScript has the table.
(() => {
  // light-dark() is resolved by a property that takes a colour, not by a variable.
  const resolved = (place, name) => {
    place.style.setProperty("outline-color", `var(${name})`);
    const found = getComputedStyle(place).outlineColor;
    place.style.removeProperty("outline-color");
    return found;
  };

  // Half hours in which nothing happened have no row.
  const read = (figures) => {
    const [from, step, count] = ["from", "step", "count"].map((name) => Number(figures.dataset[name]));
    const times = Array.from({ length: count }, (_, number) => from + number * step);
    const rows = new Map();
    for (const row of figures.querySelectorAll("tbody tr")) {
      const [live, failed] = [...row.querySelectorAll("data")].map((each) => Number(each.value));
      rows.set(Date.parse(row.querySelector("time").dateTime) / 1000, { live, failed });
    }
    const live = times.map((time) => rows.get(time)?.live ?? 0);
    const failed = times.map((time) => rows.get(time)?.failed ?? 0);
    // Failed ones stand on top of the live ones: drawn first, as high as both, and partly covered.
    return { any: rows.size > 0, failed, data: [times, live.map((some, n) => some + failed[n]), live] };
  };

  const draw = (place, figures) => {
    const { any, failed, data } = read(figures);
    place.hidden = !any;
    if (!any) return null;
    const lang = document.documentElement.lang;
    // The page tells the portal's time, whatever the browser's is.
    const timeZone = place.dataset.zone;
    const clock = new Intl.DateTimeFormat(lang, { hour: "2-digit", minute: "2-digit", hourCycle: "h23", timeZone });
    const number = new Intl.NumberFormat(lang);
    const line = resolved(place, "--line");
    const axis = { stroke: resolved(place, "--ink-soft"), grid: { stroke: line, width: 1 }, ticks: { stroke: line, width: 1 } };
    const bars = uPlot.paths.bars({ size: [0.8, 40], align: 1 });
    const column = (label, colour, value) => ({ label, value, fill: resolved(place, colour), stroke: resolved(place, colour), width: 0, paths: bars, points: { show: false } });
    const counted = (count) => (count === null || count === undefined ? "–" : number.format(count));
    const last = data[0].at(-1) + Number(figures.dataset.step);
    return new uPlot(
      {
        width: place.clientWidth,
        height: 220,
        tzDate: (at) => uPlot.tzDate(new Date(at * 1000), timeZone),
        cursor: { drag: { x: false, y: false } },
        scales: { x: { time: true, range: () => [data[0][0], last] }, y: { range: (_plot, _low, high) => [0, Math.max(high, 4) * 1.05] } },
        axes: [
          { ...axis, values: (_plot, marks) => marks.map((at) => clock.format(at * 1000)), space: 60 },
          { ...axis, size: 50, incrs: [1, 2, 5, 10, 20, 50, 100, 200, 500, 1000, 2000, 5000, 10000, 20000, 50000], values: (_plot, marks) => marks.map(counted) },
        ],
        series: [
          { label: place.dataset.time, value: (_plot, at) => (at === null ? "–" : clock.format(at * 1000)) },
          column(place.dataset.failed, "--bad", (_plot, _sum, _series, at) => counted(at === null ? null : failed[at])),
          column(place.dataset.live, "--good", (_plot, count) => counted(count)),
        ],
      },
      data,
      place,
    );
  };

  document.addEventListener("DOMContentLoaded", () => {
    const place = document.getElementById("pushes-chart");
    if (!place) return;
    const figures = () => document.getElementById("day-figures");
    let plot = null;
    let drawn = "";
    const again = () => {
      plot?.destroy();
      drawn = figures().innerHTML;
      plot = draw(place, figures());
    };
    again();
    new ResizeObserver(() => {
      if (plot && place.clientWidth !== plot.width) plot.setSize({ width: place.clientWidth, height: 220 });
    }).observe(place);
    new MutationObserver(again).observe(document.documentElement, { attributeFilter: ["data-bs-theme"] });
    document.addEventListener("htmx:afterSettle", () => {
      if (figures().innerHTML !== drawn) again();
    });
  });
})();
