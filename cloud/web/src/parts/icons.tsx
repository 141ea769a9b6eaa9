import type { JSX } from 'preact';

// 16 × 16 outlines, drawn with the text's colour. Shapes differ, so that no state rests on colour.
const paths = {
  check: 'M8 1.5a6.5 6.5 0 1 1 0 13a6.5 6.5 0 0 1 0-13zM5.2 8.2l2 2 3.7-4.2',
  warn: 'M8 1.9l6.6 11.6H1.4zM8 6.2v3.4M8 11.5v.2',
  cross: 'M8 1.5a6.5 6.5 0 1 1 0 13a6.5 6.5 0 0 1 0-13zM5.8 5.8l4.4 4.4M10.2 5.8l-4.4 4.4',
  turn: 'M13.5 8a5.5 5.5 0 0 1-9.7 3.5M2.5 8a5.5 5.5 0 0 1 9.7-3.5M12.6 1.8v3h-3M3.4 14.2v-3h3',
  moon: 'M13.4 9.7A5.8 5.8 0 0 1 6.3 2.6a5.8 5.8 0 1 0 7.1 7.1z',
  dashed: 'M8 1.5a6.5 6.5 0 0 1 5 2.3M14.5 8a6.5 6.5 0 0 1-3 5.5M8 14.5a6.5 6.5 0 0 1-5-2.3M1.5 8a6.5 6.5 0 0 1 3-5.5',
  lock: 'M3.5 7.2h9v6.8h-9zM5.3 7.2V5a2.7 2.7 0 0 1 5.4 0v2.2M8 10v1.6',
  ban: 'M8 1.5a6.5 6.5 0 1 1 0 13a6.5 6.5 0 0 1 0-13zM3.5 3.5l9 9',
  fleet: 'M2 2h5v5H2zM9 2h5v5H9zM2 9h5v5H2zM9 9h5v5H9z',
  device: 'M4.5 4.5h7v7h-7zM6.5 1.5v3M9.5 1.5v3M6.5 11.5v3M9.5 11.5v3M1.5 6.5h3M1.5 9.5h3M11.5 6.5h3M11.5 9.5h3',
  tasks: 'M1.8 4l1.2 1.2L5.2 3M1.8 8.5L3 9.7l2.2-2.2M7.5 4h7M7.5 8.5h7M7.5 13h7M2 13h2.4',
  bell: 'M8 1.8a4.2 4.2 0 0 0-4.2 4.2c0 4-1.6 5-1.6 5h11.6s-1.6-1-1.6-5A4.2 4.2 0 0 0 8 1.8zM6.6 13.6a1.5 1.5 0 0 0 2.8 0',
  cloud: 'M4.5 12.5a3 3 0 0 1-.3-6a4 4 0 0 1 7.7-.6a3.3 3.3 0 0 1-.4 6.6z',
  search: 'M7 2.2a4.8 4.8 0 1 1 0 9.6a4.8 4.8 0 0 1 0-9.6zM10.6 10.6L14 14',
  sun: 'M8 5a3 3 0 1 1 0 6a3 3 0 0 1 0-6zM8 1v1.6M8 13.4V15M1 8h1.6M13.4 8H15M3.1 3.1l1.1 1.1M11.8 11.8l1.1 1.1M3.1 12.9l1.1-1.1M11.8 4.2l1.1-1.1',
  screen: 'M2 2.8h12v8.4H2zM5.5 14h5M8 11.2V14',
  left: 'M10 3L5 8l5 5',
  right: 'M6 3l5 5-5 5',
  up: 'M8 13V3M3.8 7.2L8 3l4.2 4.2',
  pause: 'M5.5 3v10M10.5 3v10',
  play: 'M4.5 2.8l8 5.2-8 5.2z',
  info: 'M8 1.5a6.5 6.5 0 1 1 0 13a6.5 6.5 0 0 1 0-13zM8 7.4v3.8M8 4.8v.2',
  clock: 'M8 1.5a6.5 6.5 0 1 1 0 13a6.5 6.5 0 0 1 0-13zM8 4.3V8l2.6 1.6',
  link: 'M6.6 9.4l2.8-2.8M7.2 4.6l1.3-1.3a2.9 2.9 0 0 1 4.1 4.1l-1.3 1.3M8.8 11.4l-1.3 1.3a2.9 2.9 0 0 1-4.1-4.1l1.3-1.3',
  mute: 'M5.2 3a4.2 4.2 0 0 1 7 3c0 1.5.3 2.6.7 3.4M10 11H2.2s1.6-1 1.6-5M6.6 13.6a1.5 1.5 0 0 0 2.8 0M2 2l12 12',
  out: 'M6 2.5H2.5v11H6M10 5l3 3-3 3M13 8H6',
  eye: 'M1.5 8S4 3.5 8 3.5S14.5 8 14.5 8S12 12.5 8 12.5S1.5 8 1.5 8zM8 6.2a1.8 1.8 0 1 1 0 3.6a1.8 1.8 0 0 1 0-3.6z',
} as const;
export type IconName = keyof typeof paths;

export function Icon({
  name,
  size = 16,
  ...rest
}: { name: IconName; size?: number } & Omit<JSX.SVGAttributes<SVGSVGElement>, 'name' | 'size' | 'path'>) {
  return (
    <svg class="icon" viewBox="0 0 16 16" width={size} height={size} aria-hidden="true" focusable="false" {...rest}>
      <path
        d={paths[name]}
        fill="none"
        stroke="currentColor"
        stroke-width="1.5"
        stroke-linecap="round"
        stroke-linejoin="round"
      />
    </svg>
  );
}
