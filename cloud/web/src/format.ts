// Numbers as people read them: always with a unit, three significant digits where more would be noise.

const thin = '\u202f'; // between thousands
const space = '\u00a0'; // keeps a figure and its unit on one line
const missing = '–';

export function count(value: number | null | undefined): string {
  if (value == null) return missing;
  return String(Math.round(value)).replace(/\B(?=(\d{3})+$)/g, thin);
}

const significant = (value: number): string => {
  if (value >= 100) return String(Math.round(value));
  const text = value.toFixed(value >= 10 ? 1 : 2);
  return text.includes('.') ? text.replace(/\.?0+$/, '') : text;
};

// 12 400 devices fit a table; 1.24 M do not.
export function compact(value: number | null | undefined): string {
  if (value == null) return missing;
  if (value < 10_000) return count(value);
  // The next unit begins where rounding would write four digits.
  if (value < 999_500) return `${significant(value / 1e3)}${space}k`;
  return value < 999_500_000 ? `${significant(value / 1e6)}${space}M` : `${significant(value / 1e9)}${space}G`;
}

export function rate(value: number | null | undefined): string {
  if (value == null) return missing;
  return value >= 10_000 ? compact(value) : value >= 100 ? count(value) : significant(value);
}

export function ratio(value: number | null | undefined): string {
  if (value == null) return missing;
  const percent = value * 100;
  if (percent > 0 && percent < 0.1) return `<${space}0.1${space}%`;
  if (percent < 100 && percent > 99.9) return `>${space}99.9${space}%`;
  return `${percent < 10 || percent > 99 ? Number(percent.toFixed(1)) : Math.round(percent)}${space}%`;
}

// Seconds, from nanoseconds to years.
export function duration(seconds: number | null | undefined): string {
  if (seconds == null) return missing;
  if (seconds < 0) return `−${duration(-seconds)}`;
  if (seconds === 0) return `0${space}s`;
  if (seconds < 0.0009995) return `${significant(seconds * 1e6)}${space}µs`;
  if (seconds < 0.9995) return `${significant(seconds * 1e3)}${space}ms`;
  if (seconds < 59.95) return `${significant(seconds)}${space}s`;
  return long(Math.round(seconds));
}

const units: [string, number][] = [
  ['y', 31_536_000],
  ['d', 86_400],
  ['h', 3600],
  ['min', 60],
  ['s', 1],
];
function long(seconds: number): string {
  const at = units.findIndex(([, size]) => seconds >= size);
  const [unit, size] = units[at]!;
  const whole = Math.floor(seconds / size);
  const next = units[at + 1];
  // A second unit helps up to ten of the first: "2 h 5 min", but "14 h".
  const rest = next && whole < 10 ? Math.floor((seconds % size) / next[1]) : 0;
  return `${whole}${space}${unit}${rest && next ? ` ${rest}${space}${next[0]}` : ''}`;
}

export function bytes(value: number | null | undefined): string {
  if (value == null) return missing;
  const names = ['B', 'KiB', 'MiB', 'GiB', 'TiB', 'PiB'];
  let unit = 0;
  while (value >= 1023.5 && unit < names.length - 1) {
    value /= 1024;
    ++unit;
  }
  return `${significant(value)}${space}${names[unit]}`;
}

export const celsius = (value: number | null | undefined): string =>
  value == null ? missing : `${Math.round(value)}${space}°C`;

// Seconds since an instant; a clock a little ahead of ours makes no negative ages.
export const seconds_since = (instant: string, now: number): number => Math.max(0, (now - Date.parse(instant)) / 1000);

export function ago(instant: string | null | undefined, now: number): string {
  if (!instant) return 'never';
  const seconds = seconds_since(instant, now);
  // Beside a minute, seconds are noise.
  return seconds < 1.5 ? 'now' : `${long(seconds < 59.5 ? Math.round(seconds) : Math.round(seconds / 60) * 60)} ago`;
}

const exact = new Intl.DateTimeFormat('en-GB', { dateStyle: 'medium', timeStyle: 'medium' });
export const left = (until: string, now: number): string =>
  duration(Math.max(0, Math.round((Date.parse(until) - now) / 1000)));
export const exactly = (instant: string): string => exact.format(Date.parse(instant));

export const plural = (n: number, one: string, many = `${one}s`): string => `${count(n)} ${n === 1 ? one : many}`;

// "tasks_failing" reads as "tasks failing".
export const words = (name: string): string => name.replaceAll('_', ' ');
export const sentence = (text: string): string => text.charAt(0).toUpperCase() + text.slice(1);
