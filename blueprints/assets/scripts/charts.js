// Charts of a dashboard: ECharts, only what is used of it, in the colours of the tokens, light and dark.
import { BarChart, FunnelChart, LineChart, PieChart } from "echarts/charts";
import { GridComponent, LegendComponent, TooltipComponent } from "echarts/components";
import * as echarts from "echarts/core";
import { CanvasRenderer } from "echarts/renderers";

echarts.use([BarChart, LineChart, PieChart, FunnelChart, GridComponent, TooltipComponent, LegendComponent, CanvasRenderer]);

const PALETTE = ["indigo", "teal", "amber", "pink", "blue", "lime", "orange", "purple", "cyan", "red", "green", "gray"];
const drawn = new Set();

/** The colour that a token has now; a canvas does not know custom properties. */
function reader(root) {
  const probe = document.createElement("span");
  probe.hidden = true;
  root.append(probe);
  const read = (name) => {
    probe.style.setProperty("color", `var(--ml-${name})`);
    return getComputedStyle(probe).color;
  };
  read.done = () => probe.remove();
  return read;
}

function options(data, color, language, narrow) {
  const ink = color("ink"), muted = color("muted"), line = color("line"), surface = color("raised");
  const tint = (name, at) => color(`c-${name || PALETTE[at % PALETTE.length]}`);
  const text = { color: muted, fontFamily: getComputedStyle(document.body).fontFamily, fontSize: 12 };
  const several = data.series.length > 1 || Boolean(data.series[0]?.label);
  const exact = (point, at) => data.points[point]?.texts[at] ?? "";
  const tooltip = {
    renderMode: "richText",
    confine: true,
    backgroundColor: surface,
    borderColor: line,
    padding: [8, 12],
    textStyle: { ...text, color: ink },
  };
  const base = { textStyle: text, animationDuration: 250, aria: { enabled: false }, tooltip };
  if (data.kind === "pie" || data.kind === "funnel") {
    const rows = data.points.map((point, at) => ({
      name: point.label,
      value: point.values[0],
      itemStyle: { color: tint(point.tint, at) },
    }));
    const formatter = ({ dataIndex, name, percent }) =>
      data.kind === "pie" ? `${name}\n${exact(dataIndex, 0)}  (${percent}%)` : `${name}\n${exact(dataIndex, 0)}`;
    if (data.kind === "pie") {
      return {
        ...base,
        tooltip: { ...tooltip, trigger: "item", formatter },
        legend: { type: "scroll", orient: narrow ? "horizontal" : "vertical", ...(narrow ? { bottom: 0, left: 0 } : { right: 0, top: "middle" }), icon: "circle", itemWidth: 9, itemHeight: 9, textStyle: { ...text, color: ink, overflow: "truncate", width: 140 }, pageTextStyle: text, pageIconColor: muted },
        series: [{ type: "pie", cursor: "pointer", radius: ["52%", "80%"], center: narrow ? ["50%", "42%"] : ["32%", "50%"], label: { show: false }, itemStyle: { borderColor: color("surface"), borderWidth: 2 }, data: rows }],
      };
    }
    return {
      ...base,
      tooltip: { ...tooltip, trigger: "item", formatter },
      series: [{
        type: "funnel", cursor: "pointer", sort: "none", left: 4, right: narrow ? "46%" : "42%", top: 4, bottom: 4, gap: 3, minSize: "8%",
        label: { position: "right", formatter: ({ dataIndex, name }) => `{n|${name}}  {v|${data.points[dataIndex].short[0]}}`, rich: { n: { ...text, color: ink }, v: { ...text, fontWeight: 600, color: ink } } },
        labelLine: { length: 8, lineStyle: { color: line } },
        itemStyle: { borderWidth: 0 },
        data: rows,
      }],
    };
  }
  const across = data.kind === "bar" && !several && data.points.length > 6 && data.points.some((each) => each.label.length > 6 && !/^\d{4}/.test(each.label));
  const units = language === "zh" ? [[1e8, "亿"], [1e4, "万"]] : [[1e9, "B"], [1e6, "M"], [1e3, "K"]];
  const short = (value) => {
    const [size, name] = units.find(([unit]) => Math.abs(value) >= unit) ?? [1, ""];
    return `${Number((value / size).toFixed(1))}${name}`;
  };
  const names = data.points.map((each) => each.label);
  const labels = {
    type: "category", data: across ? [...names].reverse() : names, axisTick: { show: false }, axisLine: { lineStyle: { color: line } },
    axisLabel: { ...text, hideOverlap: true, ...(across ? { width: 120, overflow: "truncate", color: ink } : {}) }, boundaryGap: data.kind !== "line",
  };
  const values = { type: "value", splitLine: { lineStyle: { color: line } }, axisLabel: { ...text, formatter: short }, splitNumber: 4, minInterval: data.points.every((p) => p.values.every(Number.isInteger)) ? 1 : 0 };
  const series = data.series.map((each, at) => {
    const color = tint(each.tint, at);
    const points = data.points.map((point) => (several || !point.tint ? { value: point.values[at] } : { value: point.values[at], itemStyle: { color: tint(point.tint, 0) } }));
    const list = across ? points.reverse() : points;
    return data.kind === "line"
      ? { type: "line", name: each.label, data: list, color, smooth: 0.2, symbolSize: 7, cursor: "pointer", lineStyle: { width: 2.5 }, areaStyle: data.series.length > 1 ? undefined : { opacity: 0.1 } }
      : { type: "bar", name: each.label, data: list, color, cursor: "pointer", barMaxWidth: 34, stack: data.kind === "stacked" ? "all" : undefined, itemStyle: { borderRadius: data.kind === "stacked" ? 0 : across ? [0, 3, 3, 0] : [3, 3, 0, 0] } };
  });
  return {
    ...base,
    tooltip: {
      ...tooltip,
      trigger: several ? "axis" : "item",
      axisPointer: { type: data.kind === "line" ? "line" : "shadow", shadowStyle: { color: line, opacity: 0.35 } },
      formatter: (found) => {
        const all = Array.isArray(found) ? found : [found];
        const at = across ? data.points.length - 1 - all[0].dataIndex : all[0].dataIndex;
        const rows = all.filter((each) => several ? each.value : true).map((each) => (several ? `${each.seriesName}  ${exact(at, each.seriesIndex)}` : exact(at, 0)));
        return [data.points[at].label, ...rows].join("\n");
      },
    },
    legend: several ? { type: "scroll", top: 0, left: 0, icon: "circle", itemWidth: 9, itemHeight: 9, textStyle: { ...text, color: ink }, pageTextStyle: text } : undefined,
    grid: { left: 4, right: 12, top: several ? 34 : 10, bottom: 4, containLabel: true },
    xAxis: across ? values : labels,
    yAxis: across ? labels : values,
    series,
    across,
  };
}

function draw(element) {
  const data = JSON.parse(element.dataset.chart);
  const color = reader(element.parentNode);
  const option = options(data, color, document.documentElement.lang.startsWith("zh") ? "zh" : "en", element.clientWidth < 380);
  color.done();
  const across = option.across;
  delete option.across;
  const chart = echarts.getInstanceByDom(element) ?? echarts.init(element);
  chart.setOption(option, true);
  chart.off("click");
  chart.on("click", (event) => {
    const point = data.points[across ? data.points.length - 1 - event.dataIndex : event.dataIndex];
    const url = point?.urls[data.kind === "pie" || data.kind === "funnel" ? 0 : event.seriesIndex];
    if (url) location.assign(url);
  });
}

export function start(element) {
  element.setAttribute("role", "img");
  element.setAttribute("aria-label", element.dataset.label);
  draw(element);
  drawn.add(element);
  new ResizeObserver(() => {
    const chart = echarts.getInstanceByDom(element);
    if (chart && element.clientWidth && (element.clientWidth !== chart.getWidth() || element.clientHeight !== chart.getHeight())) chart.resize();
  }).observe(element);
}

const redraw = () => drawn.forEach((each) => (each.isConnected ? draw(each) : drawn.delete(each)));
matchMedia("(prefers-color-scheme: dark)").addEventListener("change", redraw);
new MutationObserver(redraw).observe(document.documentElement, { attributes: true, attributeFilter: ["data-theme"] });
