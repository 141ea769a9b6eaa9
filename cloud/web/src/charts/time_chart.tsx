import { useEffect, useLayoutEffect, useMemo, useRef, useState } from 'preact/hooks';
import uPlot from 'uplot';
import 'uplot/dist/uPlot.min.css';
import { compact, count } from '../format';
import { theme } from '../parts/shell';
import { colour, faded, system_theme } from './colours';
import { stack, summarize, type Shade, type Values } from './series';

export interface Line {
  name: string;
  values: Values;
  tone: string;
  fill?: boolean;
}
interface Props {
  title: string;
  t: number[]; // Unix seconds
  lines: Line[];
  format?: (value: number | null) => string;
  height?: number;
  stacked?: boolean;
  shades?: Shade[];
  sync?: string;
  least_top?: number; // the axis reaches at least this high
}

// A chart over time. The words beside it say what the line says, for those who cannot see it.
export function TimeChart({
  title,
  t,
  lines,
  format = count,
  height = 132,
  stacked = false,
  shades = [],
  sync = 'time',
  least_top = 0,
}: Props) {
  const host = useRef<HTMLDivElement>(null);
  const plot = useRef<uPlot | null>(null);
  const latest = useRef({ shades, format });
  latest.current = { shades, format };
  const [at, set_at] = useState<number | null>(null);
  const look = `${theme.value} ${system_theme.value}`;
  const columns = useMemo(
    () => (stacked ? stack(lines.map((line) => line.values)) : lines.map((line) => line.values)),
    [lines, stacked],
  );
  // What is stacked highest is drawn first, so that those below paint over it.
  const order = useMemo(
    () => lines.map((_, index) => index).sort((a, b) => (stacked ? b - a : a - b)),
    [lines.length, stacked],
  );
  const names = lines.map((line) => line.name + line.tone).join();

  useLayoutEffect(() => {
    const element = host.current!;
    const options = chart_options({
      format,
      width: element.clientWidth,
      height,
      sync,
      lines: order.map((index) => lines[index]!),
      stacked,
      least_top,
      latest,
      on_cursor: set_at,
    });
    const made = new uPlot(options, [t, ...order.map((index) => columns[index]!)] as uPlot.AlignedData, element);
    plot.current = made;
    const observer = new ResizeObserver(() => {
      if (element.clientWidth) made.setSize({ width: element.clientWidth, height });
    });
    observer.observe(element);
    return () => {
      observer.disconnect();
      made.destroy();
      plot.current = null;
    };
  }, [look, names, height, stacked, sync]);

  useEffect(() => {
    plot.current?.setData([t, ...order.map((index) => columns[index]!)] as uPlot.AlignedData);
  }, [t, columns, shades]);

  const told = lines
    .map((line) => {
      const { last, low, high } = summarize(line.values);
      return `${line.name}: now ${format(last)}, lowest ${format(low)}, highest ${format(high)}`;
    })
    .join('; ');
  return (
    <figure class="chart">
      <figcaption>
        <span class="chart-title">{title}</span>
        <span class="legend" aria-hidden="true">
          {lines.map((line) => (
            <span key={line.name}>
              <i style={{ background: `var(--${line.tone})` }} />
              {lines.length > 1 && line.name}{' '}
              <b>{format((at === null ? summarize(line.values).last : line.values[at]) ?? null)}</b>
            </span>
          ))}
        </span>
      </figcaption>
      <div class="plot" ref={host} role="img" aria-label={`${title}. ${told}.`} style={{ minHeight: `${height}px` }} />
    </figure>
  );
}

const kWhole = Array.from({ length: 12 }, (_, power) => [1, 2, 5].map((first) => first * 10 ** power)).flat();
const clock = (at: number, seconds: boolean): string => new Date(at * 1000).toTimeString().slice(0, seconds ? 8 : 5);

interface Making {
  format: (value: number | null) => string;
  width: number;
  height: number;
  sync: string;
  lines: Line[];
  stacked: boolean;
  least_top: number;
  latest: { current: { shades: Shade[]; format: (value: number | null) => string } };
  on_cursor: (at: number | null) => void;
}

function chart_options({
  format,
  width,
  height,
  sync,
  lines,
  stacked,
  least_top,
  latest,
  on_cursor,
}: Making): uPlot.Options {
  const font = `11px ${getComputedStyle(document.body).fontFamily}`;
  const axis = {
    stroke: colour('text-3'),
    font,
    ticks: { show: false },
    grid: { stroke: colour('line'), width: 1 },
    gap: 6,
  };
  return {
    width,
    height,
    legend: { show: false },
    padding: [8, 18, 0, 0],
    cursor: { sync: { key: sync }, y: false, drag: { x: false, y: false }, points: { show: !stacked, size: 7 } },
    scales: { y: { range: (_, __, high) => [0, Math.max(high * 1.08, least_top, 1e-9)] } },
    axes: [
      {
        ...axis,
        grid: { show: false },
        size: 24,
        space: 72,
        values: (_, ticks, __, ___, step) => ticks.map((tick) => clock(tick, step < 60)),
      },
      {
        ...axis,
        size: 56,
        space: 34,
        ...(format === compact || format === count ? { incrs: kWhole } : {}),
        values: (_, ticks) => ticks.map((tick) => latest.current.format(tick)),
      },
    ],
    series: [
      {},
      ...lines.map((line): uPlot.Series => ({
        label: line.name,
        stroke: colour(line.tone),
        width: stacked ? 1 : 1.75,
        points: { show: false },
        ...(stacked
          ? { fill: colour(line.tone), paths: uPlot.paths.stepped!({ align: 1 }) }
          : line.fill
            ? { fill: faded(line.tone, 0.12) }
            : {}),
      })),
    ],
    hooks: {
      setCursor: [(chart) => on_cursor(chart.cursor.idx ?? null)],
      drawClear: [(chart) => shade(chart, latest.current.shades)],
    },
  };
}

function shade(chart: uPlot, shades: Shade[]): void {
  const { ctx, bbox } = chart;
  for (const { from, to, share } of shades) {
    const left = Math.max(bbox.left, chart.valToPos(from, 'x', true));
    const right = Math.min(bbox.left + bbox.width, chart.valToPos(to, 'x', true));
    ctx.fillStyle = faded('bad', 0.1 + 0.18 * Math.min(1, share));
    ctx.fillRect(left, bbox.top, Math.max(1, right - left), bbox.height);
  }
}
