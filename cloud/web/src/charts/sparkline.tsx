import type { Values } from './series';

// The shape of the last minutes, no axes; the figure beside it is the text.
export function Sparkline({ values, tone = 'accent' }: { values: Values | undefined; tone?: string }) {
  const known = (values ?? []).filter((value): value is number => value !== null);
  if (known.length < 2) return <svg class="spark" viewBox="0 0 100 24" aria-hidden="true" />;
  const high = Math.max(...known, 1e-12),
    last = known.length - 1;
  const points = known
    .map((value, at) => `${((100 * at) / last).toFixed(2)},${(22 - (20 * value) / high).toFixed(2)}`)
    .join(' ');
  return (
    <svg
      class="spark"
      viewBox="0 0 100 24"
      preserveAspectRatio="none"
      aria-hidden="true"
      style={{ color: `var(--${tone})` }}
    >
      <polygon points={`0,24 ${points} 100,24`} fill="currentColor" opacity="0.1" />
      <polyline
        points={points}
        fill="none"
        stroke="currentColor"
        stroke-width="1.5"
        vector-effect="non-scaling-stroke"
        stroke-linejoin="round"
      />
    </svg>
  );
}
