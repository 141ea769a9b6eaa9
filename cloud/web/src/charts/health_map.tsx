import { useEffect, useLayoutEffect, useMemo, useRef, useState } from 'preact/hooks';
import type { FleetMap } from 'api-types';
import { health_look, health_order, HealthBadge } from '../parts/state';
import type { Query } from '../api/query';
import { heard_since, on_changes, type Changes } from '../live/live';
import { theme } from '../parts/shell';
import { go } from '../router';
import { pixel, system_theme } from './colours';
import { cell_size } from './series';

// Calm where all is well, loud where it is not: the fills are not the text colours.
const fills = health_order.map((health) => `map-${health}`);
// What needs somebody comes first when sorted by state.
const severity = [7, 1, 4, 5, 0, 3, 2, 6];

const kRenewal = 10_000; // ms

export interface Cells {
  ids: string[];
  health: Uint8Array;
}

// Keeps a map current from the stream without rebuilding it. `version` counts its changes.
export function useCells({ data: map, asked, again }: Query<FleetMap> & { again: () => void }): {
  cells: Cells | null;
  version: number;
} {
  const cells = useMemo(() => map && { ids: map.ids, health: Uint8Array.from(map.health) }, [map]);
  const [version, set_version] = useState(0);
  useEffect(() => {
    if (!cells) return;
    let index: Map<string, number> | null = null;
    const began = Date.now();
    const take = ({ devices, more }: Changes): void => {
      // In a large fleet the stream names only some of those that change.
      if (more && Date.now() - began > kRenewal) {
        again();
        return;
      }
      if (devices.length === 0) return;
      index ??= new Map(cells.ids.map((id, at) => [id, at]));
      let changed = false;
      for (const device of devices) {
        const at = index.get(device.id),
          health = health_order.indexOf(device.health);
        if (at !== undefined && cells.health[at] !== health) {
          cells.health[at] = health;
          changed = true;
        }
      }
      if (changed) set_version((before) => before + 1);
    };
    heard_since(asked).forEach(take);
    return on_changes(take);
  }, [cells]);
  return { cells, version };
}

export function order_of(cells: Cells, by_state: boolean): Uint32Array | null {
  if (!by_state) return null;
  // A counting sort keeps the ids' order inside a state.
  const buckets: number[][] = Array.from({ length: 8 }, () => []);
  cells.health.forEach((health, at) => buckets[severity[health] ?? 7]!.push(at));
  const order = new Uint32Array(cells.health.length);
  let next = 0;
  for (const bucket of buckets) for (const at of bucket) order[next++] = at;
  return order;
}

interface Grid {
  cell: number;
  gap: number;
  columns: number;
  scale: number;
  height: number;
}
function grid_for(n: number, width: number, room: number): Grid {
  const scale = Math.min(2, window.devicePixelRatio || 1);
  const cell = cell_size(
    n,
    Math.floor(width * scale),
    Math.floor(Math.max(room, n > 20_000 ? 600 : 240) * scale),
    Math.floor(34 * scale),
  );
  const columns = Math.max(1, Math.floor((width * scale) / cell));
  const gap = cell >= 12 * scale ? Math.round(2 * scale) : cell >= 4 ? 1 : 0;
  return { cell, gap, columns, scale, height: Math.max(1, Math.ceil(n / columns)) * cell };
}

function paint(
  canvas: HTMLCanvasElement,
  cells: Cells,
  order: Uint32Array | null,
  { cell, gap, columns, height, scale }: Grid,
): void {
  const width = columns * cell;
  canvas.width = width;
  canvas.height = height;
  canvas.style.width = `${width / scale}px`;
  canvas.style.height = `${height / scale}px`;
  const context = canvas.getContext('2d')!;
  const image = context.createImageData(width, height);
  const pixels = new Uint32Array(image.data.buffer);
  const colours = fills.map(pixel);
  const side = cell - gap;
  for (let place = 0; place < cells.health.length; ++place) {
    const at = order ? order[place]! : place;
    const fill = colours[cells.health[at]!]!;
    let start = Math.floor(place / columns) * cell * width + (place % columns) * cell;
    for (let y = 0; y < side; ++y, start += width) pixels.fill(fill, start, start + side);
  }
  context.putImageData(image, 0, 0);
}

// One cell a device, to the pixel. Arrow keys walk over it, Enter opens the device.
export function HealthMap({ cells, version, by_state }: { cells: Cells; version: number; by_state: boolean }) {
  const host = useRef<HTMLDivElement>(null),
    canvas = useRef<HTMLCanvasElement>(null);
  const [{ width, room }, set_size] = useState({ width: 0, room: 0 });
  const [at, set_at] = useState<number | null>(null);
  const order = useMemo(() => order_of(cells, by_state), [cells, by_state, version]);
  const grid = useMemo(() => (width ? grid_for(cells.ids.length, width, room) : null), [cells, width, room]);
  const look = `${theme.value} ${system_theme.value}`;

  useEffect(() => {
    const observer = new ResizeObserver(([entry]) =>
      set_size({ width: Math.floor(entry!.contentRect.width), room: Math.floor(entry!.contentRect.height) }),
    );
    observer.observe(host.current!);
    return () => observer.disconnect();
  }, []);
  useLayoutEffect(() => {
    if (grid) paint(canvas.current!, cells, order, grid);
  }, [cells, order, grid, look, version]);

  const place_at = (event: PointerEvent | MouseEvent): number | null => {
    if (!grid) return null;
    const box = canvas.current!.getBoundingClientRect();
    const column = Math.floor(((event.clientX - box.left) * grid.scale) / grid.cell);
    const place = Math.floor(((event.clientY - box.top) * grid.scale) / grid.cell) * grid.columns + column;
    return column >= 0 && column < grid.columns && place >= 0 && place < cells.ids.length ? place : null;
  };
  const device = (place: number): number => (order ? order[place]! : place);
  const open = (place: number | null): void => {
    if (place !== null) go(`/devices/${cells.ids[device(place)]}`);
  };
  const on_key = (event: KeyboardEvent): void => {
    if (event.key === 'Enter') return open(at);
    if (event.key === 'Escape') return set_at(null);
    const row = grid?.columns ?? 1;
    const step = { ArrowRight: 1, ArrowLeft: -1, ArrowDown: row, ArrowUp: -row }[event.key];
    if (!step) return;
    event.preventDefault();
    set_at((before) => (before === null ? 0 : Math.min(cells.ids.length - 1, Math.max(0, before + step))));
  };

  const chosen = at !== null && at < cells.ids.length ? device(at) : null;
  const health = chosen === null ? null : health_order[cells.health[chosen]!]!;
  const x = grid && at !== null ? (((at % grid.columns) + 0.5) * grid.cell) / grid.scale : 0;
  const y = grid && at !== null ? (Math.floor(at / grid.columns) * grid.cell) / grid.scale : 0;
  return (
    <div
      class="map"
      ref={host}
      tabIndex={0}
      role="application"
      aria-roledescription="health map"
      aria-label="Health map, a cell for each device. Arrow keys move, Enter opens a device."
      onKeyDown={on_key}
      onBlur={() => set_at(null)}
      style={grid ? { minHeight: `${grid.height / grid.scale}px` } : {}}
    >
      <canvas
        ref={canvas}
        onPointerMove={(event) => set_at(place_at(event))}
        onPointerLeave={() => set_at(null)}
        onClick={(event) => open(place_at(event))}
      />
      {grid && at !== null && (
        <i
          class="map-cursor"
          style={{
            left: `${x - grid.cell / grid.scale / 2}px`,
            top: `${y}px`,
            width: `${grid.cell / grid.scale}px`,
            height: `${grid.cell / grid.scale}px`,
          }}
        />
      )}
      <div class="map-told" aria-live="polite">
        {chosen !== null && health && (
          <div class="tip" style={{ left: `${Math.min(Math.max(x, 90), Math.max(90, width - 90))}px`, top: `${y}px` }}>
            <strong>{cells.ids[chosen]}</strong>
            <HealthBadge health={health} plain />
          </div>
        )}
      </div>
    </div>
  );
}

export function MapLegend({ cells, version }: { cells: Cells; version: number }) {
  const counts = useMemo(() => {
    const all = new Array<number>(8).fill(0);
    for (const health of cells.health) ++all[health]!;
    return all;
  }, [cells, version]);
  return (
    <ul class="map-legend">
      {health_order.map(
        (health, at) =>
          counts[at]! > 0 && (
            <li key={health}>
              <i style={{ background: `var(--map-${health})` }} />
              {health_look[health].word}
            </li>
          ),
      )}
    </ul>
  );
}
