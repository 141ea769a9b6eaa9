import type { NewTask, Selector } from 'api-types';

// Whom a task is for.
export type Aim = { devices: string[] } | { select: Selector };

export const bands: NonNullable<NewTask['band']>[] = ['urgent', 'high', 'normal', 'background'];
export const deadlines: [number, string][] = [
  [600, 'in 10 minutes'],
  [3600, 'in an hour'],
  [86_400, 'in a day'],
  [604_800, 'in a week'],
];

// "a=1\nb=x=y" as { a: '1', b: 'x=y' }; a text says what is wrong.
export function arguments_of(text: string): Record<string, string> | string {
  const args: Record<string, string> = {};
  for (const line of text
    .split('\n')
    .map((one) => one.trim())
    .filter(Boolean)) {
    const at = line.indexOf('=');
    if (at < 1) return `“${line}” is not name=value.`;
    args[line.slice(0, at).trim()] = line.slice(at + 1).trim();
  }
  return args;
}
