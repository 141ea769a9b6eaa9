import { signal } from '@preact/signals';
import { Icon } from './icons';

interface Toast {
  key: number;
  text: string;
  tone: 'ok' | 'bad';
}
const toasts = signal<Toast[]>([]);
let next = 0;

const drop = (key: number): void => {
  toasts.value = toasts.value.filter((other) => other.key !== key);
};
export function toast(text: string, tone: 'ok' | 'bad' = 'ok'): void {
  const key = ++next;
  toasts.value = [...toasts.value.slice(-2), { key, text, tone }];
  // What went wrong stays until it has been read.
  if (tone === 'ok') setTimeout(() => drop(key), 5000);
}

// Does it, says so, and reads again what it changed.
export async function act(work: Promise<unknown>, said: string, again: () => void): Promise<void> {
  try {
    await work;
    toast(said);
    again();
  } catch (error) {
    toast((error as Error).message, 'bad');
  }
}

export const Toasts = () => (
  <div class="toasts" role="status" aria-live="polite">
    {toasts.value.map(({ key, text, tone }) => (
      <p key={key} class={`toast tone-${tone}`}>
        <Icon name={tone === 'ok' ? 'check' : 'warn'} />
        {text}
        <button class="icon-button" aria-label="Dismiss" onClick={() => drop(key)}>
          <Icon name="cross" />
        </button>
      </p>
    ))}
  </div>
);
