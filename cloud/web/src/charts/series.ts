// Arithmetic of the charts; no DOM.
export type Values = (number | null)[];

// Each series on top of those before it. A gap stays a gap only where all of them have one.
export function stack(all: Values[]): Values[] {
  const sum: Values = [];
  return all.map((values) =>
    values.map((value, at) => {
      if (value === null && (sum[at] ?? null) === null) return null;
      return (sum[at] = (sum[at] ?? 0) + (value ?? 0));
    }),
  );
}

export interface Shade {
  from: number;
  to: number;
  share: number;
}

// Stretches in which much fewer were online than at the best of the time shown.
export function outages(t: number[], online: Values, least = 0.02): Shade[] {
  const best = Math.max(0, ...online.map((value) => value ?? 0));
  const shades: Shade[] = [];
  let open: Shade | null = null;
  t.forEach((at, index) => {
    const value = online[index] ?? null;
    const share = best > 0 && value !== null ? 1 - value / best : 0;
    if (share <= least) {
      open = null;
      return;
    }
    const next = t[index + 1] ?? at;
    if (open) {
      open.to = next;
      open.share = Math.max(open.share, share);
    } else shades.push((open = { from: at, to: next, share }));
  });
  return shades;
}

export interface Summary {
  last: number | null;
  low: number | null;
  high: number | null;
}
export function summarize(values: Values): Summary {
  const known = values.filter((value): value is number => value !== null);
  return {
    last: known.at(-1) ?? null,
    low: known.length ? Math.min(...known) : null,
    high: known.length ? Math.max(...known) : null,
  };
}

export interface Bin {
  from: number;
  to: number;
  count: number;
}

// Bins whose edges grow as 1, 3, 10, 30 … from `least`: run times span decades.
export function decades(values: number[], least: number, most: number): Bin[] {
  const bins: Bin[] = [{ from: 0, to: least, count: 0 }];
  for (let base = least, step = 0; bins.at(-1)!.to < most; ++step) {
    const to = base * (step % 2 ? 10 : 3);
    bins.push({ from: bins.at(-1)!.to, to, count: 0 });
    if (step % 2) base *= 10;
  }
  for (const value of values) {
    const bin = bins.find(({ to }) => value < to) ?? bins.at(-1)!;
    ++bin.count;
  }
  return bins;
}

// The largest square cell, in whole device pixels, with which n cells fit a box; at least one pixel.
export function cell_size(n: number, width: number, height: number, most: number): number {
  for (let size = most; size > 1; --size) {
    if (Math.floor(width / size) * Math.floor(height / size) >= n) return size;
  }
  return 1;
}
