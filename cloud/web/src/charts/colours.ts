import { signal } from '@preact/signals';
import { theme } from '../parts/shell';

// Canvases cannot read custom properties: an element of the page resolves them, theme and all.
const probe = document.createElement('i');
probe.hidden = true;

export const system_theme = signal(0);
matchMedia('(prefers-color-scheme: dark)').addEventListener('change', () => ++system_theme.value);

let held = new Map<string, string>();
let held_for = '';
export function colour(name: string): string {
  const current = `${theme.value} ${system_theme.value}`;
  if (current !== held_for) {
    held = new Map();
    held_for = current;
  }
  let value = held.get(name);
  if (!value) {
    if (!probe.isConnected) document.body.append(probe);
    probe.style.color = `var(--${name})`;
    value = getComputedStyle(probe).color;
    held.set(name, value);
  }
  return value;
}

// An opaque colour as the pixel of an ImageData: little-endian ABGR.
export function pixel(name: string): number {
  const [red = 0, green = 0, blue = 0] = (colour(name).match(/[\d.]+/g) ?? []).map(Number);
  return (0xff000000 | (blue << 16) | (green << 8) | red) >>> 0;
}

export const faded = (name: string, alpha: number): string =>
  colour(name).replace(/^rgb\((.*)\)$/, `rgba($1, ${alpha})`);
