// A time axis on which stretches without any beginning or end are cut short, so that a task that
// waited a night still shows its milliseconds.
export interface Stretch {
  from: number;
  to: number;
  left: number;
  width: number;
  cut: boolean;
} // left, width: shares of the axis
export interface Axis {
  stretches: Stretch[];
  at: (time: number) => number;
  time: (place: number) => number;
}

const kTooLong = 4; // times all that is shorter

export function cut_axis(edges: number[]): Axis {
  const times = [...new Set(edges.length ? edges : [0])].sort((a, b) => a - b);
  if (times.length === 1) times.push(times[0]! + 1);
  const lengths = times.slice(1).map((time, index) => time - times[index]!);
  const shown = [...lengths];
  let shorter = 0;
  // What is too long gets as much room as all that is shorter together.
  for (const index of lengths.map((_, at) => at).sort((a, b) => lengths[a]! - lengths[b]!)) {
    if (shorter > 0 && lengths[index]! > kTooLong * shorter) shown[index] = shorter;
    shorter += shown[index]!;
  }
  const stretches: Stretch[] = [];
  let left = 0;
  shown.forEach((length, index) => {
    stretches.push({
      from: times[index]!,
      to: times[index + 1]!,
      left,
      width: length / shorter,
      cut: length < lengths[index]!,
    });
    left += length / shorter;
  });
  return { stretches, at: (time) => place(stretches, time), time: (place) => time(stretches, place) };
}

function place(stretches: Stretch[], time: number): number {
  const first = stretches[0]!,
    last = stretches.at(-1)!;
  if (time <= first.from) return 0;
  if (time >= last.to) return 1;
  const inside = stretches.find(({ to }) => time <= to)!;
  return inside.left + (inside.width * (time - inside.from)) / (inside.to - inside.from);
}

// What is at a place, a share of the axis.
function time(stretches: Stretch[], place: number): number {
  const inside = stretches.find(({ left, width }) => place <= left + width) ?? stretches.at(-1)!;
  return inside.from + (inside.to - inside.from) * Math.min(1, Math.max(0, (place - inside.left) / inside.width));
}
